"""Which counts of visitors would tell how many came back, where that is hidden.

Of two weeks a and b with k users in both, a longer window of U users that holds them says k >= a + b - U; and one that
is made of parts says k <= sum of the parts - U - those who are told to have come back between others of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from jobs.catalogue import Catalogue
from jobs.metric import Metric
from jobs.report.cells_windows import LONG, WEEK

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, order=True)
class Window:
    """Days of a wiki: `days` from `start` on, counted from 1970-01-01."""

    wiki_db: str
    days: int
    start: int

    def holds(self, other: Window) -> bool:
        """Whether another window lies in this one."""
        return self.start <= other.start and other.start + other.days <= self.start + self.days

    def parts(self, days: int) -> list[Window]:
        """The windows of some length that this one is made of."""
        return [Window(self.wiki_db, days, start) for start in range(self.start, self.start + self.days, days)]


@dataclass(frozen=True)
class Return:
    """Users of one window who came back in another of the same length.

    Attributes:
        seen, returned: the two windows.
        users: how many, NaN where that is hidden.
    """

    seen: Window
    returned: Window
    users: float


def tells_returns(cells: pd.DataFrame, is_hidden: BoolArray, catalogue: Catalogue, min_users: int) -> BoolArray:
    """Find the counts of visitors from which a hidden return could be worked out to less than `min_users`.

    Args:
        cells: rows of a report, observed counts included.
        is_hidden: which are hidden so far, of visitors and of returns.
        catalogue: of their metrics.
        min_users: how wide the range of a hidden count is to be.
    """
    totals = {metric.metric for metric in catalogue.of_family("totals")}
    names = [name for name, metric in catalogue.metrics.items() if metric.part_of in totals]
    rows = np.flatnonzero(cells["metric"].isin(names).to_numpy() & ~is_hidden)
    visitors = dict(zip(_windows(cells.iloc[rows]), cells["observed_numerator"].to_numpy(float)[rows], strict=True))
    told: set[Window] = set()
    for metric in catalogue.metrics.values():
        found = list(_returns(cells, is_hidden, metric))
        for hidden in found:
            if np.isnan(hidden.users):
                told |= _tell(hidden, found, visitors, min_users)
    result = np.zeros(len(cells), dtype=bool)
    result[[row for row, window in zip(rows, _windows(cells.iloc[rows]), strict=True) if window in told]] = True
    return result


def _windows(rows: pd.DataFrame) -> list[Window]:
    start = rows["window_start"].to_numpy("datetime64[D]").astype(int)
    return [Window(*place) for place in zip(rows["wiki_db"], rows["window_days"].tolist(), start.tolist(), strict=True)]


def _returns(cells: pd.DataFrame, is_hidden: BoolArray, metric: Metric) -> Iterator[Return]:
    """List the returns of a cohort from one window of visitors to another of the same length."""
    if metric.seen is None or metric.returned is None or metric.elements is not None:
        return
    days = metric.seen[1] + 1
    if metric.returned[1] - metric.returned[0] + 1 != days:
        return  # of fourteen days, say: no row counts the visitors of these
    own = (cells["metric"] == metric.metric).to_numpy() & (cells["inference"] == "realised").to_numpy()
    users = np.where(is_hidden, np.nan, cells["observed_numerator"].to_numpy(float))[own]
    for window, number in zip(_windows(cells[own]), users, strict=True):
        seen = Window(window.wiki_db, days, window.start)
        yield Return(seen, Window(window.wiki_db, days, window.start + metric.returned[0]), float(number))


def _tell(hidden: Return, returns: list[Return], visitors: Mapping[Window, float], min_users: int) -> set[Window]:
    """Return the windows that together tell a hidden return; none where its range is wide."""
    pair = hidden.seen, hidden.returned
    if not all(window in visitors for window in pair):
        return set()
    seen, returned = (visitors[window] for window in pair)
    around = {
        Window(window.wiki_db, days, start)
        for window in [hidden.seen] for days in (WEEK, LONG)
        for start in range(window.start - days, window.start + 1)
        if Window(window.wiki_db, days, start) in visitors
    }  # fmt: skip
    holding = {window for window in around if window.holds(hidden.seen) and window.holds(hidden.returned)}
    least, most = 0.0, min(seen, returned)
    for whole in holding:
        least = max(least, seen + returned - visitors[whole])
        parts = whole.parts(hidden.seen.days)
        if hidden.seen in parts and hidden.returned in parts and all(part in visitors for part in parts):
            others = sum(other.users for other in returns
                         if other.seen in parts and other.returned in parts and not np.isnan(other.users))  # fmt: skip
            most = min(most, sum(visitors[part] for part in parts) - visitors[whole] - others)
    return holding if most - least < min_users else set()
