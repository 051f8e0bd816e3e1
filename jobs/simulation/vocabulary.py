"""What the simulated clients can measure: elements, their link groups and the days they are live, by platform.

The facts are those of PersonalDashboard's public history: the menu link lived from 2026-02-10 to 2026-04-07, mobile
was defective before 2026-03-11, and diff and discussion links were silent from 2026-05-04 to 2026-05-21. The table
stands here, beside the product's own, because truth must not read what it is meant to check.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

PLATFORMS = ("desktop_browser", "mobile_browser")
MENU_LINK = "Personal Dashboard menu link"
SIDEBAR_LINK = "Personal Dashboard sidebar link"
REVIEW_LINKS = "review links"
ENTRY_POINT = "entry point"
OTHER_LINKS = "other links"
INSTRUMENT_START = date(2026, 2, 10)
MOBILE_START = date(2026, 3, 11)

Bool = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Stretch:
    """Days on which one element can be measured on one platform (or `*`); `measured_to` is exclusive."""

    element: str
    link_group: str
    platform: str
    measured_from: date
    measured_to: date | None
    reason: str


def _old(element: str, group: str, *periods: tuple[date, date | None], reason: str = "") -> list[Stretch]:
    """Return the stretches of an element older than working mobile instrumentation, by platform."""
    rows = []
    for first, last in periods:
        mobile_first = max(first, MOBILE_START)
        rows.append(Stretch(element, group, PLATFORMS[0], first, last, reason))
        rows.append(Stretch(element, group, PLATFORMS[1], mobile_first, last, reason))
    return rows


_BROKEN, _MENDED = date(2026, 5, 4), date(2026, 5, 21)
_REMOVED, _HOOK_GONE = date(2026, 7, 13), date(2026, 6, 29)


@dataclass(frozen=True)
class Vocabulary:
    """The stretches of every element, in the order their codes follow."""

    stretches: tuple[Stretch, ...]

    @property
    def elements(self) -> tuple[str, ...]:
        """Names of the elements; an element's code is its position."""
        return tuple(dict.fromkeys(row.element for row in self.stretches))

    @property
    def groups(self) -> tuple[str, ...]:
        """Link group of each element, by code."""
        group_of = {row.element: row.link_group for row in self.stretches}
        return tuple(group_of[name] for name in self.elements)

    def codes(self, group: str) -> list[int]:
        """Codes of the elements of a link group."""
        return [code for code, name in enumerate(self.groups) if name == group]

    def measured(self, start: date, days: int) -> Bool:
        """Whether (element, platform, day) can be measured, for `days` days from `start`."""
        result = np.zeros((len(self.elements), len(PLATFORMS), days), dtype=bool)
        for row in self.stretches:
            first = max((row.measured_from - start).days, 0)
            last = days if row.measured_to is None else min(max((row.measured_to - start).days, 0), days)
            platforms = [code for code, name in enumerate(PLATFORMS) if row.platform in ("*", name)]
            result[self.elements.index(row.element), platforms, first:last] = True
        return result

    def life(self, element: str) -> tuple[date, date | None]:
        """First `measured_from` and last `measured_to` (null = still alive) of an element over all platforms."""
        rows = [row for row in self.stretches if row.element == element]
        ends = [row.measured_to for row in rows if row.measured_to is not None]
        return min(row.measured_from for row in rows), max(ends) if len(ends) == len(rows) else None


def _shipped() -> tuple[Stretch, ...]:
    """Build the stretches of the real dashboard's history."""
    begin, gap = INSTRUMENT_START, ((INSTRUMENT_START, _BROKEN), (_MENDED, None))
    rows = _old(MENU_LINK, ENTRY_POINT, (begin, date(2026, 4, 7)), reason="removed with T422512")
    rows += _old(
        "Personal Dashboard diff link", REVIEW_LINKS, *gap, reason="selectors broken in 1.47.0-wmf.1 and wmf.2"
    )
    rows.append(Stretch("Personal Dashboard watched diff link", REVIEW_LINKS, "*", _MENDED, None, "split off, T424665"))
    rows.append(
        Stretch(
            "Personal Dashboard recently edited diff link", REVIEW_LINKS, "*", date(2026, 8, 27), None, "third feed"
        )
    )
    for first, last in ((date(2026, 4, 13), _BROKEN), (_MENDED, _REMOVED)):
        rows.append(Stretch("Personal Dashboard discussion link", OTHER_LINKS, "*", first, last, "T407279, T424539"))
    rows += _old("Go to Recent Changes link", OTHER_LINKS, (begin, None))
    rows += _old("Personal Dashboard thanks link", OTHER_LINKS, (begin, _REMOVED), reason="dropped with T424539")
    for policy in ("Neutral point of view", "No original research", "Verifiability", "Assume good faith"):
        rows += _old(f"{policy} policy link", OTHER_LINKS, (begin, _HOOK_GONE), reason="hook removed, then T424539")
    return tuple(rows)


SHIPPED = Vocabulary(_shipped())


def with_entry_points() -> Vocabulary:
    """Return a vocabulary whose two entry points, a top link and a sidebar link, stay live."""
    rest = tuple(row for row in SHIPPED.stretches if row.link_group != ENTRY_POINT)
    reason = "entry point of the split instrument"
    entries = tuple(
        Stretch(name, ENTRY_POINT, "*", INSTRUMENT_START, None, reason) for name in (MENU_LINK, SIDEBAR_LINK)
    )
    return Vocabulary(entries + rest)
