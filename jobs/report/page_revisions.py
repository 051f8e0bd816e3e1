"""The page of revisions: how much each run moved the numbers that were published before it."""

from __future__ import annotations

from typing import Any

import pandas as pd

from jobs import words
from jobs.catalogue import load_catalogue
from jobs.report.about import About
from jobs.report.chart import ChartTable
from jobs.report.tables import records

COUNTS = ("n_before", "n_now", "n_new", "n_gone", "n_changed", "n_status")
HEADINGS = ("Rows before", "Rows now", "New", "Gone", "Changed", "Other status")
MOVES = ("Median move", "Largest move")
FEW = "fewer than ten rows moved"


def revisions_page(about: About) -> dict[str, Any]:
    """Return what `revisions.html.j2` shows.

    Args:
        about: with the revisions, a row for each run and metric, the newest run first.
    """
    found = about.revisions
    run_ids = list(dict.fromkeys(found["run_id"]))
    return {
        "runs": _runs(found, run_ids),
        "by_metric": [(run_id, _metrics(found[found["run_id"] == run_id])) for run_id in run_ids],
        "firsts": [run_id for run_id in run_ids if not found.loc[found["run_id"] == run_id, "n_before"].any()],
    }


def _runs(found: pd.DataFrame, run_ids: list[str]) -> ChartTable:
    rows = []
    for run_id in run_ids:
        own = found[found["run_id"] == run_id]
        first = records(own)[0]
        when, days = (
            str(first["published_at"])[:16].replace("T", " "),
            f"{first['first_as_of']} to {first['last_as_of']}",
        )
        counts = [f"{own[name].sum():,.0f}" for name in COUNTS]
        rows.append((run_id, when, days, *counts, _move(own["largest_move"].max(), own["n_moved"].sum())))
    columns = ("Run", "Published (UTC)", "As-of dates", *HEADINGS, MOVES[1])
    return ChartTable(columns, tuple(rows), numbers=(*HEADINGS, MOVES[1]))


def _metrics(own: pd.DataFrame) -> ChartTable:
    metrics = load_catalogue().metrics
    rows = []
    for row in records(own):
        name = metrics[row["metric"]].name if row["metric"] in metrics else row["metric"]
        moves = [_move(row[column], row["n_moved"]) for column in ("median_move", "largest_move")]
        rows.append((name, *(f"{row[column]:,.0f}" for column in COUNTS), *moves, row["status_changes"] or "none"))
    return ChartTable(("Metric", *HEADINGS, *MOVES, "Changes of status"), tuple(rows), numbers=(*HEADINGS, *MOVES))


def _move(move: float, n_moved: float) -> str:
    """Write a relative move; of a few rows none is told."""
    if not n_moved:
        return "none moved"
    return FEW if words.is_null(move) else f"{100 * move:.1f} %"
