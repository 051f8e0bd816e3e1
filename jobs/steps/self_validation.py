"""Self-validation, wired: on Mondays, thin what was kept whole, estimate it as if sampled, stage the comparison.

How often users of whole windows came is staged beside it (`visit_laws`), for the reference shapes of later windows.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.log import get_logger
from jobs.rows.fitting import Fitting
from jobs.rows.reference_shapes import LAW_COLUMNS, THINNED, law_windows, laws_of
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
from jobs.transforms.visit_laws import visit_laws
from jobs.window_sums.cohorts import cohort_sums
from jobs.window_sums.dense import collect
from jobs.window_sums.tables import copy_name
from jobs.window_sums.visits import visit_window_sums
from jobs.windows import DAY, TWO_YEARS
from jobs.windows import days as days_between

WEEK = 7 * DAY


def stage_self_validation(job: Job, context: WindowContext, fitting: Fitting, as_of: Sequence[date]) -> None:
    """Compute and stage `self_validation` and `visit_laws` for the Mondays among some as-of dates, else do nothing."""
    days = mondays(as_of)
    if not days:
        return
    windows, whole = validation_windows(context, days), law_windows(context, days)
    rows, laws = pd.DataFrame(columns=COLUMNS), pd.DataFrame(columns=LAW_COLUMNS)
    if not windows.empty or not whole.empty:
        first = min([*windows["metric_date"].dt.date, *whole["metric_date"]])
        wikis = sorted({*windows["wiki_db"], *whole["wiki_db"]})
        copies = _copies(job, wikis, first, days[-1] + DAY)
        if not windows.empty:
            rows = _rows(job, context, fitting, windows, copies, days)
        if not whole.empty:
            ends = sorted(set(zip(whole["as_of_date"], whole["window_days"], strict=True)))
            laws = laws_of(whole, collect(visit_laws(_at_tried_rates(copies), ends)))
        job.engine.release(copies)
    get_logger().info("self-validation", mondays=len(days), windows=len(windows), rows=len(rows))
    job.lake.stage_pandas("self_validation", rows, job.run.run_id, days)
    job.lake.stage_pandas("visit_laws", laws, job.run.run_id, days)


def laws_until(job: Job, as_of: Sequence[date]) -> pd.DataFrame:
    """Return the laws of visits of the two years up to some as-of dates, those this run staged included."""
    known = days_between(min(as_of) - TWO_YEARS, max(as_of) + DAY)
    mondays_of = [day for day in known if day.weekday() == 0]
    return job.lake.day_frame("visit_laws", mondays_of, job.run.run_id)


def _copies(job: Job, wikis: Sequence[str], first: date, end: date) -> DataFrame:
    """Copy the days of wikis that were kept whole, once per rate; every sum reads the copies."""
    kept = job.lake.read_between("user_days", first, end, job.run.run_id)
    # Nothing sampled lies in a window; left in, it would be thinned and counted in windows that nobody asks for.
    whole = kept.where(F.col("wiki_db").isin(list(wikis)) & (F.col("sample_rate") >= 1))
    return job.engine.materialise(thinned_copies(whole, {rate: copy_name("", rate) for rate in (1.0, *RATES)}))


def _at_tried_rates(copies: DataFrame) -> DataFrame:
    """Keep the copies at rate 1 and at the rate at which shapes are tried out."""
    is_asked = F.col("wiki_db").endswith(copy_name("", 1.0)) | F.col("wiki_db").endswith(copy_name("", THINNED))
    return copies.where(is_asked)


def _rows(
    job: Job, context: WindowContext, fitting: Fitting, windows: pd.DataFrame, copies: DataFrame, days: Sequence[date]
) -> pd.DataFrame:
    """Sum the copies of the wikis that were kept whole, all rates in one pass, and estimate."""
    end = days[-1] + DAY
    visits = visit_window_sums(copies, start=days[0], end=end, windows=(ROLLING_DAYS,))
    nobody_shown = job.lake.read("user_link_days", job.run.run_id).where(F.lit(False))
    metrics = [context.catalogue.metric(name) for name in COHORT_METRICS if name in context.catalogue.metrics]
    cohorts = cohort_sums(copies, nobody_shown, start=days[0] - WEEK + DAY, end=end, metrics=metrics)
    rows = self_validation_rows(windows, visits, cohorts, fitting, job.settings.privacy.min_users)
    return rows.assign(metric_date=rows["metric_date"].dt.date, as_of_date=rows["as_of_date"].dt.date)
