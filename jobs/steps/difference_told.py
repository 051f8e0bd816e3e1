"""How a backfill changes the marts, told: table by table, and the metrics and wikis that change most."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from rich.console import Console

from jobs.console import as_table
from jobs.quality.marts_difference import CAUSES

SHOWN = 15
METRICS = "fct_metric_values"
COUNTS = ("n_before", "n_new", "n_gone", "n_changed")


def tell_difference(console: Console, difference: pd.DataFrame, file: Path | str) -> None:
    """Print what differs.

    Args:
        console: where to.
        difference: of `jobs.quality.marts_difference`.
        file: where all of it stands.
    """
    sums = difference.groupby("mart", sort=False, as_index=False)[[*COUNTS, *_due(CAUSES)]].sum()
    moved = difference[difference[["n_new", "n_gone", "n_changed"]].sum(axis=1) > 0]
    if moved.empty:
        console.print("No row of the marts would be another one.")
        return
    rows = [(line.mart, *(getattr(line, name) for name in COUNTS), _causes(line)) for line in sums.itertuples()]
    console.print(as_table(["mart", "rows before", "new", "gone", "changed", "due to"], rows, "Difference by table"))
    metrics = moved[moved["mart"] == METRICS]
    metrics = metrics.assign(size=metrics[["n_new", "n_gone", "n_changed"]].sum(axis=1))
    metrics = metrics.sort_values(["size", "metric", "wiki_db"], ascending=[False, True, True], kind="stable")
    shown = metrics.head(SHOWN)
    if len(shown):
        columns = ["metric", "wiki", "before", "new", "gone", "changed", "statuses", "median", "largest", "due to"]
        console.print(as_table(columns, _metric_rows(shown), "Difference by metric and wiki"))
    if len(metrics) > SHOWN:
        console.print(f"and {len(metrics) - SHOWN} more, which differ in fewer rows")
    console.print(f"All of it: {file}", highlight=False, soft_wrap=True)


def _metric_rows(shown: pd.DataFrame) -> Sequence[tuple[object, ...]]:
    return [
        (
            line.metric, line.wiki_db, *(getattr(line, name) for name in COUNTS), line.status_changes,
            _share(line.median_move), _share(line.largest_move), _causes(line),
        )
        for line in shown.itertuples()
    ]  # fmt: skip


def _share(move: object) -> str | None:
    return f"{move:.1%}" if isinstance(move, float) and not pd.isna(move) else None


def _causes(line: object) -> str:
    """Say what the rows are due to; a row may have two causes."""
    return ", ".join(
        f"{cause.replace('_', ' ')} {count}"
        for cause, name in zip(CAUSES, _due(CAUSES), strict=True)
        if (count := getattr(line, name))
    )


def _due(causes: Sequence[str]) -> list[str]:
    return [f"n_{cause}" for cause in causes]
