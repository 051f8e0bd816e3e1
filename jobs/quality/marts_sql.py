"""The questions the marts gate asks, in DuckDB SQL over the view `scope` (rows of `fct_metric_values` of the run)."""

from __future__ import annotations

COUNTS = (
    "('dashboard_pageviews', 'dashboard_visitors', 'link_impressions', 'link_clicks', 'reviewers', 'eligible_editors')"
)
# Shares of a whole, from 0 to 1. The overall click-through rate is none: clicks repeat, impressions may be missed.
SHARES = f"(metric not in {COUNTS} and metric not in ('pageviews_per_visitor', 'link_click_through_rate'))"
REFUSED = "('not_measured', 'suppressed', 'not_estimable')"
GIVEN = "('publish', 'caution')"
NUMBERS = ("estimate", "lower", "upper")
COUNTED = ("observed_numerator", "observed_denominator", "n_users_observed", "n_effective")


def _any(columns: tuple[str, ...], condition: str) -> str:
    return "(" + " or ".join(f"{column} {condition}" for column in columns) + ")"


ROW_EXAMPLE = """
    metric || ' ' || window_kind || ' from ' || metric_date || ', ' || element_friendly_name || ', '
    || client_platform_family || ', ' || edit_count_bucket || ', ' || inference"""

# A row in which a condition is true is broken. Comparisons with a null are null, which is not true: rules about nulls
# say so themselves. DuckDB orders NaN above infinity, so NaN and infinity are named.
BROKEN_RULES = {
    "null_keys": _any(
        (
            "metric", "metric_version", "wiki_db", "window_kind", "metric_date", "as_of_date", "element_friendly_name",
            "client_platform_family", "edit_count_bucket", "inference",
        ),
        "is null",
    ),
    "interval_broken": "not (lower <= estimate and estimate <= upper) or not (lower <= upper)",
    "not_finite": " or ".join(f"not isfinite({column})" for column in (*NUMBERS, *COUNTED)),
    "status_unknown": (
        f"status is null or (status not in {REFUSED} and status not in {GIVEN} and status <> 'bounds_only')"
    ),
    "refused_with_number": f"status in {REFUSED} and {_any(NUMBERS, 'is not null')}",
    "given_without_number": f"status in {GIVEN} and {_any(NUMBERS, 'is null')}",
    "bounds_wrong": "status = 'bounds_only' and (estimate is not null or lower is null or upper is null)",
    "no_reason": "status <> 'publish' and coalesce(trim(status_reason), '') = ''",
    "not_suppressed": "n_users_observed >= 1 and n_users_observed < {min_users}",
    "suppressed_with_number": f"status = 'suppressed' and {_any((*NUMBERS, *COUNTED), 'is not null')}",
    "inexact": (
        "sampling_rate_min = 1 and inference = 'realised' and lower is not null"
        " and (lower is distinct from estimate or upper is distinct from estimate)"
    ),
    "count_not_realised": f"metric in {COUNTS} and inference <> 'realised'",
    "count_with_denominator": f"metric in {COUNTS} and observed_denominator is not null",
    "negative": _any((*NUMBERS, *COUNTED), "< 0"),
    "share_above_one": f"{SHARES} and {_any(NUMBERS, '> 1')}",
    "numerator_above_denominator": f"{SHARES} and observed_numerator > observed_denominator",
    "window_days_wrong": (
        "window_days is distinct from"
        " case when window_kind = 'quarter_to_date' then null else as_of_date - metric_date + 1 end"
    ),
    "window_backwards": "metric_date > as_of_date",
    "completeness_wrong": (
        "metric <> 'eligible_editors'"
        " and is_complete is distinct from (n_arrived = 24 * (as_of_date - metric_date + 1))"
    ),
    "incomplete_published": "status = 'publish' and not is_complete",
}  # fmt: skip

KEYS_BUT_METRIC = "wiki_db, window_kind, metric_date, as_of_date"

# Pairs of counts with the same window: the first is a part of the second.
REVIEWER_PAIRS = "('reviewers', 'dashboard_visitors'), ('dashboard_visitors', 'dashboard_pageviews')"

SUBSETS = f"""
with pairs(part, whole) as (values {{pairs}}),
totals as (select * from scope where inference = 'realised' and element_friendly_name = 'all'
    and client_platform_family = 'all' and edit_count_bucket = 'all')
select as_of_date as event_date,
    wiki_db || ' / ' || part || ' in ' || whole || ' / ' || window_kind || ' from ' || metric_date as subject,
    part, whole, p.lower as part_lower, w.upper as whole_upper
from pairs join totals as p on p.metric = part
join totals as w using ({KEYS_BUT_METRIC})
where w.metric = whole and p.lower is not null and w.upper is not null
order by all
"""

# Raw counts add up at any rate. Buckets split their total (a null one is `unknown`); a null platform is only in it.
MARGINS = """
with links as (
    select * from scope
    where metric in ('link_impressions', 'link_clicks') and inference = 'realised' and wiki_db <> 'all'
), parts as (
    select metric, wiki_db, window_kind, metric_date, as_of_date, element_friendly_name, 'buckets' as margin,
        client_platform_family, sum(observed_numerator) as n_parts
    from links where edit_count_bucket <> 'all' group by all
    union all
    select metric, wiki_db, window_kind, metric_date, as_of_date, element_friendly_name, 'platforms' as margin,
        'all' as client_platform_family, sum(observed_numerator) as n_parts
    from links where edit_count_bucket = 'all' and client_platform_family <> 'all' group by all
)
select as_of_date as event_date,
    wiki_db || ' / ' || metric || ' by ' || margin || ' / ' || element_friendly_name || ' / ' || client_platform_family
        || ' / ' || window_kind || ' from ' || metric_date as subject,
    n_parts, observed_numerator as n_total
from parts join (select * from links where edit_count_bucket = 'all') as total
    using (metric, wiki_db, window_kind, metric_date, as_of_date, element_friendly_name, client_platform_family)
where n_parts is not null and observed_numerator is not null
order by all
"""

# Where the whole window is at 100 %, totals are exact and `all` is their sum; a withheld wiki leaves a gap below it.
WIKI_ALL = """
with counts as (
    select * from scope
    where metric in ('dashboard_pageviews', 'link_impressions', 'link_clicks') and inference = 'realised'
), wikis as (
    select metric, window_kind, metric_date, as_of_date, element_friendly_name, client_platform_family,
        edit_count_bucket, sum(estimate) as wikis_sum, count_if(estimate is null) as n_withheld
    from counts where wiki_db <> 'all' group by all
)
select as_of_date as event_date,
    metric || ' / ' || element_friendly_name || ' / ' || client_platform_family || ' / ' || edit_count_bucket || ' / '
        || window_kind || ' from ' || metric_date as subject,
    estimate as all_wikis, coalesce(wikis_sum, 0) as wikis_sum,
    case when n_withheld = 0 then coalesce(wikis_sum, 0) end as wikis_sum_if_whole
from (select * from counts where wiki_db = 'all' and sampling_rate_min = 1 and estimate is not null)
left join wikis using (metric, window_kind, metric_date, as_of_date, element_friendly_name, client_platform_family,
    edit_count_bucket)
order by all
"""

WIKI_ROWS = """
select cast(asked.as_of_date as date) as event_date, wiki.wiki_db as subject, count(metric_date) as n_dashboard_rows
from asked join marts.dim_wiki as wiki on cast(wiki.visible_from as date) <= asked.as_of_date
left join scope on scope.as_of_date = asked.as_of_date and scope.wiki_db = wiki.wiki_db
    and metric = 'dashboard_pageviews' and window_kind = 'rolling' and window_days = 1
group by all order by all
"""
