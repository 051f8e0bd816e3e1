"""How often the users of whole windows came: the law of visits, by kept units of a user."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.transforms.window_states import positive
from jobs.windows import rolling_start

KEY = ("wiki_db", "as_of_date", "window_days", "user_hash")


def visit_laws(user_days: DataFrame, windows: Sequence[tuple[date, int]]) -> DataFrame:
    """Count users by how many kept units with a load, and with a review click, they have in some windows.

    Definition: a unit is a kept pageview where pageviews are the sampling unit, else a kept session over the whole
    window. A user with units of both kinds has their sum.

    Args:
        user_days: the table of that name, or copies of it; days outside the windows are ignored.
        windows: last day and length of each window.

    Returns:
        wiki_db, as_of_date, window_days, k_load, k_review, n_users.
    """
    held = F.array_compact(F.array(*(_holding(as_of, length) for as_of, length in windows)))
    rows = user_days.select("*", F.inline(held))
    pageviews = rows.where("sample_unit = 'pageview'").groupBy(*KEY).agg(
        F.sum("n_pageviews").alias("k_load"), F.sum("n_review_pageviews").alias("k_review")
    )  # fmt: skip
    sessions = (
        rows.where("sample_unit = 'session'")
        .select(*KEY, F.inline("sessions"))
        .groupBy(*KEY, "session_hash")
        .agg(F.sum("n_loads").alias("n_loads"), F.sum("n_review_pageviews").alias("n_reviews"))
        .groupBy(*KEY)
        .agg(F.sum(positive(F.col("n_loads"))).alias("k_load"), F.sum(positive(F.col("n_reviews"))).alias("k_review"))
    )
    users = pageviews.unionByName(sessions).groupBy(*KEY).agg(
        F.sum("k_load").alias("k_load"), F.sum("k_review").alias("k_review")
    )  # fmt: skip
    return users.groupBy("wiki_db", "as_of_date", "window_days", "k_load", "k_review").agg(
        F.count(F.lit(1)).alias("n_users")
    )


def _holding(as_of: date, length: int) -> Column:
    """Name a window where it holds a row's day; else null."""
    window = F.struct(F.lit(as_of).alias("as_of_date"), F.lit(length).cast("int").alias("window_days"))
    first = rolling_start(as_of, length)
    return F.when((F.col("event_date") >= F.lit(first)) & (F.col("event_date") <= F.lit(as_of)), window)
