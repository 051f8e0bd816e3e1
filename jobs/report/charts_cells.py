"""Which cells a page shows: those of one kind of window, both kinds of inference of a window side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from jobs.metric import Metric
from jobs.report.charts_sentences import Cell, clause, day
from jobs.window_sums.tables import ALL

Link = tuple[str, str]  # element, platform
Key = tuple[str, str, str]  # metric, element, platform
NEEDED = (
    *("metric", "element_friendly_name", "client_platform_family", "inference", "window_start", "window_end"),
    *("estimate", "lower", "upper", "status", "status_reason", "remedy", "link_group"),
    *("sampling_unit", "sampling_rate_min", "sampling_rate_max"),
)


@dataclass(frozen=True)
class Pair:
    """One window of one metric.

    Attributes:
        realised: what happened.
        process: what holds in general; None for counts.
    """

    realised: Cell
    process: Cell | None

    @cached_property
    def start(self) -> str:
        """First day of the window."""
        return day(self.realised["window_start"])

    @cached_property
    def end(self) -> str:
        """Last day of the window."""
        return day(self.realised["window_end"])


@dataclass(frozen=True)
class Windows:
    """The windows of one kind and length of one wiki.

    Attributes:
        pairs: by metric, element and platform, the oldest first.
    """

    pairs: Mapping[Key, list[Pair]]

    def series(self, metric: Metric) -> list[Pair]:
        """Return the windows of a metric that is about no link, the oldest first."""
        return self.pairs.get((metric.metric, ALL, ALL), [])

    def newest(self) -> Windows:
        """Return the window that closed last, of everything that has it."""
        last = max((pairs[-1].end for pairs in self.pairs.values()), default="")
        return Windows({key: pairs[-1:] for key, pairs in self.pairs.items() if pairs[-1].end == last})

    def links(self, metric: Metric) -> dict[Link, Pair]:
        """Return the newest window of each link and platform of a link metric."""
        return {key[1:]: pairs[-1] for key, pairs in self.pairs.items() if key[0] == metric.metric and key[1] != ALL}

    def cells(self) -> list[Cell]:
        """Return what happened in all windows, in no order that means anything."""
        return [pair.realised for pairs in self.pairs.values() for pair in pairs]


def windows(cells: pd.DataFrame) -> Windows:
    """Pair the rows of one wiki and of windows of one kind and length; a process row alone is none.

    Rows become mappings once, since a page asks for some of them hundreds of times.
    """
    rows = [dict(zip(NEEDED, row, strict=True)) for row in zip(*(cells[name].tolist() for name in NEEDED), strict=True)]
    process = {(*_key(row), row["window_start"]): row for row in rows if row["inference"] == "process"}
    pairs: dict[Key, list[Pair]] = {}
    for row in sorted((row for row in rows if row["inference"] == "realised"), key=lambda row: row["window_start"]):
        pairs.setdefault(_key(row), []).append(Pair(row, process.get((*_key(row), row["window_start"]))))
    return Windows(pairs)


def remedies(pair: Pair) -> str:
    """What would change a window, of what happened and in general; empty where nothing is amiss, or nothing would."""
    found = dict.fromkeys(clause(cell["remedy"]) for cell in (pair.realised, pair.process) if cell is not None)
    return "; in general: ".join(filter(None, found))


def rolling(cells: pd.DataFrame, days: int) -> pd.DataFrame:
    """Return the rows of rolling windows of some length, of all users together."""
    return cells[
        (cells["window_kind"] == "rolling") & (cells["window_days"] == days) & (cells["edit_count_bucket"] == ALL)
    ]


def cohorts(cells: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of cohorts, of all users together."""
    return cells[(cells["window_kind"] == "cohort") & (cells["edit_count_bucket"] == ALL)]


def series(cells: pd.DataFrame, metric: Metric) -> list[Pair]:
    """Return the windows of one metric that is about no link, the oldest first.

    Args:
        cells: rows of one wiki and one kind of window.
        metric: which one.
    """
    return windows(cells[cells["metric"] == metric.metric]).series(metric)


def _key(row: Cell) -> Key:
    return row["metric"], row["element_friendly_name"], row["client_platform_family"]
