"""Return and retention where a window is sampled; the presented rate is refused there."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from jobs.estimation.answers import PeopleEstimate, refuse_presented
from jobs.estimation.fits import FitTask
from jobs.metric import Metric
from jobs.rows.cohorts import cohort_spans
from jobs.rows.fitting import (
    ASKED,
    PENDING,
    Fitting,
    Key,
    Record,
    Regimes,
    Table,
    counts,
    fill,
    keys_of,
    refused,
    sampled_rate,
    tables_by,
)
from jobs.rows.window_context import WindowContext
from jobs.window_sums.tables import COHORT, CohortSums


def fill_cohorts(candidates: pd.DataFrame, sums: CohortSums, context: WindowContext, fitting: Fitting) -> pd.DataFrame:
    """Answer the pending candidates of the cohort metrics.

    Args:
        candidates: from `cohort_rows`.
        sums: cohorts with their tables of users by kept units in both windows.
        context: the sampling of each of the two windows.
        fitting: how fits are run.
    """
    if candidates.empty or not (candidates["status"] == PENDING).any():
        return candidates
    pending = candidates[candidates["status"] == PENDING]
    tables = tables_by(sums.counts, COHORT)
    known: dict[Key, PeopleEstimate] = {}
    tasks: dict[Key, FitTask] = {}
    asked = pending[[*COHORT, *ASKED]].drop_duplicates(COHORT)
    for key, row in zip(keys_of(asked, COHORT), asked.to_dict("records"), strict=True):
        metric = context.catalogue.metric(row["metric"])
        windows = _regimes_of_windows(context, metric, row)
        no = _refused(metric, row, windows)
        if no is not None:
            known[key] = no
            continue
        arguments = _arguments(tables.get(key), *windows)
        tasks[key] = FitTask("retention_estimate", arguments | {"limits": fitting.limits})
    return fill(candidates, keys_of(pending, COHORT), known | fitting.run(tasks))


def _refused(metric: Metric, row: Record, windows: tuple[Regimes, Regimes]) -> PeopleEstimate | None:
    cohort, returned = float(row["observed_denominator"]), float(row["observed_numerator"])
    naive = returned / cohort if cohort else None
    is_measured = not isinstance(row["unmeasured_reason"], str)
    if metric.elements is not None and is_measured:
        return refuse_presented(sampled_rate(row["regimes"]), cohort, naive)
    return refused(row, cohort, naive, windows)


def _regimes_of_windows(context: WindowContext, metric: Metric, row: Record) -> tuple[Regimes, Regimes]:
    """Return the regimes of the window in which users are seen and of that in which they return."""
    seen, returned = cohort_spans(metric, row["metric_date"].date())
    return _regimes(context, row["wiki_db"], *seen), _regimes(context, row["wiki_db"], *returned)


def _regimes(context: WindowContext, wiki: str, start: date, end: date) -> Regimes:
    return context.sampling(context.usage_instruments(start, end), (wiki,), start, end).regimes


def _arguments(table: Table | None, first: Regimes, second: Regimes) -> dict[str, Any]:
    """Pose the two-window table: kept units where a window is sampled, seen or not where all was kept."""
    k1, k2, users, spanning = counts(table, "k1", "k2", "n_users", "k_spanning")
    arguments: dict[str, Any] = {"m": users, "spanning": spanning}
    for side, kept, regimes in ((1, k1, first), (2, k2, second)):
        rate = sampled_rate(regimes)
        full = np.zeros(0, dtype=bool) if table is None else table[f"is_full{side}"].astype(bool)
        is_mixed = rate < 1 and any(rate_ == 1 for _, rate_ in regimes)
        arguments[f"k{side}"] = kept if rate < 1 else full.astype(np.int64)
        arguments[f"rate{side}"] = rate
        arguments[f"full{side}"] = full if is_mixed else None
    return arguments
