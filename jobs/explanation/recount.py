"""The SQL that counts what is behind a row again, in the tables of the lake: aggregates only, no user is ever selected.

What a metric counts follows from the catalogue: its family, its unit, its elements, the days of its cohort.
Links: `recount_links.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from jobs.catalogue import Catalogue
from jobs.explanation.counted import (
    COUNTS,
    DENOMINATOR,
    EVENTS,
    NUMERATOR,
    USERS,
    Count,
    Recount,
    cohort_days,
    in_window,
    of_wikis,
)
from jobs.explanation.explanation import MetricRow
from jobs.explanation.recount_links import link_recounts
from jobs.metric import Metric
from jobs.warehouse.lake_sql import quoted


def lines_sql(row: MetricRow) -> str:
    """Count the lines of the window by fate and reason."""
    return (
        "select fate, coalesce(reason, '') as reason, cast(sum(n_lines) as bigint) as n_lines\n"
        f"from ingest_log\nwhere {in_window(row)}\ngroup by all\norder by fate, n_lines desc, reason"
    )


def hours_sql(row: MetricRow) -> str:
    """List the days of the window that have input, with the hours of each that are missing or damaged."""
    lost = "fate = 'missing_hour' or reason = 'unreadable_file'"
    return (
        f"select event_date, list_sort(list(distinct event_hour) filter (where {lost})) as lost_hours\n"
        f"from ingest_log\nwhere {in_window(row)}\ngroup by event_date\n"
        "having count(*) filter (where fate = 'kept') > 0\norder by event_date"
    )


def regimes_sql(row: MetricRow, wikis: Sequence[str]) -> str:
    """List the units and rates that kept events of the window carry."""
    return (
        "select distinct instrument_name, sample_unit, sample_rate\nfrom baseline_daily\n"
        f"where {of_wikis(row, wikis)}\norder by all"
    )


def senders_sql(element: str) -> str:
    """List the instruments that sent an element, by wiki, with the day of the first sight."""
    return (
        "select wiki_db, instrument_name, min(event_date) as first_day\nfrom engagement_daily\n"
        f"where element_friendly_name = {quoted(element)}\ngroup by all"
    )


def recounts(row: MetricRow, metric: Metric, catalogue: Catalogue, wikis: Sequence[str]) -> tuple[Recount, ...]:
    """Return what is counted for a row: the events of its wikis, then filter by filter what the metric counts.

    Args:
        row: the published row.
        metric: its metric.
        catalogue: tells which links have rows of all platforms.
        wikis: the wiki, or the members of wiki `all`.
    """
    events = _events(row, wikis)
    if metric.family == "links":
        return (events, *link_recounts(row, metric, catalogue, wikis))
    if metric.seen is not None:
        return events, _cohort(row, metric, wikis)
    if metric.unit == "visits per visit":
        return events, _pairs(row, metric, wikis)
    return events, _visits(row, metric, wikis)


def _events(row: MetricRow, wikis: Sequence[str]) -> Recount:
    where = of_wikis(row, wikis)
    sql = f"""with users as (
  select wiki_db, user_hash
  from user_days
  where {where}
  union
  select wiki_db, user_hash
  from user_link_days
  where {where}
)
select
  cast(coalesce(sum(n_events), 0) as bigint) as events,
  (select count(*) from users) as users
from baseline_daily
where {where}"""
    name = row.wiki_db if len(wikis) == 1 else f"{len(wikis)} wikis"
    counts = (Count("events", f"kept events of {name}, all instruments", "events", "users"),)
    return Recount(EVENTS, "events of the window", sql, ("baseline_daily", "user_days", "user_link_days"), counts)


def _visits(row: MetricRow, metric: Metric, wikis: Sequence[str]) -> Recount:
    sql = f"""with users as (
  select
    wiki_db, user_hash,
    sum(n_loads) as loads, sum(n_loads / sample_rate) as weighted, sum(loads_sq) as squares,
    count(distinct event_date) filter (where n_review_clicks > 0) as review_days
  from user_days
  where {of_wikis(row, wikis)}
  group by wiki_db, user_hash
)
select
  cast(coalesce(sum(loads), 0) as bigint) as loads,
  count(*) filter (where loads > 0) as visitors,
  count(*) filter (where review_days > 0) as reviewers,
  count(*) filter (where loads > 0 and review_days >= 2) as two_day_reviewers,
  sum(weighted) as weighted_numerator,
  sum(squares) as yy
from users"""
    return Recount(COUNTS, "loads and users of the window", sql, ("user_days",), _visit_counts(metric))


def _visit_counts(metric: Metric) -> tuple[Count, ...]:
    """Tell what a metric of the dashboard counts, by its unit."""
    loads = Count("loads", "loads of the dashboard", "loads", "visitors")
    visitors = Count("visitors", "distinct users with a load", "users", "visitors")
    reviewers = Count("reviewers", "distinct users with a click on a review link", "users", "reviewers")
    two_days = Count("two_day_reviewers", "of those with a load: clicks on two days", "users", "two_day_reviewers")
    if metric.unit == "pageviews":
        return (replace(loads, role=NUMERATOR), replace(visitors, role=USERS))
    if metric.unit == "pageviews per user":
        return (replace(visitors, role=DENOMINATOR), replace(loads, role=NUMERATOR))
    if metric.unit == "share of users":
        return (loads, replace(visitors, role=DENOMINATOR), reviewers, replace(two_days, role=NUMERATOR))
    if metric.elements is not None:
        return (loads, visitors, replace(reviewers, role=NUMERATOR))
    return loads, replace(visitors, role=NUMERATOR)


def _pairs(row: MetricRow, metric: Metric, wikis: Sequence[str]) -> Recount:
    where = of_wikis(row, wikis)
    sql = f"""with sessions as (
  select wiki_db, user_hash, sample_rate, unnest(sessions) as s
  from user_days
  where {where} and sample_unit = 'session'
),
units as (
  select wiki_db, user_hash, n_pageviews as k
  from user_days
  where {where} and sample_unit = 'pageview'
  union all
  select wiki_db, user_hash, count(distinct (sample_rate, s.session_hash)) as k
  from sessions where s.n_loads > 0
  group by wiki_db, user_hash
),
users as (select sum(k) as k from units group by wiki_db, user_hash)
select
  count(*) filter (where k > 0) as visitors,
  cast(coalesce(sum(k), 0) as bigint) as visits,
  cast(coalesce(sum(k * (k - 1)), 0) as bigint) as pairs
from users"""
    counts = (
        Count("visitors", "distinct users with a load", "users", "visitors", USERS),
        Count("visits", f"{metric.denominator.lower()} (what is sampled: loads, or sessions with one)", "visits",
              "visitors", DENOMINATOR),
        Count("pairs", metric.numerator.lower(), "pairs", "visitors", NUMERATOR),
    )  # fmt: skip
    return Recount(COUNTS, "visits of the window by user", sql, ("user_days",), counts)


def _cohort(row: MetricRow, metric: Metric, wikis: Sequence[str]) -> Recount:
    seen, returned = cohort_days(metric, row)
    in_seen, in_returned = (f"event_date between date '{a}' and date '{b}'" for a, b in (seen, returned))
    shown = "false as is_shown"
    days = ""
    if metric.elements is not None:
        days = f"""
  union
  select wiki_db, user_hash, event_date, false as is_load
  from user_link_days
  where {of_wikis(row, wikis)}
    and element_friendly_name = {quoted(metric.elements)} and n_shown > 0"""
        shown = f"bool_or(not is_load and {in_seen}) as is_shown"
    sql = f"""with days as (
  select wiki_db, user_hash, event_date, true as is_load
  from user_days
  where {of_wikis(row, wikis)} and n_loads > 0{days}
),
users as (
  select
    bool_or(is_load and {in_seen}) as is_visitor,
    bool_or(is_load and {in_returned}) as is_back,
    {shown}
  from days
  group by wiki_db, user_hash
)
select
  count(*) filter (where is_visitor) as visitors,
  count(*) filter (where is_visitor and is_back) as returned,
  count(*) filter (where is_shown) as shown,
  count(*) filter (where is_shown and is_visitor and is_back) as shown_and_returned
from users"""
    tables = ("user_days",) if metric.elements is None else ("user_days", "user_link_days")
    return Recount(COUNTS, "users of the cohort", sql, tables, _cohort_counts(row, metric))


def _cohort_counts(row: MetricRow, metric: Metric) -> tuple[Count, ...]:
    """Tell a cohort and who of it came back."""
    first, second = ((f"{a}..{b}" if b > a else str(a)) for a, b in cohort_days(metric, row))
    if metric.elements is None:
        return (
            Count("visitors", f"the cohort: users with a load on {first}", "users", "visitors", DENOMINATOR),
            Count("returned", f"of these, with a load on {second}", "users", "returned", NUMERATOR),
        )
    loads = f"of these, with a load on {first} and another on {second}"
    return (
        Count("shown", f"the cohort: users shown {metric.elements} on {first}", "users", "shown", DENOMINATOR),
        Count("shown_and_returned", loads, "users", "shown_and_returned", NUMERATOR),
    )
