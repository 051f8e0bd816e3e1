"""What could be measured when: the life of each link, and the stretches in which it could not be seen.

A link is measured on a day and platform if a row of `vocabulary.csv` says so (`*` is every platform). Its platforms
are those its rows name. The group row `review links` is measured on a platform's day if any of its elements is, and
an all-platform row is unmeasured while one of the platforms is. Windows are days `[start, end)`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import NamedTuple

from jobs.reference.rows import ANY_PLATFORM, PLATFORMS, REVIEW_LINKS, VocabularyRow
from jobs.reference.stretch import Stretch, gaps, hull
from jobs.windows import DAY

__all__ = ["ALL", "REVIEW_LINKS", "Vocabulary"]

ALL = "all"
_NAMES = {"desktop_browser": "on desktop", "mobile_browser": "on mobile"}


class Reasons(NamedTuple):
    """Why a row begins when it does, and why it ends."""

    begins: str
    ends: str


def reasons(row: VocabularyRow) -> Reasons:
    """Return both parts of a row's reason, parted by `; `; a reason of one part stands for both."""
    parts = row.reason.split("; ")
    return Reasons(begins=parts[0], ends=parts[-1])


@dataclass(frozen=True)
class Gap:
    """Days on which an element could not be seen on a platform, from `date.min` on if it never was before, and why."""

    days: Stretch[date]
    reason: str


class Vocabulary:
    """The vocabulary of one run.

    Args:
        rows: the rows of `vocabulary.csv`.

    Elements outside the vocabulary have no life and no group, and are never unmeasured: they are kept, counted and
    warned of.
    """

    def __init__(self, rows: Iterable[VocabularyRow]) -> None:
        self.rows = tuple(sorted(rows, key=lambda r: (r.element_friendly_name, r.measured_from, r.line)))
        self.elements: tuple[str, ...] = tuple(dict.fromkeys(r.element_friendly_name for r in self.rows))
        self.groups: Mapping[str, tuple[str, ...]] = {
            group: tuple(dict.fromkeys(r.element_friendly_name for r in self.rows if r.link_group == group))
            for group in sorted({r.link_group for r in self.rows})
        }
        self._group_of = {r.element_friendly_name: r.link_group for r in self.rows}
        # Rows are few, and asked about for every window.
        self._gaps = cache(self._find_gaps)

    def __contains__(self, element: object) -> bool:
        return element in self._group_of or (element == REVIEW_LINKS and REVIEW_LINKS in self.groups)

    @property
    def review_elements(self) -> tuple[str, ...]:
        """The elements of the group `review links`, sorted."""
        return self.groups.get(REVIEW_LINKS, ())

    def group_of(self, element: str) -> str | None:
        """Return the group of an element (the group row's is its own), null outside the vocabulary."""
        return REVIEW_LINKS if element == REVIEW_LINKS else self._group_of.get(element)

    def life(self, element: str) -> Stretch[date]:
        """Return what lasts from the first `measured_from` to the last `measured_to` of an element.

        Raises:
            KeyError: for an element outside the vocabulary.
        """
        rows = self._rows(element)
        if not rows:
            raise KeyError(f"{element!r} is not in the vocabulary")
        return hull(row.stretch for row in rows)

    def overlaps(self, element: str, start: date, end: date) -> bool:
        """Whether an element's life overlaps the days; never outside the vocabulary."""
        return element in self and self.life(element).touches(start, end)

    def outlives(self, group: str, end: date) -> bool:
        """Whether some element of a group is still alive on the day `end`, or on one after it."""
        ends = [self.life(element).end for element in self.groups.get(group, ())]
        return any(last is None or last > end for last in ends)

    def platforms_of(self, element: str) -> tuple[str, ...]:
        """Return the platforms an element has rows for."""
        named = {r.client_platform_family for r in self._rows(element)}
        return PLATFORMS if ANY_PLATFORM in named else tuple(p for p in PLATFORMS if p in named)

    def unmeasured(self, element: str, platform: str, start: date, end: date) -> str | None:
        """Return why some day of `[start, end)` is unmeasured, in one sentence, or null if all are measured.

        Args:
            element: an element, or the group row `review links`.
            platform: `desktop_browser`, `mobile_browser`, or `all` (unmeasured while one of its platforms is).
            start: first day.
            end: the day after the last.
        """
        if element not in self:
            return None
        for one in self.platforms_of(element) if platform == ALL else (platform,):
            gap = next((gap for gap in self._gaps(element, one) if gap.days.touches(start, end)), None)
            if gap is not None:
                return self._sentence(element, one, gap)
        return None

    def review_unmeasured(self, start: date, end: date) -> str | None:
        """Return why reviewers and two-day review are unmeasured in the days, or null.

        They stand and fall with the all-platform row of the group `review links`.
        """
        if not self.review_elements:
            return "The vocabulary has no review link."
        return self.unmeasured(REVIEW_LINKS, ALL, start, end)

    def first_review_day(self) -> date | None:
        """Return the first day on which every platform of the group `review links` is measured, if there is one."""
        platforms = self.platforms_of(REVIEW_LINKS)
        for day in sorted({r.measured_from for r in self._rows(REVIEW_LINKS)}):
            if not any(gap.days.holds(day) for platform in platforms for gap in self._gaps(REVIEW_LINKS, platform)):
                return day
        return None

    def _rows(self, element: str) -> tuple[VocabularyRow, ...]:
        if element == REVIEW_LINKS:
            return tuple(r for r in self.rows if r.link_group == REVIEW_LINKS)
        return tuple(r for r in self.rows if r.element_friendly_name == element)

    def _find_gaps(self, element: str, platform: str) -> tuple[Gap, ...]:
        """Return the days on which an element is unmeasured on a platform, in order.

        A gap is told by the beginning of the row after it, or, where nothing follows, by the end of the last one.
        """
        rows = [row for row in self._rows(element) if row.client_platform_family in (platform, ANY_PLATFORM)]
        rows.sort(key=lambda row: row.measured_from)
        if not rows:
            return (Gap(Stretch(date.min), "the vocabulary names other platforms only"),)
        why = {row.measured_from: reasons(row).begins for row in reversed(rows)}
        last = reasons(rows[-1]).ends
        return tuple(
            Gap(free, last if free.end is None else why[free.end])
            for free in gaps((row.stretch for row in rows), date.min)
        )

    def _sentence(self, element: str, platform: str, gap: Gap) -> str:
        """Say when and why."""
        first, last = gap.days.start, gap.days.end
        if first == date.min:
            when = "" if last is None else f" before {last}"
        else:
            when = f" from {first} " + ("on" if last is None else f"to {last - DAY}")
        # A platform is named where the other one has another gap, or none.
        sharing = [one for one in self.platforms_of(element) if gap.days in self._unmeasured_days(element, one)]
        where = "" if len(sharing) > 1 else f" {_NAMES.get(platform, platform)}"
        subject = "Review links were" if element == REVIEW_LINKS else f"{element} was"
        text = f"{subject} not measured{where}{when}" + (f": {gap.reason}" if gap.reason else "")
        return text.removesuffix(".") + "."

    def _unmeasured_days(self, element: str, platform: str) -> list[Stretch[date]]:
        return [gap.days for gap in self._gaps(element, platform)]
