"""Daily facts of links: a user's day with an element, and a session's where the instrument carries no user id."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.contracts import SESSION_LINK_SUMS
from jobs.transforms.user_days import CELL_COLUMNS, PAGEVIEW_KEY, cell_id, contract_select, with_cells

REVIEW_LINKS = "review links"

_SESSION_SUMS = tuple(SESSION_LINK_SUMS)
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
        cell_id, owner, user_hash, session_hash, pageview_hash, n_impressions, n_clicks, n_shown, n_matched: one row per
        pageview, segment and regime.
    """
    element = F.col("element_friendly_name")
    elements = pageviews.where(element.isNotNull())
    group = (
        _as_group(elements.where(element.isin(*review_elements)))
        .withColumn("cell_id", cell_id(*CELL_COLUMNS))
        .groupBy("cell_id", *PAGEVIEW_KEY)
        .agg(*(F.sum(c).alias(c) for c in _SESSION_SUMS))
    )
    return elements.select("cell_id", *PAGEVIEW_KEY, *_SESSION_SUMS).unionByName(group)


def user_link_days(pageviews: DataFrame, *, review_elements: Sequence[str]) -> DataFrame:
    """Sum a user's day with one link, by platform, bucket and sampling regime.

    Grain and columns: table `user_link_days` of the contract, sums over kept pageviews, unweighted. `sessions` has one
    entry per session with any event of the element, so that a session can be followed over the days it lasts.

    Args: see `link_pageviews`.
    """
    of_users = pageviews.where(F.col("user_hash").isNotNull())
    entry = F.struct("session_hash", *_SESSION_SUMS)
    user_key = ("cell_id", "owner", "user_hash")

    def by_session(which: Column) -> DataFrame:
        views = link_pageviews(of_users.where(which), review_elements=review_elements)
        return _link_sums(views, *user_key, "session_hash")

    # Most users have one session a day. Their rows are summed once; only the others' sessions have to be collected.
    one = by_session(F.col("is_only_session")).select(*user_key, *LINK_SUM_COLUMNS, F.array(entry).alias("sessions"))
    several = (
        by_session(~F.col("is_only_session"))
        .groupBy(*user_key)
        .agg(
            *(F.sum(c).alias(c) for c in LINK_SUM_COLUMNS),
            F.sort_array(F.collect_list(entry)).alias("sessions"),
        )
    )
    return contract_select(_named(one.unionByName(several), of_users, review_elements), "user_link_days")


def unit_link_days(pageviews: DataFrame, *, review_elements: Sequence[str]) -> DataFrame:
    """Sum a session's day with one link where the event carries no user id.

    Grain and columns: table `unit_link_days` of the contract. Args: see `link_pageviews`.
    """
    of_nobody = pageviews.where(F.col("user_hash").isNull())
    sums = _link_sums(link_pageviews(of_nobody, review_elements=review_elements), "cell_id", "owner", "session_hash")
    return contract_select(_named(sums, of_nobody, review_elements), "unit_link_days")


def _as_group(rows: DataFrame) -> DataFrame:
    """Call the elements of rows by the name of their group."""
    return rows.withColumn("element_friendly_name", F.lit(REVIEW_LINKS))


def _link_sums(views: DataFrame, *key: str) -> DataFrame:
    """Sum the pageviews' own sums, squares and products by a key."""
    return views.groupBy(*key).agg(*(F.sum(F.expr(sql)).alias(name) for name, sql in _LINK_SUMS.items()))


def _named(sums: DataFrame, pageviews: DataFrame, review_elements: Sequence[str]) -> DataFrame:
    """Put the names of the elements' and the group's cells beside `cell_id`."""
    elements = pageviews.where(F.col("element_friendly_name").isNotNull()).select(*CELL_COLUMNS)
    group = _as_group(elements.where(F.col("element_friendly_name").isin(*review_elements)))
    return with_cells(sums, elements.unionByName(group), CELL_COLUMNS)
