"""Rows of links as the window machinery wants them: by user (or session), margin and day.

Margins. A user mostly keeps to one platform and one bucket; then the state of (platform, all) and of (all, bucket) is
the state of (all, all). So each user's rows are laid out once (margin `total`), labelled with platform and bucket where
there is just one, and only users with several get rows of their own by platform, by bucket, or by both. The labels are
opened into margins after everything is summed (`window_sums/links.py`).
"""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.transforms.user_days import REGIME_COLUMNS
from jobs.transforms.window_states import Statistic, positive

TOTAL, BY_PLATFORM, BY_BUCKET, BY_BOTH = "total", "platform", "bucket", "both"
LABEL_CELL = ("wiki_db", "element_friendly_name", "margin", "client_platform_family", "edit_count_bucket")
_SUMS = ("n_impressions", "n_clicks", "n_shown", "n_matched")
_WEIGHTED = {name: f"w_{name.removeprefix('n_')}" for name in _SUMS}
USER_VALUES = ("n_impressions", "n_clicks", "n_days", *_WEIGHTED.values())
USER_STATISTICS: dict[str, Statistic] = {
    "n_shown_users": lambda s: positive(s["n_impressions"]),
    "n_click_users": lambda s: positive(s["n_clicks"]),
    "n_shown_and_click_users": lambda s: positive(s["n_impressions"], s["n_clicks"]),
    "n_users": lambda s: positive(s["n_days"]),
    "uu_impressions_sq": lambda s: s["w_impressions"] * s["w_impressions"],
    "uu_clicks_sq": lambda s: s["w_clicks"] * s["w_clicks"],
    "uu_impressions_clicks": lambda s: s["w_impressions"] * s["w_clicks"],
    "uu_shown_sq": lambda s: s["w_shown"] * s["w_shown"],
    "uu_matched_sq": lambda s: s["w_matched"] * s["w_matched"],
    "uu_shown_matched": lambda s: s["w_shown"] * s["w_matched"],
}
SESSION_VALUES = (*_SUMS, "n_days")
SESSION_STATISTICS: dict[str, Statistic] = {
    "n_units": lambda s: positive(s["n_days"]),
    "n_impression_units": lambda s: positive(s["n_impressions"]),
    "n_click_units": lambda s: positive(s["n_clicks"]),
    "n_shown_units": lambda s: positive(s["n_shown"]),
    "n_matched_units": lambda s: positive(s["n_matched"]),
    "impressions_sq": lambda s: s["n_impressions"] * s["n_impressions"],
    "clicks_sq": lambda s: s["n_clicks"] * s["n_clicks"],
    "impressions_clicks": lambda s: s["n_impressions"] * s["n_clicks"],
    "shown_sq": lambda s: s["n_shown"] * s["n_shown"],
    "matched_sq": lambda s: s["n_matched"] * s["n_matched"],
    "shown_matched": lambda s: s["n_shown"] * s["n_matched"],
}
STATE_VALUES = ("full_shown", "full_clicks", "k_click", "k_shown_only")
STATES: dict[str, Statistic] = {
    "is_full": lambda s: s["full_shown"] > 0,
    "full_click": lambda s: (s["full_shown"] > 0) & (s["full_clicks"] > 0),
    "k_click": lambda s: s["k_click"],
    "k_shown_only": lambda s: s["k_shown_only"],
}
SESSION_STATES: dict[str, Statistic] = {
    "full_shown": lambda s: F.lit(0),
    "full_clicks": lambda s: F.lit(0),
    "k_click": lambda s: positive(s["n_clicks"]),
    "k_shown_only": lambda s: positive(s["n_impressions"]) * (1 - positive(s["n_clicks"])),
}


def user_links(user_link_days: DataFrame, platform_bucket_elements: Sequence[str]) -> DataFrame:
    """Lay out user days by margin.

    Args:
        user_link_days: the table of that name.
        platform_bucket_elements: elements that also have the margin (platform, bucket).

    Returns:
        `LABEL_CELL`, user_hash, event_date, `USER_VALUES` (`w_…` weighted by 1 / rate, n_days positive on days with any
        event): a row per user, cell and regime of a day.
    """
    weighted = {to: F.col(name) / F.col("sample_rate") for name, to in _WEIGHTED.items()}
    rows = user_link_days.withColumns({**weighted, "n_days": F.lit(1)})
    return by_margins(rows, ["user_hash"], USER_VALUES, platform_bucket_elements)


def session_links(
    user_link_days: DataFrame, unit_link_days: DataFrame, platform_bucket_elements: Sequence[str]
) -> DataFrame:
    """Lay out session days by margin, where the session is the sampling unit.

    Returns:
        `LABEL_CELL`, regime, session_hash, event_date, `SESSION_VALUES`: any number of rows per cell and day.
    """
    key = ("event_date", "wiki_db", *REGIME_COLUMNS, "element_friendly_name", "client_platform_family",
           "edit_count_bucket")  # fmt: skip
    is_session = F.col("sample_unit") == "session"
    of_users = user_link_days.where(is_session).select(*key, F.inline("sessions"))
    of_units = unit_link_days.where(is_session).select(*key, "session_hash", *_SUMS)
    rows = of_users.unionByName(of_units).withColumn("n_days", F.lit(1))
    return by_margins(rows, [*REGIME_COLUMNS, "session_hash"], SESSION_VALUES, platform_bucket_elements)


def by_margins(
    rows: DataFrame, unit: Sequence[str], values: Sequence[str], platform_bucket_elements: Sequence[str]
) -> DataFrame:
    """Lay out rows by margin.

    Args:
        rows: wiki_db, segment, event_date, `unit` and `values`; any number of rows per unit and day.
        unit: columns that name a unit within a wiki.
        values: columns to add up.
        platform_bucket_elements: elements that also have the margin (platform, bucket).

    Returns:
        `LABEL_CELL`, `unit`, event_date, `values`. In margin `total` platform and bucket are labels: the unit's only
        one, else null; in the other margins they are the value the row is about, else null.
    """
    platform, bucket = F.col("client_platform_family"), F.col("edit_count_bucket")
    name = F.xxhash64("wiki_db", *unit, "element_friendly_name")
    named = rows.withColumn("_unit", name)
    labelled = F.broadcast(_several(rows, name)).join(named, "_unit", how="right").select(
        "wiki_db", *unit, "element_friendly_name", "event_date", *values, platform, bucket,
        F.when(~_is_true("has_several_platforms"), platform).alias("only_platform"),
        F.when(~_is_true("has_several_buckets"), bucket).alias("only_bucket"),
    )  # fmt: skip
    several_platforms, several_buckets = F.col("only_platform").isNull(), F.col("only_bucket").isNull()
    in_both = F.col("element_friendly_name").isin(*platform_bucket_elements) & (several_platforms | several_buckets)
    none = F.lit(None).cast("string")
    margins = F.array(
        _margin(TOTAL, F.lit(True), F.col("only_platform"), F.col("only_bucket")),
        _margin(BY_PLATFORM, several_platforms & platform.isNotNull(), platform, none),
        _margin(BY_BUCKET, several_buckets & bucket.isNotNull(), none, bucket),
        _margin(BY_BOTH, in_both & platform.isNotNull() & bucket.isNotNull(), platform, bucket),
    )
    return labelled.select(
        "wiki_db", *unit, "element_friendly_name", "event_date", *values, F.inline(F.array_compact(margins))
    )


def _several(rows: DataFrame, unit: Column) -> DataFrame:
    """Find the units with rows of more than one platform or bucket, which are few.

    Returns:
        `_unit`, has_several_platforms, has_several_buckets.
    """
    # A null is a value here, as it is to the hash: some rows without a platform make several of a unit's platforms.
    hashed = rows.select(
        unit.alias("_unit"),
        F.xxhash64("client_platform_family").alias("platform"),
        F.xxhash64("edit_count_bucket").alias("bucket"),
    )
    found = hashed.groupBy("_unit").agg(
        (F.min("platform") != F.max("platform")).alias("has_several_platforms"),
        (F.min("bucket") != F.max("bucket")).alias("has_several_buckets"),
    )
    return found.where(F.col("has_several_platforms") | F.col("has_several_buckets"))


def _is_true(name: str) -> Column:
    return F.coalesce(F.col(name), F.lit(False))


def _margin(name: str, condition: Column, platform: Column, bucket: Column) -> Column:
    return F.when(
        condition,
        F.struct(
            F.lit(name).alias("margin"),
            platform.alias("client_platform_family"),
            bucket.alias("edit_count_bucket"),
        ),
    )


def user_link_units(user_link_days: DataFrame) -> DataFrame:
    """Give what adds up over the days of a user: rate-1 regimes, and kept pageviews where they are the unit.

    Returns:
        wiki_db, element_friendly_name, user_hash, event_date, `STATE_VALUES`: one row per user, element and day.
    """
    is_full = F.col("sample_rate") >= 1
    is_unit = ~is_full & (F.col("sample_unit") == "pageview")
    columns = {
        "full_shown": (is_full, "n_impressions"),
        "full_clicks": (is_full, "n_clicks"),
        "k_click": (is_unit, "n_click_pageviews"),
        "k_shown_only": (is_unit, "n_shown_only_pageviews"),
    }
    return user_link_days.groupBy("wiki_db", "element_friendly_name", "user_hash", "event_date").agg(
        *(F.sum(F.when(which, F.col(value)).otherwise(0)).alias(name) for name, (which, value) in columns.items())
    )


def user_link_sessions(user_link_days: DataFrame) -> DataFrame:
    """Give the days of kept sessions where they are the unit and the rate is below 1.

    Returns:
        wiki_db, element_friendly_name, user_hash, session_hash, event_date, n_impressions, n_clicks.
    """
    key = ("wiki_db", "element_friendly_name", "user_hash", "event_date")
    kept = user_link_days.where("sample_unit = 'session' and sample_rate < 1").select(*key, F.inline("sessions"))
    return kept.groupBy(*key, "session_hash").agg(
        F.sum("n_impressions").alias("n_impressions"), F.sum("n_clicks").alias("n_clicks")
    )
