"""Self-validation, wired: on Mondays, thin what was kept whole, estimate it as if sampled, stage the comparison."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pandas as pd
from pyspark.sql import functions as F

from jobs.log import get_logger
from jobs.rows.fitting import Fitting
from jobs.rows.self_validation import (
    COHORT_METRICS,
    COLUMNS,
    RATES,
    ROLLING_DAYS,
    mondays,
    self_validation_rows,
    validation_windows,
)
from jobs.rows.window_context import WindowContext
from jobs.steps.job import Job
from jobs.transforms.thinning import thinned_copies
from jobs.window_sums.cohorts import cohort_sums
from jobs.window_sums.tables import copy_name
from jobs.window_sums.visits import visit_window_sums
from jobs.windows import DAY

WEEK = 7 * DAY


def stage_self_validation(job: Job, context: WindowContext, fitting: Fitting, as_of: Sequence[date]) -> None:
    """Compute and stage `self_validation` for the Mondays among some as-of dates; on other days do nothing."""
    days = mondays(as_of)
    if not days:
        return
    windows = validation_windows(context, days)
    rows = pd.DataFrame(columns=COLUMNS) if windows.empty else _rows(job, context, fitting, windows, days)
    get_logger().info("self-validation", mondays=len(days), windows=len(windows), rows=len(rows))
    job.lake.stage_pandas("self_validation", rows, job.run.run_id, days)


def _rows(
    job: Job, context: WindowContext, fitting: Fitting, windows: pd.DataFrame, days: Sequence[date]
) -> pd.DataFrame:
    """Sum the copies of the wikis that were kept whole, all rates in one pass, and estimate."""
    end = days[-1] + DAY
    wikis = sorted(windows["wiki_db"].unique())
    kept = job.lake.read_between("user_days", windows["metric_date"].min().date(), end, job.run.run_id)
    # Nothing sampled lies in a window; left in, it would be thinned and counted in windows that nobody asks for.
    whole = kept.where(F.col("wiki_db").isin(wikis) & (F.col("sample_rate") >= 1))
    suffixes = {rate: copy_name("", rate) for rate in (1.0, *RATES)}
    copies = job.engine.materialise(thinned_copies(whole, suffixes))  # every sum below reads it
    visits = visit_window_sums(copies, start=days[0], end=end, windows=(ROLLING_DAYS,))
    nobody_shown = job.lake.read("user_link_days", job.run.run_id).where(F.lit(False))
    metrics = [context.catalogue.metric(name) for name in COHORT_METRICS if name in context.catalogue.metrics]
    cohorts = cohort_sums(copies, nobody_shown, start=days[0] - WEEK + DAY, end=end, metrics=metrics)
    job.engine.release(copies)
    rows = self_validation_rows(windows, visits, cohorts, fitting, job.settings.privacy.min_users)
    return rows.assign(metric_date=rows["metric_date"].dt.date, as_of_date=rows["as_of_date"].dt.date)
