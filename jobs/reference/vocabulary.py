"""What could be measured when: the life of each link, and the stretches in which it could not be seen.

A link is measured on a day and platform if a row of `vocabulary.csv` says so (`*` is every platform). Its platforms
are those its rows name. The group row `review links` is measured on a platform's day if any of its elements is, and
an all-platform row is unmeasured while one of the platforms is. Windows are days `[start, end)`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta

from jobs.reference.rows import ANY_PLATFORM, PLATFORMS, REVIEW_LINKS, VocabularyRow

__all__ = ["ALL", "REVIEW_LINKS", "Vocabulary"]

ALL = "all"
_NAMES = {"desktop_browser": "on desktop", "mobile_browser": "on mobile"}


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

    def __contains__(self, element: object) -> bool:
        return element in self._group_of or (element == REVIEW_LINKS and REVIEW_LINKS in self.groups)

    @property
    def review_elements(self) -> tuple[str, ...]:
        """The elements of the group `review links`, sorted."""
        return self.groups.get(REVIEW_LINKS, ())

    def group_of(self, element: str) -> str | None:
        """Return the group of an element (the group row's is its own), null outside the vocabulary."""
        return REVIEW_LINKS if element == REVIEW_LINKS else self._group_of.get(element)

    def life(self, element: str) -> tuple[date, date | None]:
        """Return the first `measured_from` and the last `measured_to` (exclusive, null while open) of an element.

        Raises:
            KeyError: for an element outside the vocabulary.
        """
        rows = self._rows(element)
        if not rows:
            raise KeyError(f"{element!r} is not in the vocabulary")
        ends = [r.measured_to for r in rows if r.measured_to is not None]
        return min(r.measured_from for r in rows), max(ends) if len(ends) == len(rows) else None

    def overlaps(self, element: str, start: date, end: date) -> bool:
        """Whether an element's life overlaps the days; never outside the vocabulary."""
        if element not in self:
            return False
        first, last = self.life(element)
        return first < end and (last is None or start < last)

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
            gap = self._first_gap(element, one, start, end)
            if gap is not None:
                return self._sentence(element, one, *gap)
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
            next_day = day + timedelta(days=1)
            if all(self._first_gap(REVIEW_LINKS, p, day, next_day) is None for p in platforms):
                return day
        return None

    def _rows(self, element: str) -> tuple[VocabularyRow, ...]:
        if element == REVIEW_LINKS:
            return tuple(r for r in self.rows if r.link_group == REVIEW_LINKS)
        return tuple(r for r in self.rows if r.element_friendly_name == element)

    def _platform_rows(self, element: str, platform: str) -> list[VocabularyRow]:
        rows = [r for r in self._rows(element) if r.client_platform_family in (platform, ANY_PLATFORM)]
        return sorted(rows, key=lambda r: r.measured_from)

    def _first_gap(self, element: str, platform: str, start: date, end: date) -> tuple[date, date | None] | None:
        """Return the whole unmeasured stretch `[from, to)` that first touches `[start, end)`; null if there is none."""
        gap_start: date | None = date.min
        for row in self._platform_rows(element, platform):
            if gap_start is None:
                return None  # measured from here on
            if gap_start < row.measured_from and gap_start < end and start < row.measured_from:
                return gap_start, row.measured_from
            gap_start = None if row.measured_to is None else max(gap_start, row.measured_to)
        return (gap_start, None) if gap_start is not None and gap_start < end else None

    def _sentence(self, element: str, platform: str, first: date, last: date | None) -> str:
        """Say when and why.

        A reason has one part, or two parted by `; `: why the stretch begins when it does, and why it ends. A gap is
        told by the beginning of the row after it, or, where nothing follows, by the end of the last one.
        """
        rows = self._platform_rows(element, platform)
        if not rows:
            reason = "the vocabulary names other platforms only"
        elif last is None:
            reason = rows[-1].reason.split("; ")[-1]
        else:
            reason = next(r.reason for r in rows if r.measured_from == last).split("; ")[0]
        if first == date.min:
            when = "" if last is None else f" before {last}"
        else:
            when = f" from {first} " + ("on" if last is None else f"to {last - timedelta(days=1)}")
        # A platform is named where the other one has another gap, or none.
        where = f" {_NAMES.get(platform, platform)}" if self._sharing(element, first, last) <= 1 else ""
        subject = "Review links were" if element == REVIEW_LINKS else f"{element} was"
        text = f"{subject} not measured{where}{when}" + (f": {reason}" if reason else "")
        return text.removesuffix(".") + "."

    def _sharing(self, element: str, first: date, last: date | None) -> int:
        """Count the platforms of an element that have just this gap."""
        probe = first if first != date.min else (last or date.max) - timedelta(days=1)
        end = probe + timedelta(days=1)
        return sum(self._first_gap(element, p, probe, end) == (first, last) for p in self.platforms_of(element))
