"""Daily facts of a user on the dashboard, and the pageview table all daily facts come from.

`element_pageviews` reads the kept events once; `user_days`, the link facts and the daily sums are made from its result,
which the caller persists. Everything after the daily facts reads them and never the events.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.contracts import SELF_VALIDATION_RATES, table
from jobs.schemas import spark_schema
from jobs.table import REGIME, SEGMENT, WIKI_DAY

REGIME_COLUMNS, SEGMENT_COLUMNS = tuple(REGIME), tuple(SEGMENT)
# What names a daily cell. Of these columns there are few distinct combinations, and of users and pageviews many: sums
# are keyed by the hash `cell_id`, and `with_cells` puts the names back at the end.
CELL_COLUMNS = (*WIKI_DAY, *REGIME_COLUMNS, *SEGMENT_COLUMNS)
PAGEVIEW_KEY = ("owner", "user_hash", "session_hash", "pageview_hash")


def contract_select(frame: DataFrame, table_name: str) -> DataFrame:
    """Select the columns of a table of the contract, in its order and cast to its types."""
    fields = spark_schema(table(table_name).columns)
    return frame.select([F.col(field.name).cast(field.dataType).alias(field.name) for field in fields])


def cell_id(*columns: str) -> Column:
    """Return a 64-bit hash of columns; where the nulls are counts too, which a hash alone does not see."""
    nulls = (F.col(name).isNull().cast("int") * 2**place for place, name in enumerate(columns))
    return F.xxhash64(*columns, reduce(Column.__add__, nulls))


def with_cells(sums: DataFrame, rows: DataFrame, columns: Sequence[str]) -> DataFrame:
    """Put the names of cells beside `cell_id`.

    Args:
        sums: has `cell_id` = cell_id(*columns).
        rows: the rows the sums were made from, with `columns`.
        columns: what the cells were made from.
    """
    names = rows.groupBy(*columns).agg(F.lit(1)).select(cell_id(*columns).alias("cell_id"), *columns)
    return F.broadcast(names).join(sums, "cell_id", how="inner")  # the small side first: see `dedup.mark_duplicates`


def element_pageviews(events: DataFrame) -> DataFrame:
    """Sum the kept events of each pageview by element, platform and bucket.

    Grain: event_date, wiki_db, user_hash, session_hash, pageview_hash, regime, element, platform, bucket. The element
    is null for events without one (dashboard loads; impressions and clicks without an element count in `n_events`
    only). `owner` stands for the user, or the session where there is no user: the rows are partitioned by it, so that
    no later sum over a user or session moves them again. `cell_id` stands for the key but pageview, session and user.
    `is_only_session` tells whether the owner had no other session that day.

    Definition: `n_shown` counts the distinct impression keys, (pageview, `funnel_entry_token`, or `meta_id` where there
    is no token), of one element on one day; `n_matched` those of them that were also clicked.

    Caveats: a page's platform and bucket are fixed when it loads; were they to differ inside a pageview, each event
    counts under its own. The same holds for the regime when a rate changes while a page is open.

    Args:
        events: kept events, as in the contract.

    Returns:
        The key columns, `owner`, `cell_id`, `is_only_session`, session_fraction, pageview_fraction, n_events, n_loads
        (action `pageview`), n_impressions, n_clicks, n_shown, n_matched.
    """
    narrow = _narrow(events).repartition("owner")
    flagged = _with_is_only_session(_by_pageview(narrow), narrow)
    return with_cells(flagged.drop("event_date"), events, CELL_COLUMNS)


def _narrow(events: DataFrame) -> DataFrame:
    """Give each event its pageview, its cell, what it is and, where it has an element, its impression key."""
    has_element = F.col("element_friendly_name").isNotNull()
    owner = F.when(F.col("user_hash").isNotNull(), F.xxhash64("wiki_db", "user_hash")).otherwise(
        F.xxhash64("wiki_db", "session_hash")
    )
    return events.select(
        "event_date",
        cell_id(*CELL_COLUMNS).alias("cell_id"),
        owner.alias("owner"),
        *PAGEVIEW_KEY[1:],
        "session_fraction",
        "pageview_fraction",
        F.when(has_element, F.xxhash64(F.coalesce("funnel_entry_token", "meta_id"))).alias("impression_key"),
        (F.col("action") == "pageview").cast("int").alias("is_load"),
        (has_element & (F.col("action") == "impression")).cast("int").alias("is_impression"),
        (has_element & (F.col("action") == "click")).cast("int").alias("is_click"),
    )


def _by_pageview(narrow: DataFrame) -> DataFrame:
    """Sum by impression key, then by pageview: the keys that were shown, and those of them that were clicked."""
    pageview = ("event_date", "cell_id", *PAGEVIEW_KEY)
    fractions = [F.max(name).alias(name) for name in ("session_fraction", "pageview_fraction")]
    by_key = narrow.groupBy(*pageview, "impression_key").agg(
        *fractions,
        F.count(F.lit(1)).alias("n_events"),
        F.sum("is_load").alias("n_loads"),
        F.sum("is_impression").alias("n_impressions"),
        F.sum("is_click").alias("n_clicks"),
    )
    shown = F.col("n_impressions") > 0
    return by_key.groupBy(*pageview).agg(
        *fractions,
        *(F.sum(name).alias(name) for name in ("n_events", "n_loads", "n_impressions", "n_clicks")),
        F.count_if(shown).alias("n_shown"),
        F.count_if(shown & (F.col("n_clicks") > 0)).alias("n_matched"),
    )


def _with_is_only_session(by_pageview: DataFrame, narrow: DataFrame) -> DataFrame:
    """Add whether the owner had no other session that day; the few owners who had stand on the join's small side."""
    several = narrow.groupBy("event_date", "owner").agg(
        (F.min("session_hash") != F.max("session_hash")).alias("has_several")
    )
    flagged = several.where("has_several").join(by_pageview, ["event_date", "owner"], how="right")
    return flagged.withColumn("is_only_session", F.col("has_several").isNull()).drop("has_several")


def dashboard_pageviews(
    pageviews: DataFrame, *, review_elements: Sequence[str], dashboard_instruments: Sequence[str]
) -> DataFrame:
    """Sum loads and review clicks by pageview, whatever the element, platform and bucket.

    Args:
        pageviews: the result of `element_pageviews`.
        review_elements: elements of the link group `review links`.
        dashboard_instruments: instruments of role `usage` or `both`; the others load and review nothing.

    Returns:
        event_date, wiki_db, regime, the pageview key, both fractions, n_loads, n_review_clicks: pageviews with any.
    """
    is_review = F.coalesce(F.col("element_friendly_name").isin(*review_elements), F.lit(False)) & (
        F.col("n_clicks") > 0
    )
    on_dashboard = F.col("instrument_name").isin(*dashboard_instruments)
    return (
        pageviews.where(on_dashboard & ((F.col("n_loads") > 0) | is_review))
        .groupBy("event_date", "wiki_db", *REGIME_COLUMNS, *PAGEVIEW_KEY)
        .agg(
            F.max("session_fraction").alias("session_fraction"),
            F.max("pageview_fraction").alias("pageview_fraction"),
            F.sum("n_loads").alias("n_loads"),
            F.sum(F.when(is_review, F.col("n_clicks")).otherwise(0)).alias("n_review_clicks"),
        )
    )


def user_days(
    pageviews: DataFrame, *, review_elements: Sequence[str], dashboard_instruments: Sequence[str]
) -> DataFrame:
    """Sum a user's day on the dashboard in one sampling regime.

    Grain and columns: table `user_days` of the contract. A row exists where the user loaded the dashboard or clicked a
    review link. Rows without a user id are left out: they make no visitor (`baseline_daily` counts their loads).

    Definition: `n_pageviews` and `n_sessions` count those with a load, `n_review_pageviews` those with at least one
    review click, `loads_sq` is the sum over pageviews of squared loads; `…_at` counts the pageviews whose hash fraction
    is below 0.1, 0.25 and 0.5. `sessions` has one entry per session with a load or a review click.

    Args: see `dashboard_pageviews`.
    """
    seen = dashboard_pageviews(
        pageviews.where(F.col("user_hash").isNotNull()),
        review_elements=review_elements,
        dashboard_instruments=dashboard_instruments,
    )
    user_key = ("event_date", "wiki_db", *REGIME_COLUMNS, "owner", "user_hash")
    is_loaded, is_reviewed = F.col("n_loads") > 0, F.col("n_review_clicks") > 0
    sessions = seen.groupBy(*user_key, "session_hash").agg(
        F.max("session_fraction").alias("session_fraction"),
        F.sum("n_loads").alias("n_loads"),
        F.sum(F.col("n_loads") * F.col("n_loads")).alias("loads_sq"),
        F.count_if(is_loaded).alias("n_pageviews"),
        F.sum("n_review_clicks").alias("n_review_clicks"),
        F.count_if(is_reviewed).alias("n_review_pageviews"),
        *(F.count_if(is_loaded & _below(rate)).alias(f"pageviews_at_{i}") for i, rate in _rates()),
        *(F.count_if(is_reviewed & _below(rate)).alias(f"reviews_at_{i}") for i, rate in _rates()),
    )
    entry = F.struct("session_hash", "session_fraction", "n_loads", "n_pageviews", "n_review_pageviews")
    days = sessions.groupBy(*user_key).agg(
        *(F.sum(c).alias(c) for c in ("n_loads", "n_pageviews", "loads_sq", "n_review_clicks", "n_review_pageviews")),
        F.count_if(is_loaded).alias("n_sessions"),
        F.array(*(F.sum(f"pageviews_at_{i}") for i, _ in _rates())).alias("n_pageviews_at"),
        F.array(*(F.sum(f"reviews_at_{i}") for i, _ in _rates())).alias("n_review_pageviews_at"),
        F.sort_array(F.collect_list(entry)).alias("sessions"),
    )
    return contract_select(days, "user_days")


def _rates() -> list[tuple[int, float]]:
    return list(enumerate(SELF_VALIDATION_RATES))


def _below(rate: float) -> Column:
    """Tell whether a pageview would be in the sample at a rate; an id that is not hexadecimal never is."""
    return F.coalesce(F.col("pageview_fraction") < rate, F.lit(False))
