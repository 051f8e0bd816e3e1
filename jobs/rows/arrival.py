"""Which hours of input arrived, and what those that did not could hold."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from datetime import date
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from jobs.rows.cautions import Cautions, missing_hours
from jobs.windows import HOURS

ENOUGH_DAYS = 7  # fewer whole days say little about an hour of the day; then any hour of the window speaks


class InputHour(NamedTuple):
    """What the ingest log tells of an hour of a day.

    Attributes:
        day: the day, UTC.
        hour: the hour of the day, 0 to 23.
        arrived: some of its input is there.
        is_whole: all of it is, and could be read.
        n_kept: lines kept of it.
    """

    day: date
    hour: int
    arrived: bool
    is_whole: bool
    n_kept: int


class Arrival:
    """Days and hours of input, asked for by window `[start, end)`.

    Args:
        hours: the hours that the ingest log knows, of every day that a window can contain.
    """

    def __init__(self, hours: Iterable[InputHour]) -> None:
        known = list(hours)
        self._days = sorted({hour.day for hour in known if hour.arrived})
        position = {day: i for i, day in enumerate(self._days)}
        self._kept = np.zeros((len(self._days), HOURS), dtype=np.int64)
        self._is_whole = np.ones((len(self._days), HOURS), dtype=bool)
        for hour in known:
            if hour.day in position:  # of a day without any input the day is told, not its hours
                self._kept[position[hour.day], hour.hour] = hour.n_kept
                self._is_whole[position[hour.day], hour.hour] = hour.is_whole
        self.cautions = cache(self._cautions)  # windows are few, and asked about for every wiki

    def missing_days(self, start: date, end: date) -> int:
        """Return how many days of the window never arrived."""
        first, last = self._positions(start, end)
        return (end - start).days - (last - first)

    def missing_hours(self, start: date, end: date) -> list[tuple[date, int]]:
        """Return the hours of the arrived days of the window that are missing or could not be read, in order."""
        first, last = self._positions(start, end)
        return [(self._days[first + day], int(hour)) for day, hour in np.argwhere(~self._is_whole[first:last])]

    def whole_hours(self, start: date, end: date) -> npt.NDArray[np.bool_]:
        """Return which hours of the days of the window arrived and could be read, days by hours."""
        first, last = self._positions(start, end)
        whole = np.zeros(((end - start).days, HOURS), dtype=bool)
        whole[[(day - start).days for day in self._days[first:last]]] = self._is_whole[first:last]
        return whole

    def is_complete(self, start: date, end: date) -> bool:
        """Whether every hour of the window arrived and could be read."""
        return not self.missing_days(start, end) and not self.missing_hours(start, end)

    def missing_reason(self, start: date, end: date) -> str | None:
        """Say why a window has days that were never ingested, or None."""
        missing = self.missing_days(start, end)
        return f"{missing} of {(end - start).days} days of the window have no input" if missing else None

    def largest_share(self, start: date, end: date) -> float:
        """Return the largest share of the window's events that its missing hours could hold, by what it has itself.

        An hour could hold as many as the fullest same hour of the window's whole days; with fewer than seven of these,
        as many as any hour of the window. All wikis together, as kept. 1 where nothing was kept at all.
        """
        first, last = self._positions(start, end)
        kept, is_whole = self._kept[first:last], self._is_whole[first:last]
        whole_days = is_whole.all(axis=1)
        fullest = kept[whole_days].max(axis=0) if whole_days.sum() >= ENOUGH_DAYS else kept.max(initial=0)
        lost = np.maximum(fullest - kept, 0)[~is_whole].sum()
        return float(lost / (kept.sum() + lost)) if kept.sum() else 1.0

    def _positions(self, start: date, end: date) -> tuple[int, int]:
        return bisect_left(self._days, start), bisect_left(self._days, end)

    def _cautions(self, start: date, end: date) -> Cautions:
        """Return why a window with all its days is not whole."""
        missing = self.missing_hours(start, end)
        return missing_hours(missing, self.largest_share(start, end)) if missing else ()
