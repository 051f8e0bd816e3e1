"""Stage the sampling audit of the run's days: the client's in-sample rule replayed, against the declared rate."""

from __future__ import annotations

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame

from jobs.estimation.audit import ks_p_value, likely_rate, rate_upper_limit, verdict
from jobs.steps.job import Job
from jobs.transforms.sampling import audit_sums


def stage_audit(job: Job, decided: DataFrame) -> None:
    """Compute and stage `sampling_audit` for the run's days.

    Args:
        job: the run and its surroundings.
        decided: every line with its fate.
    """
    sums = audit_sums(decided).toPandas()
    job.lake.stage_pandas("sampling_audit", audit_rows(sums), job.run.run_id, job.run.days)


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
