"""Stage the facts of the changed days: all from one pass over the staged events, but for the counts by hour."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from functools import partial, reduce
from itertools import groupby

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.log import get_logger
from jobs.reference.instruments import usage_instruments
from jobs.reference.load import Reference
from jobs.reference.rows import REVIEW_LINKS
from jobs.steps.job import Job
from jobs.transforms.daily_sums import baseline_daily, engagement_daily
from jobs.transforms.hourly_counts import hourly_counts
from jobs.transforms.link_days import unit_link_days, user_link_days
from jobs.transforms.user_days import element_pageviews, user_days


def stage_facts(job: Job) -> None:
    """Build and stage user days, link days, daily sums and hourly counts of the run's changed days."""
    run, lake = job.run, job.lake
    reference = job.reference
    review = [row.element_friendly_name for row in reference.vocabulary if row.link_group == REVIEW_LINKS]
    review = list(dict.fromkeys(review))
    events = lake.read_days("events", run.changed, run.run_id)
    pageviews = job.engine.materialise(element_pageviews(events))
    try:
        users, baseline = (
            _by_roles(pageviews, reference, run.changed, partial(made, review_elements=review))
            for made in (user_days, baseline_daily)
        )
        hours = _by_roles(events, reference, run.changed, partial(hourly_counts, review_elements=review))
        facts = {
            "user_days": users,
            "user_link_days": user_link_days(pageviews, review_elements=review),
            "baseline_daily": baseline,
            "unit_link_days": unit_link_days(pageviews, review_elements=review),
            "hourly_counts": hours,
        }
        job.stage_all(facts, run.changed)
    finally:
        job.engine.release(pageviews)
    links = [lake.read_days(name, run.changed, run.run_id) for name in ("user_link_days", "unit_link_days")]
    lake.stage("engagement_daily", engagement_daily(*links), run.run_id, run.changed)
    get_logger().info("facts staged", days=len(run.changed))


def _by_roles(
    rows: DataFrame,
    reference: Reference,
    days: Iterable[date],
    build: Callable[..., DataFrame],
) -> DataFrame:
    """Build facts for each stretch of days in which the same instruments measure the dashboard."""
    parts = []
    for usage, stretch in groupby(sorted(days), key=lambda day: usage_instruments(reference.instruments, day)):
        part = rows.where(F.col("event_date").isin(list(stretch)))
        parts.append(build(part, dashboard_instruments=usage))
    return reduce(DataFrame.unionByName, parts)
