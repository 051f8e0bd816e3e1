"""What hours that were lost could have held, judged by the hours that arrived.

What a wiki sends of an element in an hour is one of many such hours. Of n that are alike, a further one exceeds the
largest with a chance of 1 / (n + 1): so the bound is the largest of the same hour of the day, where enough days have
it, and else of any hour. Of the three other hours of a weekday in four weeks, one in four lost hours would exceed all.
"""

from __future__ import annotations

from datetime import date
from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from jobs.estimation.intervals import FloatArray
from jobs.rows.arrival import Arrival
from jobs.window_sums.tables import ALL
from jobs.windows import DAY, REFERENCE_DAYS

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]

CELL = ["wiki_db", "element_friendly_name", "client_platform_family", "edit_count_bucket"]
TOTALS = ("n_loads", "n_impressions", "n_clicks")
MEASURES = (*TOTALS, "n_visitors", "n_shown_users", "n_click_users")
ENOUGH_DAYS = 20  # with the same hour: four weeks less a few days, so that a working day has fourteen of its kind
FEW = 64  # of what is asked for again and again; with hundreds of wikis one of it takes megabytes
FEWEST_HOURS = 14  # that arrived of whatever is bounded: a further one exceeds them all with a chance of 1 in 15


class Evidence(NamedTuple):
    """How many of the hours of 28 days tell how much a wiki sends of an element.

    A wiki's element is known from days on which it sent anything: before, it may not have been there. One that never
    did is known from all days on which it could have.

    Attributes:
        groups: wikis and elements.
        times: by group and hour of the day, the whole hours of days on which it sent anything.
        first: the first of the 28 days.
        since: whole hours from each of these days on, whatever was sent; 0 after the last.
    """

    groups: pd.MultiIndex
    times: IntArray
    first: date
    since: IntArray

    def is_few(self, groups: pd.DataFrame, began: IntArray) -> BoolArray:
        """Tell of which wikis and elements too few hours are known.

        Args:
            groups: a wiki and an element on each line.
            began: ordinals of the days since which these could have sent anything.
        """
        at = self.groups.get_indexer(pd.MultiIndex.from_frame(groups))
        own = np.append(self.times.sum(axis=1), 0)[at]
        silent = self.since[np.clip(began - self.first.toordinal(), 0, REFERENCE_DAYS)]
        few: BoolArray = np.where(own > 0, own, silent) < FEWEST_HOURS
        return few


class Lost(NamedTuple):
    """What the lost hours of a window could have held, by cell; a cell that is absent never held anything.

    Attributes:
        cells: names of the cells, as `CELL`; of loads and visitors element, platform and bucket are `all`.
        largest: the most of each of `MEASURES`, weighted by 1 / rate.
        middle: the median of each of `TOTALS`.
        evidence: the hours that this rests on; None where nothing was lost.
    """

    cells: pd.MultiIndex
    largest: FloatArray
    middle: FloatArray
    evidence: Evidence | None


class HourlyCounts:
    """Counts of every hour, asked for by window.

    Args:
        counts: rows of the table `hourly_counts`: of the 28 days that end with each asked date, and of every day of a
            window that lost an hour.
        arrival: which hours arrived whole.
        own_buckets: elements whose buckets stand under a platform.
    """

    def __init__(self, counts: pd.DataFrame, arrival: Arrival, own_buckets: tuple[str, ...] = ()) -> None:
        self._arrival = arrival
        self._rows = _with_margins(_weighted(counts), own_buckets)
        self._table = cache(self._pooled)  # the same few wikis, asked for by every window
        self.lost = lru_cache(maxsize=FEW)(self._lost)

    def _lost(self, as_of: date, start: date, end: date, members: tuple[str, ...] = ()) -> Lost | None:
        """Return what the lost hours of `[start, end)` could have held, or None where too few hours are known at all.

        Args:
            as_of: the 28 days that end with it tell how much an hour holds.
            start: first day.
            end: day after the last.
            members: wikis that are added up as wiki `all`; none, and every wiki stands for itself.
        """
        return self._table(members).lost(as_of, self._arrival.missing_hours(start, end))

    def _pooled(self, members: tuple[str, ...]) -> _Hours:
        rows = self._rows
        if members:
            rows = rows[rows["wiki_db"].isin(members)].assign(wiki_db=ALL)
            rows = rows.groupby(["day", "event_hour", *CELL], as_index=False)[list(MEASURES)].sum()
        return _Hours(rows, self._arrival)


class _Hours:
    """Hourly counts by cell, and what they say of an hour of a day."""

    def __init__(self, rows: pd.DataFrame, arrival: Arrival) -> None:
        self._arrival = arrival
        self._days, self._hours = rows["day"].to_numpy(dtype=np.int64), rows["event_hour"].to_numpy(dtype=np.int64)
        self._values = rows[list(MEASURES)].to_numpy(dtype=float)
        grouped = rows.groupby(CELL)
        self._cell = grouped.ngroup().to_numpy(dtype=np.int64)
        cells = grouped.size().reset_index()[CELL]
        # What tells how often a cell sends anything: its wiki and element, whatever platform and bucket.
        by_group = cells.groupby(CELL[:2])
        self._group = by_group.ngroup().to_numpy(dtype=np.int64)
        self._groups = pd.MultiIndex.from_frame(by_group.size().reset_index()[CELL[:2]])
        self._cells = pd.MultiIndex.from_frame(cells)
        self._known = lru_cache(maxsize=FEW)(self._known_hours)
        self._reference = lru_cache(maxsize=FEW)(self._of_hour)

    def lost(self, as_of: date, hours: list[tuple[date, int]]) -> Lost | None:
        """Add up what each of some lost hours could have held beyond what was kept of it."""
        size = len(self._cells)
        largest, middle = np.zeros((size, len(MEASURES))), np.zeros((size, len(TOTALS)))
        for day, hour in hours:
            found = self._reference(as_of, hour)
            if found is None:
                return None
            kept = np.zeros_like(largest)
            own = (self._days == day.toordinal()) & (self._hours == hour)
            kept[self._cell[own]] = self._values[own]
            largest += np.maximum(found[0] - kept, 0)
            middle += np.maximum(found[1] - kept[:, : len(TOTALS)], 0)
        known = self._known(as_of) if hours else None
        return Lost(self._cells, largest, middle, known[1] if known else None)

    def _known_hours(self, as_of: date) -> tuple[IntArray, Evidence] | None:
        """Return of the 28 days the rows of whole hours and what is known by them; None with too few of them."""
        first = as_of - (REFERENCE_DAYS - 1) * DAY
        whole = self._arrival.whole_hours(first, as_of + DAY)
        inside = np.flatnonzero((self._days >= first.toordinal()) & (self._days <= as_of.toordinal()))
        day = self._days[inside] - first.toordinal()
        is_counted = np.isin(np.arange(REFERENCE_DAYS), day)
        since = np.append((whole.sum(axis=1) * is_counted)[::-1].cumsum()[::-1], 0)
        if since[0] < FEWEST_HOURS:
            return None
        is_whole = whole[day, self._hours[inside]]
        rows, day = inside[is_whole], day[is_whole]
        sent = np.zeros((len(self._groups), REFERENCE_DAYS), dtype=bool)
        sent[self._group[self._cell[rows]], day] = True
        times: IntArray = sent.astype(np.int64) @ whole.astype(np.int64)
        return rows, Evidence(self._groups, times, first, since)

    def _of_hour(self, as_of: date, hour: int) -> tuple[FloatArray, FloatArray] | None:
        """Return for every cell the largest and the median of the hours that are like a lost one."""
        known = self._known(as_of)
        if known is None:
            return None
        rows, times = known[0], known[1].times
        has_same = times[:, hour] >= ENOUGH_DAYS
        n_alike = np.where(has_same, times[:, hour], times.sum(axis=1))
        group = self._group[self._cell[rows]]
        alike = rows[~has_same[group] | (self._hours[rows] == hour)]
        cells, values = self._cell[alike], self._values[alike]
        largest = np.zeros((len(self._cells), len(MEASURES)))
        np.maximum.at(largest, cells, values)
        middle = [_middle(cells, values[:, i], n_alike[self._group]) for i in range(len(TOTALS))]
        return largest, np.column_stack(middle)


def _middle(cells: IntArray, values: FloatArray, n: IntArray) -> FloatArray:
    """Return the median of n values of each cell, of two in the middle the smaller; values that are not there are 0."""
    order = np.lexsort((-values, cells))
    sorted_cells = cells[order]
    rank = np.arange(len(order)) - np.searchsorted(sorted_cells, sorted_cells)
    is_middle = rank == n[sorted_cells] // 2
    found = np.zeros(len(n))
    found[sorted_cells[is_middle]] = values[order][is_middle]
    return found


def _weighted(counts: pd.DataFrame) -> pd.DataFrame:
    """Weight the kept counts by 1 / rate; of users that is more than there were, since most come more than once."""
    keys = ["event_date", "event_hour", "wiki_db", "instrument_name", "sample_unit", "sample_rate", *CELL[1:]]
    rows = counts.sort_values(keys, ignore_index=True)  # an engine returns them in any order, and last digits follow it
    days = [day.toordinal() for day in rows["event_date"]]
    weighted = rows[list(MEASURES)].div(rows["sample_rate"], axis=0)
    return rows[["event_hour", *CELL]].assign(day=np.array(days, dtype=np.int64), **weighted)


def _with_margins(rows: pd.DataFrame, own_buckets: tuple[str, ...]) -> pd.DataFrame:
    """Add up the segments that have rows, as `LinkSums` has them."""
    element, platform, bucket = CELL[1:]
    links = rows[rows[element].notna()].fillna({bucket: "unknown"})
    on_platform = links[links[platform].notna()]
    parts = [
        rows.fillna({element: ALL}).assign(**{platform: ALL, bucket: ALL}),
        on_platform.assign(**{bucket: ALL}),
        links.assign(**{platform: ALL}),
        on_platform[on_platform[element].isin(own_buckets)],
    ]
    every = pd.concat(parts, ignore_index=True)
    return every.groupby(["day", "event_hour", *CELL], as_index=False)[list(MEASURES)].sum()
