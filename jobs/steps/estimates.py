"""Entry of the step `estimates`: facts -> sufficient statistics -> the rows of `metric_values` on the run's branch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import pandas as pd

from jobs.catalogue import load_catalogue
from jobs.log import get_logger
from jobs.rows.build import build_rows
from jobs.rows.visits import quarter_starts
from jobs.steps.fitting import fitting
from jobs.steps.job import Job
from jobs.steps.known_days import window_context
from jobs.steps.milestones import stage_milestones
from jobs.steps.self_validation import laws_until, stage_self_validation
from jobs.steps.window_sums import window_sums
from jobs.window_sums.tables import CohortSums
from jobs.windows import affected_as_of

LONG_WORK = 50


def estimate(job: Job) -> None:
    """Compute and stage every row whose window contains a changed day, and all rows of the asked days."""
    run = job.run
    published = job.lake.days("metric_values")
    run.as_of = affected_as_of(run.changed, published, run.days, load_catalogue().longest_days)
    stage_rows(job, run.as_of)
    stage_milestones(job.lake, job.reference, run.run_id, run.as_of)
    job.warehouse.save(run)


def stage_rows(job: Job, as_of: Sequence[date]) -> None:
    """Compute and stage the rows of some as-of dates: all tables but `milestone_status`, which looks at all dates.

    Args:
        job: the run and its surroundings; the facts of all days in the windows are published or staged.
        as_of: the dates, in order; one at least.
    """
    run, lake = job.run, job.lake
    context = window_context(job, as_of)
    get_logger().info("computing windows", as_of_dates=len(as_of), first=str(as_of[0]), last=str(as_of[-1]))
    starts = quarter_starts(context, as_of)
    sums = window_sums(job, as_of, starts, context)
    get_logger().info("window sums done; fitting what is sampled")
    fits = fitting(job.settings.estimation, job.warehouse.path / "fits", _progress)
    stage_self_validation(job, context, fits, as_of)
    if job.settings.estimation.reference_shapes:
        sums = replace(sums, visits=replace(sums.visits, laws=laws_until(job, as_of)))
    settled = build_rows(sums, context, as_of, starts, fits, job.settings.privacy.min_users)
    for column in ("metric_date", "as_of_date"):
        settled[column] = settled[column].dt.date
    get_logger().info("rows settled", rows=len(settled))
    lake.stage_pandas("metric_values", settled, run.run_id, as_of)
    lake.stage_pandas("retention_windows", _retention(sums.cohorts, as_of), run.run_id, as_of)


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
