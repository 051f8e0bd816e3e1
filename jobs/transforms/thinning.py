"""A wiki's own 100 % days as they would have been kept at a lower rate, for self-validation.

The in-sample rule keeps an id whose hash fraction is below the rate, so the sample at a lower rate lies inside the one
at hand, and thinning by the same fraction gives exactly what would have been kept.
"""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.contracts import SELF_VALIDATION_RATES
from jobs.transforms.user_days import contract_select

_COUNTS = ("n_loads", "n_pageviews", "n_sessions", "loads_sq", "n_review_clicks", "n_review_pageviews")
_AT = ("n_pageviews_at", "n_review_pageviews_at")


def thinned_copies(user_days: DataFrame, suffixes: Mapping[float, str]) -> DataFrame:
    """Return the days once per rate, as they would have been kept had the rate been lower, in one pass over the table.

    Grain: that of `user_days` and its copies. A row of which nothing would have been kept is gone; one kept at the rate
    or less stays as it is.

    Definition: of pageviews, those with a fraction below the rate (`n_pageviews_at`, `n_review_pageviews_at`); of
    sessions, the entries of `sessions` with a fraction below it. An id without a fraction is never kept below rate 1.

    Caveats: exact for what counts users and their units. Repeats inside a pageview are not known by fraction: a kept
    pageview counts as one load and one review click at most (`n_loads` of sessions is exact), `loads_sq` likewise.
    Thinned pageviews have null `n_sessions` and no `sessions`; thinned sessions have null `…_at`.

    Args:
        user_days: the table of that name.
        suffixes: by rate, of `SELF_VALIDATION_RATES` or 1, what is put behind a wiki's name to name its copy: a wiki of
            its own to whatever groups by `wiki_db`.

    Returns:
        Columns of `user_days`; `wiki_db` with its suffix.
    """
    for rate in suffixes:
        _check(rate)
    copies = F.array(
        *(F.struct(F.lit(rate).alias("copy_rate"), F.lit(text).alias("suffix")) for rate, text in suffixes.items())
    )
    each = user_days.select("*", F.inline(copies)).withColumn("wiki_db", F.concat("wiki_db", "suffix"))
    return contract_select(_thin(each, F.col("copy_rate")), "user_days")


def _check(rate: float) -> None:
    if rate not in (*SELF_VALIDATION_RATES, 1):
        raise ValueError(f"the days hold no counts at rate {rate}; there are {SELF_VALIDATION_RATES} and 1")


def _thin(rows: DataFrame, rate: Column) -> DataFrame:
    """Thin rows to a rate of their own; leaves helper columns beside those of the table."""
    is_thinner = rate < F.col("sample_rate")
    is_session = F.col("sample_unit") == "session"
    in_sample = F.filter("sessions", lambda entry: F.coalesce(entry["session_fraction"] < rate, F.lit(False)))
    marked = rows.withColumns(
        {
            "kept_sessions": in_sample,
            "kept_pageviews": _at("n_pageviews_at", rate),
            "kept_reviews": _at("n_review_pageviews_at", rate),
        }
    )
    of_session, of_pageview = _session_columns(), _pageview_columns()
    thinner = {
        name: F.when(~is_thinner, F.col(name)).when(is_session, of_session[name]).otherwise(of_pageview[name])
        for name in (*_COUNTS, *_AT, "sessions")
    }
    thinner["sample_rate"] = F.least("sample_rate", rate)
    return marked.withColumns(thinner).where("n_pageviews > 0 or n_review_pageviews > 0")


def _at(name: str, rate: Column) -> Column:
    """Return the count below a rate from an array over `SELF_VALIDATION_RATES`; null at other rates."""
    return F.coalesce(*(F.when(rate == known, F.col(name)[i]) for i, known in enumerate(SELF_VALIDATION_RATES)))


def _pageview_columns() -> dict[str, Column]:
    """Return the counts of a day of which pageviews were thinned."""
    loads, reviews = F.col("kept_pageviews"), F.col("kept_reviews")
    return {
        "n_loads": loads,
        "n_pageviews": loads,
        "n_sessions": F.lit(None).cast("bigint"),
        "loads_sq": loads,
        "n_review_clicks": reviews,
        "n_review_pageviews": reviews,
        "n_pageviews_at": F.transform("n_pageviews_at", lambda count: F.least(count, loads)),
        "n_review_pageviews_at": F.transform("n_review_pageviews_at", lambda count: F.least(count, reviews)),
        "sessions": F.slice("sessions", 1, 0),
    }


def _session_columns() -> dict[str, Column]:
    """Return the counts of a day of which sessions were thinned."""
    loads, reviews = _sum("n_loads"), _sum("n_review_pageviews")
    unknown = F.lit(None).cast("array<bigint>")
    return {
        "n_loads": loads,
        "n_pageviews": _sum("n_pageviews"),
        "n_sessions": F.size(F.filter("kept_sessions", lambda entry: entry["n_loads"] > 0)).cast("bigint"),
        "loads_sq": loads,
        "n_review_clicks": reviews,
        "n_review_pageviews": reviews,
        "n_pageviews_at": unknown,
        "n_review_pageviews_at": unknown,
        "sessions": F.col("kept_sessions"),
    }


def _sum(field: str) -> Column:
    """Add up a field of the kept sessions."""
    return F.aggregate("kept_sessions", F.lit(0).cast("bigint"), lambda total, entry: total + entry[field])
