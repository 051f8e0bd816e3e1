"""What `marts_difference` asks of two versions of the marts, in DuckDB SQL: `built` is the new file, `live` the other.

Beside them stand, made by `marts_difference`, `asked` and `changed` (the as-of dates whose rows the run computed, the
days whose facts it wrote), `late_days` (days of which other lines were read), `policy_stretches` (days on which
something else is declared, for a wiki or a link) and `of_dumps` (metrics of editors, which a backfill does not touch).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jobs.quality.marts_changes_sql import COMPARED, METRICS, ComparedMart
from jobs.windows import REFERENCE_DAYS, TWO_YEARS

MILESTONES = ComparedMart(
    "fct_milestone_status", ("milestone", "wiki_db", "metric", "as_of_date"), "as_of_date", "asked"
)
MARTS = (*COMPARED, MILESTONES)
CATALOGUE = "dim_metric"
RAREFIED = "dashboard_visitors_rarefied"  # takes the smallest rate of two years, whatever its window

# Another number of lines, or an hour that was missing and is not, or the other way round. A line can make one of a
# later day a duplicate, which reads no line of that day.
LATE_DAYS = """
create temp table late_days as
with hours as (
    select ingest_date as day, hour, coalesce(sum(n_lines) filter (fate <> 'missing_hour'), 0) as n_lines,
        bool_or(fate = 'missing_hour') as is_missing, false as is_built
    from live.marts.fct_ingest_log group by all
    union all
    select ingest_date, hour, coalesce(sum(n_lines) filter (fate <> 'missing_hour'), 0),
        bool_or(fate = 'missing_hour'), true
    from built.marts.fct_ingest_log group by all
), other as (
    select distinct day from (
        select day, hour from hours group by day, hour, n_lines, is_missing having count(*) = 1
    )
), fates as (
    select ingest_date as day, fate, sum(n_lines) as n_lines, false as is_built from live.marts.fct_ingest_log
    where fate in ('kept', 'duplicate') group by all
    union all
    select ingest_date, fate, sum(n_lines), true from built.marts.fct_ingest_log
    where fate in ('kept', 'duplicate') group by all
), judged_again as (
    select distinct day from (select day, fate from fates group by day, fate, n_lines having count(*) = 1)
)
select day from other
union
select judged_again.day from judged_again
where exists (from other where other.day between judged_again.day - {lookback_days} and judged_again.day - 1)
"""


@dataclass(frozen=True)
class Shape:
    """Which columns of a mart say what a row is about; SQL, of a row of either version.

    Attributes:
        is_listed: whether it is told by metric and wiki, with the moves of its estimates, or as a whole.
        wiki: whose declarations concern it; `all` for those of every wiki.
        element: the link, `all` for any.
        start: the first day that it can depend on.
        policy_start: the same for what is declared.
    """

    is_listed: bool = False
    wiki: str = "wiki_db"
    element: str = "'all'"
    start: str = "event_date"
    policy_start: str = ""


# Where an hour was lost, or sessions were sampled, a row also depends on the 28 days that say what the hour could have
# held (`jobs/rows/hourly.py`), or how much a session may hold (`jobs/rows/relatives.py`).
_SHORT = "(not is_complete or (sampling_unit in ('session', 'mixed') and sampling_rate_min < 1))"
_REFERENCE = f"case when {_SHORT} then least(metric_date, as_of_date - {REFERENCE_DAYS - 1}) else metric_date end"
SHAPES = {
    METRICS.name: Shape(
        is_listed=True, element="element_friendly_name", start=_REFERENCE,
        policy_start=f"case when metric = '{RAREFIED}' then as_of_date - {TWO_YEARS.days - 1} else {_REFERENCE} end",
    ),
    "fct_link_engagement_daily": Shape(element="element_friendly_name"),
    "fct_ingest_log": Shape(wiki="'all'", start="ingest_date"),
    "fct_retention": Shape(start=_REFERENCE),
    "fct_self_validation": Shape(start="metric_date"),
    MILESTONES.name: Shape(start="date '0001-01-01'"),  # what was reached once stays so
}  # fmt: skip


_DIFFERENCE = """
with gone as ({live}), come as ({built}), pairs as (
    select coalesce(come._metric, gone._metric) as metric, coalesce(come._counted, gone._counted) as counted,
        coalesce(come._wiki, gone._wiki) as wiki, coalesce(come._element, gone._element) as element,
        least(come._start, gone._start) as start, least(come._policy_start, gone._policy_start) as policy_start,
        coalesce(come.{day}, gone.{day}) as day, gone.{day} is not null as is_before, come.{day} is not null as is_now,
        is_before and is_now and ({gone_values}) is distinct from ({come_values}) as is_changed,
        is_before <> is_now or is_changed as is_different, {statuses}, {move} as move
    from gone full join come on {same}
), abouts as (
    select *, exists (from late_days where late_days.day between start and abouts.day) as is_late, exists (
        from policy_stretches as declared
        where declared.first_day <= abouts.day and declared.last_day >= policy_start
            and (declared.wiki_db in ('*', wiki) or wiki = 'all')
            and (declared.element = '*' or abouts.element in ('all', declared.element, declared.link_group))
    ) as is_policy
    from (select distinct wiki, element, start, policy_start, day from pairs where is_different) as abouts
), caused as (
    select pairs.*, not is_before and known.day is null as is_new_day,
        is_different and not is_new_day and is_late as due_late,
        is_different and not is_new_day and is_policy as due_policy
    from pairs left join (select distinct {day} as day from live.marts.{mart}) as known on known.day = pairs.day
    left join abouts on (abouts.wiki, abouts.element, abouts.start, abouts.policy_start, abouts.day)
        = (pairs.wiki, pairs.element, pairs.start, pairs.policy_start, pairs.day)
), moves as (
    select metric, counted, status_before || ' to ' || status_now || ': ' || count(*) as said, count(*) as n_rows
    from caused where status_before <> status_now group by metric, counted, status_before, status_now
), said as (
    select metric, counted, string_agg(said, '; ' order by n_rows desc, said) as status_changes
    from moves group by metric, counted
)
select '{mart}' as mart, metric, counted as wiki_db, count(*) filter (is_before) as n_before,
    count(*) filter (is_now) as n_now, count(*) filter (not is_before) as n_new, count(*) filter (not is_now) as n_gone,
    count(*) filter (is_changed) as n_changed, count(*) filter (status_before <> status_now) as n_status,
    coalesce(any_value(status_changes), '') as status_changes, count(move) as n_moved, median(move) as median_move,
    max(move) as largest_move, count(*) filter (is_new_day) as n_new_days, count(*) filter (due_late) as n_late_data,
    count(*) filter (due_policy) as n_policy,
    count(*) filter (is_different and not is_new_day and not due_late and not due_policy) as n_code
from caused left join said using (metric, counted)
group by metric, counted order by metric, counted
"""
_MOVE = (
    "case when gone.estimate <> 0 and gone.estimate <> come.estimate then abs(come.estimate / gone.estimate - 1) end"
)


def difference(mart: ComparedMart, columns: Sequence[str]) -> str:
    """Return the SQL of how a mart differs on the days of the run: a line by metric and wiki, or one.

    Args:
        mart: which one.
        columns: all that both versions have, the key among them.
    """
    shape = SHAPES.get(mart.name, Shape())
    rest = [name for name in columns if name not in mart.key]
    statuses = ("gone.status", "come.status") if "status" in columns else ("cast(null as text)",) * 2
    return _DIFFERENCE.format(
        mart=mart.name,
        day=mart.day,
        live=_rows("live", mart, shape),
        built=_rows("built", mart, shape),
        same=" and ".join(f"gone.{name} is not distinct from come.{name}" for name in mart.key if name in columns),
        gone_values=", ".join(f"gone.{name}" for name in rest),
        come_values=", ".join(f"come.{name}" for name in rest),
        statuses=f"{statuses[0]} as status_before, {statuses[1]} as status_now",
        move=_MOVE if shape.is_listed else "cast(null as double)",
    )


def _rows(version: str, mart: ComparedMart, shape: Shape) -> str:
    """Return the rows of a version on the days of the run, with what each is about."""
    metric, counted = ("metric", "wiki_db") if shape.is_listed else ("''", "''")
    own = f"{mart.day} in (select day from {mart.rewritten}) and not ({mart.spared})"
    return f"""
        select *, {metric} as _metric, {counted} as _counted, {shape.wiki} as _wiki, {shape.element} as _element,
            {shape.start} as _start, {shape.policy_start or shape.start} as _policy_start
        from {version}.marts.{mart.name} where {own}
    """


def declared(dimension: str, columns: Sequence[str], cause: str) -> str:
    """Return the SQL of one line: rows of a dimension that only one version has, which a cause is the reason for."""
    gone, come = (f"select {', '.join(columns)} from {name}.marts.{dimension}" for name in ("live", "built"))
    return f"""
        with gone as (select count(*) as n_gone from ({gone} except {come})), come as (
            select count(*) as n_new from ({come} except {gone})
        )
        select '{dimension}' as mart, '' as metric, '' as wiki_db, (select count(*) from ({gone})) as n_before,
            (select count(*) from ({come})) as n_now, come.n_new, gone.n_gone, 0 as n_changed, 0 as n_status,
            '' as status_changes, 0 as n_moved, cast(null as double) as median_move,
            cast(null as double) as largest_move, 0 as n_new_days, 0 as n_late_data,
            {"come.n_new + gone.n_gone" if cause == "policy" else "0"} as n_policy,
            {"come.n_new + gone.n_gone" if cause == "code" else "0"} as n_code
        from gone cross join come
    """
