"""The unique click-through rate where a window is sampled: all platforms and buckets together only."""

from __future__ import annotations

import pandas as pd

from jobs.estimation.answers import PeopleEstimate
from jobs.estimation.fits import FitTask
from jobs.rows.fitting import (
    ASKED,
    PENDING,
    Fitting,
    Key,
    Table,
    counts,
    fill,
    keys_of,
    refused,
    sampled_rate,
    tables_by,
)
from jobs.window_sums.tables import UNIQUE_CELL


def fill_unique(candidates: pd.DataFrame, unique_counts: pd.DataFrame, fitting: Fitting) -> pd.DataFrame:
    """Answer the pending candidates of `link_click_through_rate_unique`.

    Args:
        candidates: from `link_rows`, with `regimes` and `has_unit_change`.
        unique_counts: users by kept units with and without a click (`window_sums/links.py`).
        fitting: how fits are run.
    """
    if candidates.empty or not (candidates["status"] == PENDING).any():
        return candidates
    pending = candidates[candidates["status"] == PENDING]
    tables = tables_by(unique_counts, UNIQUE_CELL)
    known: dict[Key, PeopleEstimate] = {}
    tasks: dict[Key, FitTask] = {}
    asked = pending[[*UNIQUE_CELL, *ASKED]].drop_duplicates(UNIQUE_CELL)
    for key, row in zip(keys_of(asked, UNIQUE_CELL), asked.to_dict("records"), strict=True):
        shown, clicked = float(row["observed_denominator"]), float(row["observed_numerator"])
        naive = clicked / shown if shown else None
        no = refused(row, shown, naive)
        if no is not None:
            known[key] = no
            continue
        tasks[key] = _task(tables.get(key), sampled_rate(row["regimes"]), fitting)
    return fill(candidates, keys_of(pending, UNIQUE_CELL), known | fitting.run(tasks))


def _task(table: Table | None, rate: float, fitting: Fitting) -> FitTask:
    click, shown_only, users = counts(table, "k_click", "k_shown_only", "n_users")
    arguments = {
        "n_click_units": click,
        "n_shown_only_units": shown_only,
        "m": users,
        "rate": rate,
        "limits": fitting.limits,
    }
    if table is not None and table["is_full"].any():
        full, clicked = table["is_full"].astype(bool), table["full_click"].astype(bool)
        arguments |= {"full_click": full & clicked, "full_shown": full & ~clicked}
    return FitTask("unique_ctr_estimate", arguments)
