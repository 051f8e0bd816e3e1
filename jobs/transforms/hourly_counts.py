"""Counts by hour: what an hour that was lost could have held is judged by them (`jobs/rows/hourly.py`)."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.transforms.link_days import REVIEW_LINKS
from jobs.transforms.user_days import REGIME_COLUMNS, SEGMENT_COLUMNS, contract_select

HOUR_KEY = ("event_date", "wiki_db", "event_hour", *REGIME_COLUMNS)
EVENTS = ("n_loads", "n_impressions", "n_clicks")
USERS = {"n_visitors": "n_loads", "n_shown_users": "n_impressions", "n_click_users": "n_clicks"}


def hourly_counts(
    events: DataFrame, *, review_elements: Sequence[str], dashboard_instruments: Sequence[str]
) -> DataFrame:
    """Count the events and the distinct users of each hour, as kept (unweighted).

    Grain and columns: table `hourly_counts` of the contract. Loads stand in rows without an element, platform and
    bucket; impressions and clicks in rows of their element, and once more in the group `review links`. Only hours with
    an event have a row. Users are 0 where the instrument carries no user id.

    Caveats: a user of two platforms or buckets in one hour is one in each of their rows.

    Args:
        events: kept events, as in the contract.
        review_elements: elements of the link group `review links`.
        dashboard_instruments: instruments of role `usage` or `both`; the others load nothing.
    """
    element = F.col("element_friendly_name")
    is_load = (F.col("action") == "pageview") & F.col("instrument_name").isin(*dashboard_instruments)
    segment = (F.when(F.col("action") != "pageview", F.col(name)).alias(name) for name in SEGMENT_COLUMNS)
    is_of_link = F.col("action").isin("impression", "click") & element.isNotNull()
    by_user = (
        events.where(is_load | is_of_link)
        .select(*HOUR_KEY, "user_hash", "action", *segment)
        .groupBy(*HOUR_KEY, *SEGMENT_COLUMNS, "user_hash")
        .agg(
            F.count_if(F.col("action") == "pageview").alias("n_loads"),
            F.count_if(F.col("action") == "impression").alias("n_impressions"),
            F.count_if(F.col("action") == "click").alias("n_clicks"),
        )
    )
    group = (
        by_user.where(element.isin(*review_elements))
        .withColumn("element_friendly_name", F.lit(REVIEW_LINKS))
        .groupBy(*HOUR_KEY, *SEGMENT_COLUMNS, "user_hash")
        .agg(*(F.sum(name).alias(name) for name in EVENTS))
    )
    is_user = F.col("user_hash").isNotNull()
    hours = (
        by_user.unionByName(group)
        .groupBy(*HOUR_KEY, *SEGMENT_COLUMNS)
        .agg(
            *(F.sum(name).alias(name) for name in EVENTS),
            *(F.count_if(is_user & (F.col(events_of) > 0)).alias(name) for name, events_of in USERS.items()),
        )
    )
    return contract_select(hours, "hourly_counts")
