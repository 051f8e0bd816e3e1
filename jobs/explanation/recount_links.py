"""The SQL that counts what is behind a row of a link again: the margins that lead to its cell, and the cell.

Which counts a total or rate is made of stands in `jobs/rows/link_sums.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from jobs.catalogue import Catalogue
from jobs.explanation.counted import COUNTS, DENOMINATOR, NUMERATOR, USERS, Count, Recount, of_wikis
from jobs.explanation.explanation import MetricRow
from jobs.metric import Metric
from jobs.rows.link_sums import RATIOS, TOTALS
from jobs.warehouse.lake_sql import quoted
from jobs.window_sums.tables import ALL


def link_recounts(row: MetricRow, metric: Metric, catalogue: Catalogue, wikis: Sequence[str]) -> list[Recount]:
    """Count the margins that lead to the row's cell, each of which has rows of its own, and then the cell."""
    platform, bucket = row.client_platform_family, row.edit_count_bucket
    chain = [(ALL, ALL)] if catalogue.element(row.element_friendly_name).all_platforms else []
    chain += [(platform, ALL), (platform, bucket)]
    cells = list(dict.fromkeys(chain))
    found = []
    for number, cell in enumerate(cells, 1):
        is_last = number == len(cells)
        found.append(_link_cell(row, metric, wikis, cell, COUNTS if is_last else f"margin_{number}", is_last=is_last))
    return found


def _link_cell(
    row: MetricRow, metric: Metric, wikis: Sequence[str], cell: tuple[str, str], name: str, *, is_last: bool
) -> Recount:
    where = f"{of_wikis(row, wikis)}\n    and element_friendly_name = {quoted(row.element_friendly_name)}"
    for column, value in zip(("client_platform_family", "edit_count_bucket"), cell, strict=True):
        where += "" if value == ALL else f"\n    and {column} = {quoted(value)}"
    clicks, shown = _link_columns(metric)
    product = f"{shown}_sq" if clicks == shown else f"{shown}_{clicks}"
    sums = ["n_impressions", "n_clicks", "n_shown", "n_matched", f"{clicks}_sq", product, f"{shown}_sq"]
    columns = ", ".join(dict.fromkeys(sums))
    sql = f"""with kept as (
  select wiki_db, user_hash, sample_rate, {columns}
  from user_link_days
  where {where}
  union all by name
  select wiki_db, sample_rate, {columns}
  from unit_link_days
  where {where}
),
users as (
  select sum(n_impressions) as impressions, sum(n_clicks) as clicks
  from kept where user_hash is not null
  group by wiki_db, user_hash
)
select
  {_totals(clicks, shown, product)},
  (select count(*) from users where impressions > 0) as shown_users,
  (select count(*) from users where clicks > 0) as click_users,
  (select count(*) from users where impressions > 0 and clicks > 0) as shown_and_click_users
from kept"""
    where_told = " ".join(value for value in cell if value != ALL)
    of = f"{row.element_friendly_name}{', ' + where_told if where_told else ''}"
    counts = _link_counts(metric, of, is_last=is_last)
    return Recount(name, f"events and users of {of}", sql, ("user_link_days", "unit_link_days"), counts)


def _link_columns(metric: Metric) -> tuple[str, str]:
    """Return the counts that numerator and denominator are made of."""
    if metric.metric in RATIOS:
        return RATIOS[metric.metric].clicks, RATIOS[metric.metric].shown
    if metric.metric in TOTALS:
        count = TOTALS[metric.metric].events.removeprefix("n_")
        return count, {"clicks": "impressions"}.get(count, count)
    return "clicks", "impressions"  # of the share of users both are told


def _totals(clicks: str, shown: str, product: str) -> str:
    names = ("impressions", "clicks", "shown", "matched")
    told = [f"cast(coalesce(sum(n_{name}), 0) as bigint) as {name}" for name in names]
    told += [f"sum(n_{clicks} / sample_rate) as weighted_numerator",
             f"sum(n_{shown} / sample_rate) as weighted_denominator"]  # fmt: skip
    told += [f"sum({clicks}_sq) as yy", f"sum({product}) as xy", f"sum({shown}_sq) as xx"]
    return ",\n  ".join(told)


def _link_counts(metric: Metric, of: str, *, is_last: bool) -> tuple[Count, ...]:
    impressions = Count("impressions", f"impressions of {of}", "events", "shown_users")
    shown_users = Count("shown_users", "users shown it", "users", "shown_users")
    clicks = Count("clicks", f"clicks on {of}", "events", "click_users")
    click_users = Count("click_users", "users who clicked it", "users", "click_users")
    if not is_last:
        return impressions, shown_users
    if metric.metric in TOTALS:
        if TOTALS[metric.metric].users == "n_click_users":
            return impressions, shown_users, replace(clicks, role=NUMERATOR), replace(click_users, role=USERS)
        return replace(impressions, role=NUMERATOR), replace(shown_users, role=USERS)
    if metric.metric not in RATIOS:
        both = Count("shown_and_click_users", "of these, users who clicked it", "users", "shown_and_click_users")
        return impressions, replace(shown_users, role=DENOMINATOR), clicks, replace(both, role=NUMERATOR)
    if not RATIOS[metric.metric].is_proportion:
        told = (replace(impressions, role=DENOMINATOR), replace(shown_users, role=USERS))
        return (*told, replace(clicks, role=NUMERATOR), click_users)
    keys = Count("shown", "of these, distinct keys (page view and token)", "impressions", "shown_users", DENOMINATOR)
    matched = Count("matched", "of these, with a click of the same key", "impressions", "click_users", NUMERATOR)
    return impressions, replace(shown_users, role=USERS), keys, matched, click_users
