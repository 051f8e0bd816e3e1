"""Entry of the step `estimates`: facts -> sufficient statistics -> the rows of `metric_values` on the run's branch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import pandas as pd
from pyspark.sql import functions as F

from jobs.catalogue import MENU_LINK
from jobs.estimation.gate import Gates
from jobs.job import Job
from jobs.log import get_logger
from jobs.reference import ANY_PLATFORM, REVIEW_LINKS, Reference, VocabularyRow
from jobs.rows.cohort_people import fill_cohorts
from jobs.rows.cohorts import cohort_rows
from jobs.rows.link_people import fill_unique
from jobs.rows.links import link_rows
from jobs.rows.people import Fitting
from jobs.rows.settle import settle
from jobs.rows.situation import Situation
from jobs.rows.skeleton import platform_bucket_elements
from jobs.rows.visit_people import fill_visits
from jobs.rows.visits import quarter_starts, visit_rows
from jobs.self_validation import stage_self_validation
from jobs.settings import EstimationSettings
from jobs.transforms.cohorts import CohortSums, cohort_sums
from jobs.transforms.links import link_window_sums
from jobs.transforms.visits import visit_window_sums
from jobs.windows import affected_as_of, earliest_day

DAY = timedelta(days=1)
LONG_WORK = 50


def estimate(job: Job) -> None:
    """Compute and stage every row whose window contains a changed day, and all rows of the asked days."""
    run, lake = job.run, job.lake
    published = [row[0] for row in lake.read("metric_values").select("as_of_date").distinct().collect()]
    as_of = affected_as_of(run.changed, published, run.days)
    run.as_of = as_of
    situation = _situation(job, as_of)
    get_logger().info("computing windows", as_of_dates=len(as_of), first=str(as_of[0]), last=str(as_of[-1]))
    rows, cohorts = metric_rows(job, situation, as_of)
    settled = settle(rows, job.settings.privacy.min_users)
    for column in ("metric_date", "as_of_date"):
        settled[column] = settled[column].dt.date
    get_logger().info("rows settled", rows=len(settled))
    lake.stage("metric_values", lake.from_pandas("metric_values", settled), run.run_id, as_of)
    lake.stage(
        "retention_windows", lake.from_pandas("retention_windows", _retention(cohorts, as_of)), run.run_id, as_of
    )
    stage_self_validation(job, situation, _fitting(job), as_of)
    job.warehouse.save(run)


def metric_rows(job: Job, situation: Situation, as_of: Sequence[date]) -> tuple[pd.DataFrame, CohortSums]:
    """Return the candidates of every metric for some as-of dates, and the cohorts behind them."""
    start, end = min(as_of), max(as_of) + DAY
    first = min(earliest_day(day) for day in as_of)
    user_days, user_links, unit_links = (
        job.lake.read_between(name, first, end, job.run.run_id)
        for name in ("user_days", "user_link_days", "unit_link_days")
    )
    fitting = _fitting(job)
    starts = quarter_starts(situation, as_of)
    visits = visit_window_sums(user_days, quarter_starts=starts, start=start, end=end)
    visit_candidates, windows = visit_rows(visits, situation, as_of, starts)
    cohorts = cohort_sums(user_days, user_links, menu_element=MENU_LINK, start=start, end=end)
    cohort_candidates, _ = cohort_rows(cohorts, situation, as_of)
    links = link_window_sums(
        user_links, unit_links, platform_bucket_elements=platform_bucket_elements(), start=start, end=end
    )
    link_candidates, _ = link_rows(links, situation, as_of)
    get_logger().info("window sums done; fitting what is sampled")
    families = [
        fill_visits(visit_candidates, windows, visits, fitting),
        fill_cohorts(cohort_candidates, cohorts, situation, fitting),
        fill_unique(link_candidates, links.unique_counts, fitting),
    ]
    return pd.concat([family for family in families if not family.empty], ignore_index=True), cohorts


def _situation(job: Job, as_of: Sequence[date]) -> Situation:
    """Collect what is known of every day that a window can contain."""
    first, end = min(earliest_day(day) for day in as_of), max(as_of) + DAY
    log = job.lake.read_between("ingest_log", first, end, job.run.run_id)
    incomplete = (F.col("fate") == "missing_hour") | F.coalesce(F.col("reason") == "unreadable_file", F.lit(False))
    hours = log.groupBy("event_date", "event_hour").agg(
        F.max(F.col("fate") != "missing_hour").alias("arrived"), F.max(incomplete).alias("incomplete")
    )
    days = hours.groupBy("event_date").agg(
        F.max("arrived").alias("arrived"), F.count_if(F.col("incomplete")).alias("incomplete")
    )
    rows = days.collect()
    return Situation(
        _with_unknown_elements(job),
        [row.event_date for row in rows if row.arrived],
        {row.event_date: row.incomplete for row in rows},
        job.settings.ingest.rate_change_grace_minutes,
    )


def _with_unknown_elements(job: Job) -> Reference:
    """Add elements that the vocabulary lacks, each measured from the day it was first seen."""
    reference = job.reference
    known = {row.element_friendly_name for row in reference.vocabulary} | {REVIEW_LINKS}
    seen = job.lake.read("engagement_daily", job.run.run_id).where(~F.col("element_friendly_name").isin(sorted(known)))
    first_days = seen.groupBy("element_friendly_name").agg(F.min("event_date")).collect()
    reason = "not in the vocabulary; rows begin on the day it was first seen"
    added = [VocabularyRow(name, "other links", ANY_PLATFORM, day, None, reason) for name, day in first_days]
    return replace(reference, vocabulary=(*reference.vocabulary, *added))


def _fitting(job: Job) -> Fitting:
    settings = job.settings.estimation
    return Fitting(gates(settings), settings.workers, job.warehouse.path / "fits", _progress)


def gates(settings: EstimationSettings) -> Gates:
    """Return the gates as set."""
    return Gates(
        fewest_seen=settings.min_seen,
        users_publish=settings.users_publish,
        users_caution=settings.users_caution,
        share_publish=settings.retention_publish,
        share_caution=settings.retention_caution,
        share_bounds=settings.retention_bounds,
    )


def _progress(done: int, total: int) -> None:
    """Tell of long work only: a line every few dozen fits."""
    if total >= LONG_WORK and (done % LONG_WORK == 0 or done == total):
        get_logger().info("fits", done=done, of=total)


def _retention(cohorts: CohortSums, as_of: Sequence[date]) -> pd.DataFrame:
    """Return the cohorts as rows of `retention_windows`."""
    cells = cohorts.cells
    cells = cells[cells["as_of_date"].isin(pd.to_datetime(list(as_of)))]
    days = (cells["as_of_date"] - cells["metric_date"]).dt.days + 1
    return cells.assign(
        window_days=days, metric_date=cells["metric_date"].dt.date, as_of_date=cells["as_of_date"].dt.date
    )
