"""Daily facts of links: a user's day with an element, and a session's where the instrument carries no user id."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.transforms.user_days import REGIME_COLUMNS, SEGMENT_COLUMNS, contract_select

REVIEW_LINKS = "review links"

_SESSION_SUMS = ("n_impressions", "n_clicks", "n_shown", "n_matched")
# The columns of contracts.LINK_SUMS, each a sum over pageviews of this expression in the pageview's own sums.
_LINK_SUMS = {
    **{name: name for name in _SESSION_SUMS},
    "n_pageviews": "1L",
    "n_shown_pageviews": "if(n_impressions > 0, 1L, 0L)",
    "n_clicked_pageviews": "if(n_impressions > 0 and n_clicks > 0, 1L, 0L)",
    "n_matched_pageviews": "if(n_matched > 0, 1L, 0L)",
    "n_click_pageviews": "if(n_clicks > 0, 1L, 0L)",
    "n_shown_only_pageviews": "if(n_impressions > 0 and n_clicks = 0, 1L, 0L)",
    "impressions_sq": "n_impressions * n_impressions",
    "clicks_sq": "n_clicks * n_clicks",
    "impressions_clicks": "n_impressions * n_clicks",
    "shown_sq": "n_shown * n_shown",
    "matched_sq": "n_matched * n_matched",
    "shown_matched": "n_shown * n_matched",
}
LINK_SUM_COLUMNS = tuple(_LINK_SUMS)


def link_pageviews(pageviews: DataFrame, *, review_elements: Sequence[str]) -> DataFrame:
    """Give the pageviews of each element, and of the group `review links` with its elements pooled per pageview.

    Args:
        pageviews: the result of `user_days.element_pageviews`; rows without an element are left out.
        review_elements: elements of the link group `review links`.

    Returns:
        event_date, wiki_db, owner, user_hash, session_hash, pageview_hash, regime, segment, n_impressions, n_clicks,
        n_shown, n_matched: one row per pageview, segment and regime.
    """
    key = ("event_date", "wiki_db", "owner", "user_hash", "session_hash", "pageview_hash", *REGIME_COLUMNS)
    element = F.col("element_friendly_name")
    elements = pageviews.where(element.isNotNull()).select(*key, *SEGMENT_COLUMNS, *_SESSION_SUMS)
    group = (
        elements.where(element.isin(*review_elements))
        .withColumn("element_friendly_name", F.lit(REVIEW_LINKS))
        .groupBy(*key, *SEGMENT_COLUMNS)
        .agg(*(F.sum(c).alias(c) for c in _SESSION_SUMS))
    )
    return elements.unionByName(group)


def user_link_days(pageviews: DataFrame, *, review_elements: Sequence[str]) -> DataFrame:
    """Sum a user's day with one link, by platform, bucket and sampling regime.

    Grain and columns: table `user_link_days` of the contract, sums over kept pageviews, unweighted. `sessions` has one
    entry per session with any event of the element, so that a session can be followed over the days it lasts.

    Args: see `link_pageviews`.
    """
    views = link_pageviews(pageviews.where(F.col("user_hash").isNotNull()), review_elements=review_elements)
    user_key = ("event_date", "wiki_db", "owner", "user_hash", *REGIME_COLUMNS, *SEGMENT_COLUMNS)
    entry = F.struct("session_hash", *_SESSION_SUMS)
    days = (
        _link_sums(views, *user_key, "session_hash")
        .groupBy(*user_key)
        .agg(
            *(F.sum(c).alias(c) for c in LINK_SUM_COLUMNS),
            F.sort_array(F.collect_list(entry)).alias("sessions"),
        )
    )
    return contract_select(days, "user_link_days")


def unit_link_days(pageviews: DataFrame, *, review_elements: Sequence[str]) -> DataFrame:
    """Sum a session's day with one link where the event carries no user id.

    Grain and columns: table `unit_link_days` of the contract. Args: see `link_pageviews`.
    """
    views = link_pageviews(pageviews.where(F.col("user_hash").isNull()), review_elements=review_elements)
    key = ("event_date", "wiki_db", "owner", "session_hash", *REGIME_COLUMNS, *SEGMENT_COLUMNS)
    return contract_select(_link_sums(views, *key), "unit_link_days")


def _link_sums(views: DataFrame, *key: str) -> DataFrame:
    """Sum the pageviews' own sums, squares and products by a key."""
    return views.groupBy(*key).agg(*(F.sum(F.expr(sql)).alias(name) for name, sql in _LINK_SUMS.items()))
