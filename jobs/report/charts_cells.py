"""Which cells a chart shows: those of one metric, by window, both kinds of inference side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from jobs.metric import Metric
from jobs.report.charts_sentences import Cell, day

ALL = "all"
WEEK, LONG = 7, 28  # days of the rolling windows that leave the house


@dataclass(frozen=True)
class Pair:
    """One window of one metric.

    Attributes:
        realised: what happened.
        process: what such users would do again; None for counts.
    """

    realised: Cell
    process: Cell | None

    @property
    def start(self) -> str:
        """First day of the window."""
        return day(self.realised["window_start"])

    @property
    def end(self) -> str:
        """Last day of the window."""
        return day(self.realised["window_end"])


def rolling(cells: pd.DataFrame, days: int) -> pd.DataFrame:
    """Return the rows of rolling windows of some length, of all users together."""
    return cells[
        (cells["window_kind"] == "rolling") & (cells["window_days"] == days) & (cells["edit_count_bucket"] == ALL)
    ]


def cohorts(cells: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of cohorts, of all users together."""
    return cells[(cells["window_kind"] == "cohort") & (cells["edit_count_bucket"] == ALL)]


def series(cells: pd.DataFrame, metric: Metric) -> list[Pair]:
    """Return the windows of a metric that is about no link, the oldest first.

    Args:
        cells: rows of one wiki and one kind of window.
        metric: which one.
    """
    own = cells[(cells["metric"] == metric.metric) & (cells["element_friendly_name"] == ALL)]
    process = {day(row["window_start"]): row for row in _records(own, "process")}
    realised = sorted(_records(own, "realised"), key=lambda row: day(row["window_start"]))
    return [Pair(row, process.get(day(row["window_start"]))) for row in realised]


def by_link(cells: pd.DataFrame, metric: Metric) -> Mapping[tuple[str, str], Pair]:
    """Return the cells of a link metric by element and platform.

    Args:
        cells: rows of one wiki and one window.
        metric: one of family links.
    """
    own = cells[cells["metric"] == metric.metric]
    process = {_link(row): row for row in _records(own, "process")}
    return {_link(row): Pair(row, process.get(_link(row))) for row in _records(own, "realised")}


def newest(cells: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the window that closed last."""
    last: pd.DataFrame = cells[cells["window_end"] == cells["window_end"].max()]
    return last


def _records(cells: pd.DataFrame, inference: str) -> list[dict[str, Any]]:
    own = cells[cells["inference"] == inference]
    return [{str(key): value for key, value in row.items()} for row in own.to_dict("records")]


def _link(row: Cell) -> tuple[str, str]:
    return row["element_friendly_name"], row["client_platform_family"]
