"""The window sums of some as-of dates, each fact table read once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import partial
from typing import Any, cast

from jobs.rows.cohorts import cohort_metrics
from jobs.rows.comparable import unit_windows
from jobs.rows.link_cells import platform_bucket_elements
from jobs.rows.links import unique_windows
from jobs.rows.visits import VISIT_FAMILIES
from jobs.rows.window_context import WindowContext
from jobs.steps.job import Job, side_by_side
from jobs.window_sums.cohorts import cohort_sums
from jobs.window_sums.links import link_window_sums
from jobs.window_sums.tables import ROLLING, CohortSums, LinkSums, QuarterStarts, VisitSums, WindowSums
from jobs.window_sums.visits import visit_window_sums
from jobs.windows import DAY, earliest_day


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
    asked: dict[str, Any] = {"start": start, "end": end, "sampled": context.sampled_wikis(first, end)}
    link_windows, counted = catalogue.window_days(ROLLING, "links"), unique_windows(catalogue)
    visit_windows, own_bucket = catalogue.window_days(ROLLING, *VISIT_FAMILIES), platform_bucket_elements(catalogue)
    sums = side_by_side(
        partial(
            link_window_sums, user_links, unit_links, windows=link_windows, unique_windows=counted,
            platform_bucket_elements=own_bucket, **asked,
        ),
        partial(
            visit_window_sums, user_days, windows=visit_windows, quarter_starts=starts,
            unit_windows=unit_windows(catalogue), **asked,
        ),
        partial(cohort_sums, user_days, user_links, metrics=cohort_metrics(catalogue), **asked),
    )  # fmt: skip
    for frame in facts:
        job.engine.release(frame)
    links, visits, cohorts = cast(tuple[LinkSums, VisitSums, CohortSums], tuple(sums))
    return WindowSums(visits, cohorts, links)
