"""What divides a series: breaks of comparison, changes of sampling and of settings, each with its day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pandas as pd

from jobs import words
from jobs.catalogue import Catalogue
from jobs.metric import Metric
from jobs.report.charts_cells import Pair
from jobs.report.charts_sentences import day
from jobs.window_sums.tables import ALL

Regime = tuple[str, float, float]  # unit, smallest and largest rate


@dataclass(frozen=True)
class Break:
    """One day from which something is different.

    Attributes:
        day: as `YYYY-MM-DD`, the first day of the new state.
        text: what changed.
    """

    day: str
    text: str


@dataclass(frozen=True)
class Breaks:
    """What divides the series of one wiki.

    Attributes:
        own: changes of sampling and of settings, of the wiki.
        catalogue: that has the breaks of the series themselves.
    """

    own: tuple[Break, ...]
    catalogue: Catalogue

    def of(self, metric: Metric) -> list[Break]:
        """Return what divides the series of a metric that is about no link: one entry a day, the oldest first."""
        concerned = {"*", metric.elements}
        told = [Break(day(item.day), item.text) for item in self.catalogue.series_breaks
                if concerned.intersection(item.elements)]  # fmt: skip
        by_day: dict[str, list[str]] = {}
        for found in (*told, *self.own):
            by_day.setdefault(found.day, []).append(found.text)
        return [Break(when, "; ".join(texts)) for when, texts in sorted(by_day.items())]


def breaks(cells: pd.DataFrame, config: pd.DataFrame, catalogue: Catalogue) -> Breaks:
    """Find what divides the series of a wiki.

    Args:
        cells: its rows of `Leaving.cells`.
        config: its rows of `Leaving.config`.
        catalogue: of the metrics.
    """
    return Breaks((*_sampling(cells), *_config(config)), catalogue)


def within(found: Sequence[Break], series: Sequence[Pair]) -> list[Break]:
    """Return the breaks that lie between the first and the last day of a series."""
    if not series:
        return []
    return [item for item in found if series[0].start < item.day <= series[-1].end]


def _sampling(cells: pd.DataFrame) -> list[Break]:
    """Changes of unit or rate, by the shortest windows that there are: one that holds a change has two rates."""
    rows = cells[(cells["window_kind"] == "rolling") & (cells["element_friendly_name"] == ALL)]
    rows = rows[(rows["window_days"] == rows["window_days"].min()) & rows["sampling_rate_min"].notna()]
    rows = rows.drop_duplicates("window_start").sort_values("window_start")
    steady = rows[(rows["sampling_rate_min"] == rows["sampling_rate_max"]) & (rows["sampling_unit"] != "mixed")]
    found = []
    for earlier, later in pairwise(steady.itertuples()):
        old, new = _regime(earlier), _regime(later)
        if old != new:
            first = rows.loc[rows["window_start"] > earlier.window_start, "window_start"].iloc[0]
            found.append(Break(day(first), _changed(old, new)))
    return found


def _changed(old: Regime, new: Regime) -> str:
    before, after = words.sampled(*old), words.sampled(*new)
    if before == after:  # everything, by another unit
        return f"the sampling unit changed from {old[0]} to {new[0]}"
    return f"what is kept changed from {before} to {after}"


def _regime(row: Any) -> Regime:
    return row.sampling_unit, float(row.sampling_rate_min), float(row.sampling_rate_max)


def _config(config: pd.DataFrame) -> list[Break]:
    """Changes of settings: the first value of a setting is none."""
    found = []
    for setting, rows in config.sort_values("valid_from").groupby("setting"):
        for earlier, later in pairwise(rows.itertuples()):
            if str(earlier.value) != str(later.value):
                when = day(later.valid_from)
                found.append(Break(when, f"setting {setting} changed from {earlier.value} to {later.value}"))
    return found
