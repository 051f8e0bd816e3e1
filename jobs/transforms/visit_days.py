"""Rows of visits as the window machinery wants them: one per user (or session) and day, and what is told of a state.

Definitions (docs/contract.md, section 5): a visitor has a load in the window, a reviewer a click on a review link, a
two-day reviewer is a visitor with review clicks on at least two separate days of it (T422024).
"""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.transforms.user_days import REGIME_COLUMNS
from jobs.transforms.window_states import Statistic, positive

USER_STATISTICS: dict[str, Statistic] = {
    "n_visitors": lambda s: positive(s["n_loads"]),
    "n_reviewers": lambda s: positive(s["n_review_days"]),
    "n_two_day_reviewers": lambda s: positive(s["n_loads"], s["n_review_days"] - 1),
    "uu_loads_sq": lambda s: s["w_loads"] * s["w_loads"],
}
SESSION_STATISTICS: dict[str, Statistic] = {
    "loads_sq": lambda s: s["n_loads"] * s["n_loads"],
    "n_load_units": lambda s: positive(s["n_loads"]),
    "n_units": lambda s: positive(s["n_rows"]),
}
SUMS = ("n_loads", "n_pageviews", "loads_sq", "n_units", "n_load_units")
STATE_VALUES = ("full_loads", "full_reviews", "k_load", "k_review", "k_other")
SESSION_STATES: dict[str, Statistic] = {
    "full_loads": lambda s: F.lit(0),
    "full_reviews": lambda s: F.lit(0),
    "k_load": lambda s: positive(s["n_loads"]),
    "k_review": lambda s: positive(s["n_reviews"]),
    "k_other": lambda s: positive(s["n_loads"]) * (1 - positive(s["n_reviews"])),
}
STATES: dict[str, Statistic] = {
    "is_full_visitor": lambda s: s["full_loads"] > 0,
    "is_full_reviewer": lambda s: s["full_reviews"] > 0,
    "k_load": lambda s: s["k_load"],
    "k_review": lambda s: s["k_review"],
    "k_other": lambda s: s["k_other"],
}


def user_visits(user_days: DataFrame) -> DataFrame:
    """Add up the regimes of a user's day.

    Returns:
        wiki_db, user_hash, event_date, n_loads, w_loads (weighted by 1 / rate), n_review_days (1 if the user clicked a
        review link that day, else 0).
    """
    return user_days.groupBy("wiki_db", "user_hash", "event_date").agg(
        F.sum("n_loads").alias("n_loads"),
        F.sum(F.col("n_loads") / F.col("sample_rate")).alias("w_loads"),
        F.max(positive(F.col("n_review_clicks"))).alias("n_review_days"),
    )


def session_visits(user_days: DataFrame) -> DataFrame:
    """Give the days of sessions where the session is the sampling unit.

    Returns:
        wiki_db, regime, session_hash, event_date, n_loads, n_rows: one row per session, regime and day.
    """
    keys = ("event_date", "wiki_db", *REGIME_COLUMNS)
    return (
        user_days.where("sample_unit = 'session'")
        .select(*keys, F.inline("sessions"))
        .groupBy(*keys, "session_hash")
        .agg(F.sum("n_loads").alias("n_loads"), F.count(F.lit(1)).alias("n_rows"))
    )


def daily_loads(user_days: DataFrame) -> DataFrame:
    """Sum loads by day and regime.

    Returns:
        event_date, wiki_db, regime, n_loads, w_loads, n_pageviews, and loads_sq, n_units, n_load_units with the
        pageview as unit.
    """
    return user_days.groupBy("event_date", "wiki_db", *REGIME_COLUMNS).agg(
        F.sum("n_loads").alias("n_loads"),
        F.sum(F.col("n_loads") / F.col("sample_rate")).alias("w_loads"),
        F.sum("n_pageviews").alias("n_pageviews"),
        F.sum("loads_sq").alias("loads_sq"),
        F.sum("n_pageviews").alias("n_units"),
        F.sum("n_pageviews").alias("n_load_units"),
    )


def user_units(user_days: DataFrame) -> DataFrame:
    """Give what adds up over the days of a user: loads of rate-1 regimes, and kept pageviews where they are the unit.

    Returns:
        wiki_db, user_hash, event_date, full_loads, full_reviews, k_load, k_review, k_other: one row per user and day.
    """
    is_full = F.col("sample_rate") >= 1
    is_unit = ~is_full & (F.col("sample_unit") == "pageview")
    other = F.greatest(F.col("n_pageviews") - F.col("n_review_pageviews"), F.lit(0))
    columns = {
        "full_loads": (is_full, F.col("n_loads")),
        "full_reviews": (is_full, F.col("n_review_clicks")),
        "k_load": (is_unit, F.col("n_pageviews")),
        "k_review": (is_unit, F.col("n_review_pageviews")),
        "k_other": (is_unit, other),
    }
    return user_days.groupBy("wiki_db", "user_hash", "event_date").agg(
        *(F.sum(F.when(which, value).otherwise(0)).alias(name) for name, (which, value) in columns.items())
    )


def user_sessions(user_days: DataFrame) -> DataFrame:
    """Give the days of kept sessions where they are the unit and the rate is below 1.

    Returns:
        wiki_db, user_hash, session_hash, event_date, n_loads, n_reviews (pageviews with a review click).
    """
    key = ("wiki_db", "user_hash", "event_date")
    kept = user_days.where("sample_unit = 'session' and sample_rate < 1").select(*key, F.inline("sessions"))
    return kept.groupBy(*key, "session_hash").agg(
        F.sum("n_loads").alias("n_loads"), F.sum("n_review_pageviews").alias("n_reviews")
    )
