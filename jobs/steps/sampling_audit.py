"""Stage the sampling audit of the run's days: the client's in-sample rule replayed, against the declared rate."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame

from jobs.estimation.audit import ks_p_value, likely_rate, rate_upper_limit, verdict
from jobs.steps.job import Job
from jobs.transforms.sampling import AUDIT_KEY, audit_sums


def stage_audit(job: Job, decided: DataFrame, later: DataFrame | None = None, later_days: Sequence[date] = ()) -> None:
    """Compute and stage `sampling_audit` for the run's days, and for later ones whose duplicates changed.

    Rows of metrics tell its verdicts, so it must not depend on the chunks in which days are run.

    Args:
        job: the run and its surroundings.
        decided: every line of the run's days with its fate.
        later: all copies of the later days with their new fate, if there are any.
        later_days: these days.
    """
    sums = audit_sums(decided).toPandas()
    if later is not None:
        published = job.lake.read_days("sampling_audit", later_days, job.run.run_id).select(
            *AUDIT_KEY, "n_impossible_pageviews"
        )
        sums = pd.concat([sums, later_sums(audit_sums(later).toPandas(), published.toPandas())], ignore_index=True)
    job.lake.stage_pandas("sampling_audit", audit_rows(sums), job.run.run_id, [*job.run.days, *later_days])


def later_sums(kept: pd.DataFrame, published: pd.DataFrame) -> pd.DataFrame:
    """Put the ids that are kept now beside the pageviews that could not be: no duplicate changes these.

    Args:
        kept: `audit_sums` of the copies of some days.
        published: `AUDIT_KEY` and n_impossible_pageviews of the days' rows so far.

    Returns:
        The columns of `audit_sums`.
    """
    sums = kept.drop(columns="n_impossible_pageviews").merge(published, on=list(AUDIT_KEY), how="outer")
    counts = ["n_ids", "n_impossible_pageviews"]
    sums[counts] = sums[counts].fillna(0).astype("int64")
    sums["histogram"] = sums["histogram"].map(lambda bins: bins if isinstance(bins, list | np.ndarray) else [])
    return sums[sums[counts].sum(axis=1) > 0]


def audit_rows(sums: pd.DataFrame) -> pd.DataFrame:
    """Judge the sums of `audit_sums`, one row per day, wiki, instrument, unit and declared rate."""
    n_ids, largest = sums["n_ids"].to_numpy(float), sums["largest_fraction"].to_numpy(float)
    declared, impossible = sums["declared_rate"].to_numpy(float), sums["n_impossible_pageviews"].to_numpy(float)
    entries = [
        (number, entry["bin"], entry["ids_in_bin"])
        for number, histogram in enumerate(sums["histogram"])
        for entry in histogram
    ]
    row, place, counts = np.array(entries, dtype=float).reshape(-1, 3).T
    upper = rate_upper_limit(largest, n_ids)
    return sums.assign(
        upper_limit=upper,
        verdict=verdict(n_ids, largest, declared, impossible),
        likely_rate=likely_rate(largest, n_ids),
        ks_p_value=ks_p_value(row.astype(int), place.astype(int), counts, len(sums)),
    )
