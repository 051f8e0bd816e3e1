"""Sums by day and sampling regime that hold no user: `baseline_daily` and `engagement_daily`."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.transforms.link_days import LINK_SUM_COLUMNS
from jobs.transforms.user_days import REGIME_COLUMNS, SEGMENT_COLUMNS, contract_select, dashboard_pageviews


def baseline_daily(
    pageviews: DataFrame, *, review_elements: Sequence[str], dashboard_instruments: Sequence[str]
) -> DataFrame:
    """Sum a wiki's day in one sampling regime, as kept (unweighted).

    Grain and columns: table `baseline_daily` of the contract. `n_events` counts every kept event, those of entry-point
    instruments too; loads and review clicks are the dashboard's only. `n_pageviews` and `n_sessions` count those with a
    load, `n_visitors` the users with one, `n_reviewers` the users with a review click.

    Args: see `user_days.dashboard_pageviews`.
    """
    views = dashboard_pageviews(pageviews, review_elements=review_elements, dashboard_instruments=dashboard_instruments)
    day_key = ("event_date", "wiki_db", *REGIME_COLUMNS)
    # Session, then user, then wiki: each step a plain sum, where one step would need four distinct counts.
    sessions = views.groupBy(*day_key, "owner", "user_hash", "session_hash").agg(
        *(F.sum(c).alias(c) for c in ("n_loads", "n_review_clicks")),
        F.count_if(F.col("n_loads") > 0).alias("n_pageviews"),
    )
    owners = sessions.groupBy(*day_key, "owner", "user_hash").agg(
        *(F.sum(c).alias(c) for c in ("n_loads", "n_review_clicks", "n_pageviews")),
        F.count_if(F.col("n_loads") > 0).alias("n_sessions"),
    )
    is_user = F.col("user_hash").isNotNull()
    dashboard = owners.select(
        *day_key,
        F.lit(0).alias("n_events"),
        *("n_loads", "n_review_clicks", "n_pageviews", "n_sessions"),
        (is_user & (F.col("n_loads") > 0)).cast("int").alias("n_visitors"),
        (is_user & (F.col("n_review_clicks") > 0)).cast("int").alias("n_reviewers"),
    )
    counts = dashboard.columns[len(day_key) :]
    every = pageviews.select(*day_key, "n_events", *(F.lit(0).alias(name) for name in counts[1:]))
    days = dashboard.unionByName(every).groupBy(*day_key).agg(*(F.sum(name).alias(name) for name in counts))
    return contract_select(days, "baseline_daily")


def engagement_daily(user_link_days: DataFrame, unit_link_days: DataFrame) -> DataFrame:
    """Sum a wiki's day with one link, by platform, bucket and sampling regime, as kept (unweighted).

    Grain and columns: table `engagement_daily` of the contract. `n_users` is 0 where the instrument carries no user id.

    Args:
        user_link_days: the table of that name.
        unit_link_days: the table of that name.
    """
    key = ("event_date", "wiki_db", *REGIME_COLUMNS, *SEGMENT_COLUMNS)
    # A user has one row per key, and a session one user: counts add up.
    users = user_link_days.select(
        *key, *LINK_SUM_COLUMNS, F.lit(1).alias("n_users"), F.size("sessions").alias("n_sessions")
    )
    units = unit_link_days.select(*key, *LINK_SUM_COLUMNS, F.lit(0).alias("n_users"), F.lit(1).alias("n_sessions"))
    days = (
        users.unionByName(units)
        .groupBy(*key)
        .agg(*(F.sum(c).alias(c) for c in ("n_users", "n_sessions", *LINK_SUM_COLUMNS)))
    )
    return contract_select(days, "engagement_daily")
