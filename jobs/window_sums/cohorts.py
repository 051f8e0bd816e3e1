"""Cohort sums: the cohorts of days and weeks that close on some as-of dates, collected."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.transforms.cohort_days import cohort_unit_counts, day_cohorts, visit_days, week_cohorts
from jobs.window_sums.dense import collect
from jobs.window_sums.tables import COHORT, CohortSums

DAY = timedelta(days=1)
LONGEST_DAYS = 15


def cohort_sums(
    user_days: DataFrame,
    user_link_days: DataFrame,
    *,
    start: date,
    end: date,
    menu_element: str,
    sampled: Collection[str] = (),
) -> CohortSums:
    """Sum the cohorts whose window closes on a date of `[start, end)`.

    Args:
        user_days: the table of that name; days outside the windows are ignored.
        user_link_days: the table of that name.
        start: first as-of date.
        end: day after the last as-of date.
        menu_element: the element whose impressions present the dashboard.
        sampled: wikis that had a rate below 1, kept anything under it or not.
    """
    first = start - (LONGEST_DAYS - 1) * DAY

    def inside(frame: DataFrame) -> DataFrame:
        return frame.where((F.col("event_date") >= F.lit(first)) & (F.col("event_date") < F.lit(end)))

    days = inside(user_days)
    shown = inside(user_link_days).where((F.col("element_friendly_name") == menu_element) & (F.col("n_shown") > 0))
    visits = visit_days(days)
    asked = (F.col("as_of_date") >= F.lit(start)) & (F.col("as_of_date") < F.lit(end))
    cells = collect(day_cohorts(visits).unionByName(week_cohorts(visits, shown)).where(asked))
    kept_below = days.where("sample_rate < 1").select("wiki_db").distinct().collect()
    below = sorted({*sampled, *(row.wiki_db for row in kept_below)})
    of_sampled = days.where(F.col("wiki_db").isin(below) if below else F.lit(False))
    counts = collect(cohort_unit_counts(of_sampled, start, end))
    return CohortSums(cells, counts, _spanning(counts))


def _spanning(counts: pd.DataFrame) -> pd.DataFrame:
    """Add up kept units, and those in both windows, by cohort."""
    kept = (counts["k1"] + counts["k2"] - counts["k_spanning"]) * counts["n_users"]
    sums = counts.assign(n_kept=kept, n_spanning=counts["k_spanning"] * counts["n_users"])
    keys = [*COHORT, "as_of_date"]
    return sums.groupby(keys, as_index=False)[["n_kept", "n_spanning"]].sum()
