"""Entry of the step `estimates`: facts -> sufficient statistics -> the rows of `metric_values` on the run's branch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from typing import cast

import pandas as pd
from pyspark.sql import functions as F

from jobs.catalogue import load_catalogue
from jobs.log import get_logger
from jobs.reference.load import Reference
from jobs.reference.rows import ANY_PLATFORM, REVIEW_LINKS, VocabularyRow
from jobs.rows.build import build_rows
from jobs.rows.link_cells import platform_bucket_elements
from jobs.rows.visits import quarter_starts
from jobs.rows.window_context import WindowContext
from jobs.steps.fitting import fitting
from jobs.steps.job import Job, side_by_side
from jobs.steps.self_validation import stage_self_validation
from jobs.window_sums.cohorts import cohort_sums
from jobs.window_sums.links import link_window_sums
from jobs.window_sums.tables import CohortSums, LinkSums, QuarterStarts, VisitSums, WindowSums
from jobs.window_sums.visits import visit_window_sums
from jobs.windows import affected_as_of, earliest_day

DAY = timedelta(days=1)
LONG_WORK = 50


def estimate(job: Job) -> None:
    """Compute and stage every row whose window contains a changed day, and all rows of the asked days."""
    run, lake = job.run, job.lake
    published = lake.days("metric_values")
    as_of = affected_as_of(run.changed, published, run.days, load_catalogue().longest_days)
    run.as_of = as_of
    context = _context(job, as_of)
    get_logger().info("computing windows", as_of_dates=len(as_of), first=str(as_of[0]), last=str(as_of[-1]))
    starts = quarter_starts(context, as_of)
    sums = window_sums(job, as_of, starts, context)
    get_logger().info("window sums done; fitting what is sampled")
    settled = build_rows(
        sums,
        context,
        as_of,
        starts,
        fitting(job.settings.estimation, job.warehouse.path / "fits", _progress),
        job.settings.privacy.min_users,
    )
    for column in ("metric_date", "as_of_date"):
        settled[column] = settled[column].dt.date
    get_logger().info("rows settled", rows=len(settled))
    lake.stage_pandas("metric_values", settled, run.run_id, as_of)
    lake.stage_pandas("retention_windows", _retention(sums.cohorts, as_of), run.run_id, as_of)
    stage_self_validation(job, context, fitting(job.settings.estimation, job.warehouse.path / "fits", _progress), as_of)
    job.warehouse.save(run)


def window_sums(job: Job, as_of: Sequence[date], starts: QuarterStarts, context: WindowContext) -> WindowSums:
    """Sum the windows of some as-of dates; the result is tiny."""
    start, end = min(as_of), max(as_of) + DAY
    catalogue = context.catalogue
    first = earliest_day(start, catalogue.longest_days)
    # A dozen sums are made of each: its files, one a day, are opened once.
    facts = side_by_side(
        *(
            partial(job.engine.materialise, job.lake.read_between(name, first, end, job.run.run_id))
            for name in ("user_days", "user_link_days", "unit_link_days")
        )
    )
    user_days, user_links, unit_links = facts
    own_bucket, below = platform_bucket_elements(catalogue), context.sampled_wikis(first, end)
    sums = side_by_side(
        lambda: link_window_sums(
            user_links,
            unit_links,
            platform_bucket_elements=own_bucket,
            windows=catalogue.window_days("rolling", "links"),
            start=start,
            end=end,
            sampled=below,
        ),
        lambda: visit_window_sums(
            user_days,
            windows=catalogue.window_days("rolling", "totals", "users"),
            quarter_starts=starts,
            start=start,
            end=end,
            sampled=below,
        ),
        lambda: cohort_sums(
            user_days,
            user_links,
            metrics=catalogue.of_family("retention", "presented"),
            start=start,
            end=end,
            sampled=below,
        ),
    )
    for frame in facts:
        job.engine.release(frame)
    links, visits, cohorts = cast(tuple[LinkSums, VisitSums, CohortSums], tuple(sums))
    return WindowSums(visits, cohorts, links)


def _context(job: Job, as_of: Sequence[date]) -> WindowContext:
    """Collect what is known of every day that a window can contain."""
    first, end = earliest_day(min(as_of), load_catalogue().longest_days), max(as_of) + DAY
    log = job.lake.read_between("ingest_log", first, end, job.run.run_id)
    incomplete = (F.col("fate") == "missing_hour") | F.coalesce(F.col("reason") == "unreadable_file", F.lit(False))
    hours = log.groupBy("event_date", "event_hour").agg(
        F.max(F.col("fate") != "missing_hour").alias("arrived"), F.max(incomplete).alias("incomplete")
    )
    days = hours.groupBy("event_date").agg(
        F.max("arrived").alias("arrived"), F.count_if(F.col("incomplete")).alias("incomplete")
    )
    rows = days.collect()
    regimes = job.lake.read_between("baseline_daily", first, end, job.run.run_id).select(
        "event_date", "wiki_db", "instrument_name", "sample_unit", "sample_rate"
    )
    sent = _sent(job)
    reference, first_seen = _with_unknown_elements(job.reference, sent)
    return WindowContext(
        reference,
        [row.event_date for row in rows if row.arrived],
        {row.event_date: row.incomplete for row in rows},
        job.settings.ingest.rate_change_grace_minutes,
        recorded=[tuple(row) for row in regimes.distinct().collect()],
        first_seen=first_seen,
        sent=sent,
    )


def _sent(job: Job) -> dict[tuple[str, str], dict[str, date]]:
    """Return by (wiki, element) the instruments that ever sent it, with the day of the first sight.

    From the whole history, so that it does not matter in which chunks the days were run.
    """
    first = job.lake.read("engagement_daily", job.run.run_id).groupBy(
        "wiki_db", "element_friendly_name", "instrument_name"
    )
    sent: dict[tuple[str, str], dict[str, date]] = {}
    for wiki, element, instrument, day in first.agg(F.min("event_date")).collect():
        sent.setdefault((wiki, element), {})[instrument] = day
    return sent


def _with_unknown_elements(
    reference: Reference, sent: Mapping[tuple[str, str], Mapping[str, date]]
) -> tuple[Reference, dict[str, date]]:
    """Add elements that the vocabulary lacks to the reference, and return the day each was first seen."""
    known = {row.element_friendly_name for row in reference.vocabulary} | {REVIEW_LINKS}
    first_seen: dict[str, date] = {}
    for (_, element), by_instrument in sorted(sent.items()):
        if element not in known:
            first_seen[element] = min(first_seen.get(element, date.max), *by_instrument.values())
    began = min(row.valid_from for row in reference.instruments)
    # Whatever is sent is recorded: before its first day an unknown element was not sent, and zero is right.
    added = [
        VocabularyRow(name, "other links", ANY_PLATFORM, began, None, "not in the vocabulary") for name in first_seen
    ]
    return replace(reference, vocabulary=(*reference.vocabulary, *added)), first_seen


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
