"""Marts as a run would publish them beside the published ones: small, and complete enough for every check."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pandas as pd

from jobs.catalogue import load_catalogue
from jobs.quality.marts_changes import marts_changes
from jobs.quality.marts_profile import marts_profile
from tests.quality.changes_cases import BEFORE, SMALL, D, Rows, Tables, baseline, logged, metric, write

WIKIS = ("trwiki", "idwiki")


def rows_of(as_of: date) -> Rows:
    """The totals of two wikis and of `all`, over every rolling window; the log of most of their hours is not there."""
    return [
        metric(
            one.metric, as_of, window.days, wiki_db=wiki, is_complete=False, observed_numerator=total, estimate=total,
            lower=total, upper=total,
        )
        for one in load_catalogue().metrics.values() if one.family == "totals" and "realised" in one.inference
        for window in one.windows if window.kind == "rolling"
        for wiki in (*WIKIS, *(("all",) if one.all_wikis else ()))
        for total in [20.0 * len(WIKIS) if wiki == "all" and one.kind == "count" else 20.0]
    ]  # fmt: skip


@dataclass
class FaultMarts:
    """The marts of a run of the day `D` (`built`) and the published ones, which end the day before (`live`)."""

    built: Tables = field(default_factory=lambda: _tables([BEFORE, D]))
    live: Tables = field(default_factory=lambda: _tables([BEFORE]))

    def profiles(self, folder: Path) -> dict[str, pd.DataFrame]:
        """What the marts gate would look at; the files are written into a folder."""
        built = write(folder / "next" / "personal_dashboard.duckdb", self.built)
        live = write(folder / "live" / "personal_dashboard.duckdb", self.live)
        return {**marts_profile(built, as_of=[D]), **marts_changes(built, live, as_of=[D], changed=[D])}


def _tables(days: list[date]) -> Tables:
    return {
        **SMALL,
        "fct_metric_values": [row for day in days for row in rows_of(day)],
        "fct_baseline_daily": [baseline(day) for day in days],
        "fct_ingest_log": [logged(day) for day in days],
    }
