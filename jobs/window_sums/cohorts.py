"""Cohort sums: the cohorts of days and weeks that close on some as-of dates, collected."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from functools import reduce

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.metric import Metric
from jobs.transforms.cohort_days import cohort_unit_counts, day_cohorts, visit_days, week_cohorts
from jobs.window_sums.dense import collect
from jobs.window_sums.tables import COHORT, CohortSums
from jobs.windows import DAY


def cohort_sums(
    user_days: DataFrame,
    user_link_days: DataFrame,
    *,
    start: date,
    end: date,
    metrics: Sequence[Metric],
    sampled: Collection[str] = (),
) -> CohortSums:
    """Sum the cohorts whose window closes on a date of `[start, end)`.

    Args:
        user_days: the table of that name; days outside the windows are ignored.
        user_link_days: the table of that name.
        start: first as-of date.
        end: day after the last as-of date.
        metrics: the metrics with cohorts, which may be none; of those shown a link all of the same one.
        sampled: wikis that had a rate below 1, kept anything under it or not.
    """
    of_days = {metric.metric: metric.returned for metric in metrics if metric.weekday is None and metric.returned}
    of_visitors = [metric.metric for metric in metrics if metric.weekday is not None and metric.elements is None]
    of_shown = [metric for metric in metrics if metric.elements is not None]
    first = start - max((metric.returned[1] for metric in metrics if metric.returned), default=0) * DAY
    days = _inside(user_days, first, end)
    elements = [metric.elements for metric in of_shown]
    is_shown = F.col("element_friendly_name").isin(elements) & (F.col("n_shown") > 0)
    shown = _inside(user_link_days, first, end).where(is_shown if elements else F.lit(False))
    visits = visit_days(days)
    found = [day_cohorts(visits, of_days)] if of_days else []
    if of_visitors or of_shown:
        found.append(week_cohorts(visits, shown, of_visitors, [metric.metric for metric in of_shown]))
    if not found:
        return _no_cohorts()
    asked = (F.col("as_of_date") >= F.lit(start)) & (F.col("as_of_date") < F.lit(end))
    cells = collect(reduce(DataFrame.unionByName, found).where(asked))
    kept_below = days.where("sample_rate < 1").select("wiki_db").distinct().collect()
    below = sorted({*sampled, *(row.wiki_db for row in kept_below)})
    of_sampled = days.where(F.col("wiki_db").isin(below) if below else F.lit(False))
    counts = collect(cohort_unit_counts(of_sampled, start, end, of_days, of_visitors))
    return CohortSums(cells, counts)


def _inside(frame: DataFrame, first: date, end: date) -> DataFrame:
    return frame.where((F.col("event_date") >= F.lit(first)) & (F.col("event_date") < F.lit(end)))


def _no_cohorts() -> CohortSums:
    """Return the sums of no metric."""
    window = [*COHORT, "as_of_date"]
    states = ["is_full1", "is_full2", "k1", "k2", "k_spanning", "n_users"]
    columns = (["n_cohort", "n_returned"], states)
    return CohortSums(*(pd.DataFrame(columns=[*window, *own]) for own in columns))
