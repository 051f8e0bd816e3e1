"""What the marts gate asks of two versions of the marts, in DuckDB SQL: `built` is the new file, `live` the published.

Beside them stand, made by `marts_changes`, `asked` (the as-of dates of the run), `removed` (those that it takes away),
`changed` (the days whose facts it wrote anew), `published_dates` (as-of dates with published rows; none on a first
run), `versions` (versions of metrics that both files know), `due` (what the catalogue says now: metric by window and
inference) and `of_dumps` (metrics of editors, whose rows no run of days writes). So no metric is named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from jobs.windows import REFERENCE_DAYS


@dataclass(frozen=True)
class ComparedMart:
    """A mart whose published rows must stay.

    Attributes:
        name: of the mart.
        key: the columns that tell its rows apart, as dbt tests it.
        day: the column that dates a row.
        rewritten: the table of the days that the run wrote anew, `asked` or `changed`.
        spared: the condition of rows that the run does not write, whatever their day.
    """

    name: str
    key: tuple[str, ...]
    day: str
    rewritten: str
    spared: str = "false"

    @property
    def untouched(self) -> str:
        """The condition of a row that the run had no business with."""
        return (
            f"({self.day} not in (select day from {self.rewritten} union all select day from removed) or {self.spared})"
        )


OF_DUMPS = "metric in (from of_dumps)"
METRICS = ComparedMart(
    "fct_metric_values",
    (
        "metric", "metric_version", "wiki_db", "window_kind", "metric_date", "as_of_date", "element_friendly_name",
        "client_platform_family", "edit_count_bucket", "inference",
    ),
    "as_of_date", "asked", OF_DUMPS,
)  # fmt: skip
COMPARED = (
    METRICS,
    ComparedMart("fct_baseline_daily", ("event_date", "wiki_db", "instrument_name"), "event_date", "changed"),
    ComparedMart(
        "fct_link_engagement_daily",
        (
            "event_date", "wiki_db", "instrument_name", "element_friendly_name", "client_platform_family",
            "edit_count_bucket",
        ),
        "event_date", "changed",
    ),
    ComparedMart("fct_ingest_log", ("ingest_date", "hour", "fate", "reason"), "ingest_date", "changed"),
    ComparedMart(
        "fct_sampling_audit", ("event_date", "wiki_db", "instrument_name", "sample_unit", "declared_rate"),
        "event_date", "changed",
    ),
    ComparedMart("fct_retention", ("metric", "wiki_db", "metric_date"), "as_of_date", "asked"),
    ComparedMart(
        "fct_self_validation", ("wiki_db", "as_of_date", "metric", "metric_date", "rate"), "as_of_date", "asked"
    ),
)  # fmt: skip
_CELL = ("as_of_date", "wiki_db", "band", "window_days")
AUDIENCE = tuple(
    ComparedMart(name, key, "as_of_date", "asked", "true")
    for name, key in (
        ("fct_audience", (*_CELL, "definition")), ("fct_audience_alternatives", (*_CELL, "choice", "alternative")),
        ("fct_audience_log", ("as_of_date", "read_from", "days_read", "wiki_db", "snapshot", "fate", "reason")),
    )
)  # fmt: skip
# Of what an audience leaves alone: all rows of days, and those of editors as of other dates.
BESIDE_AUDIENCE = (
    replace(METRICS, spared=f"not {OF_DUMPS}"),
    *(replace(mart, spared="true") for mart in COMPARED if mart is not METRICS),
    *(replace(mart, spared="false") for mart in AUDIENCE),
)
HIDING = "is_suppressed"
# Made of other rows and of the vocabulary: where they differ, the reason is told elsewhere.
DERIVED = ("link_group", "n_hidden_cells")


def differences(mart: ComparedMart, columns: Sequence[str], condition: str) -> str:
    """Return the SQL of the rows that `live` and `built` do not share: the key, what happened, and `example`.

    Args:
        mart: which one.
        columns: what is compared; both versions have all of it, the key first.
        condition: of the rows that are looked at, the same in both versions.

    Doubles are compared exactly and nulls are equal. `example` tells no number that one version does not show.
    """
    if "metric_version" in columns:  # a version that the catalogue gave up takes its rows with it
        condition += " and (metric, metric_version) in (from versions)"
    listed = ", ".join(columns)
    live, built = (f"select {listed} from {name}.marts.{mart.name} where {condition}" for name in ("live", "built"))
    key = [name for name in mart.key if name in columns]
    same = " and ".join(f"gone.{name} is not distinct from come.{name}" for name in key)
    named = ", ".join(f"coalesce(gone.{name}, come.{name}) as {name}" for name in key)
    changes = ", ".join(_change(name) for name in columns if name not in key)
    return f"""
        with gone as ({live} except {built}), come as ({built} except {live})
        select {named}, come.{mart.day} is null as is_missing, gone.{mart.day} is null as is_new,
            not (is_missing or is_new) and {_is_rehidden(columns, key)} as is_rehidden,
            concat_ws(', ', {", ".join(f"coalesce(gone.{name}, come.{name})" for name in key)}) || ': ' || case
                when is_missing then 'gone' when is_new then 'new' when is_rehidden then 'hidden in one of them'
                else concat_ws('; ', {changes}) end as example
        from gone full join come on {same}
    """


def _is_rehidden(columns: Sequence[str], key: Sequence[str]) -> str:
    """Return the condition of a pair of rows that differ in what they hide, and in nothing that both show."""
    if HIDING not in columns:
        return "false"
    alike = (
        f"(gone.{name} is null or come.{name} is null or gone.{name} = come.{name})"
        for name in columns
        if name not in (*key, HIDING)
    )
    return " and ".join([f"(gone.{HIDING} or come.{HIDING})", *alike])


def _change(name: str) -> str:
    """Say in words what became of one column of a pair of rows; null where nothing did.

    What is null in one version may be hidden there, whatever the row says of itself: the other's number is not told.
    """
    old, new = (f"cast({side}.{name} as text)" for side in ("gone", "come"))
    return f"""
        case when (gone.{name} is null) <> (come.{name} is null) then '{name} is null in one of them'
            when gone.{name} <> come.{name} then '{name} was ' || {old} || ', is ' || {new} end
    """


def published(mart: ComparedMart, columns: Sequence[str]) -> str:
    """Return the SQL of one line: rows of days that the run did not touch, as published and as built."""
    return f"""
        select (select max(day) from asked) as event_date, '{mart.name}' as subject,
            (select count(*) from live.marts.{mart.name} where {mart.untouched}) as n_published,
            count(*) filter (where is_missing) as n_missing, count(*) filter (where is_new) as n_new,
            count(*) filter (where is_rehidden) as n_rehidden,
            count(*) - n_missing - n_new - n_rehidden as n_changed, count(*) - n_rehidden as n_differing,
            coalesce(min(example) filter (where not is_rehidden), '') as eg_differing,
            coalesce(min(example) filter (where is_rehidden), '') as eg_rehidden
        from ({differences(mart, columns, mart.untouched)})
    """


# Rows that were published and computed again: where no day of their window changed, nothing in the data changes them;
# and where an hour was lost, or sessions were sampled, none of the 28 days that say what the hour could have held
# (`jobs/rows/hourly.py`), or how much a session may hold (`jobs/rows/relatives.py`).
RECOMPUTED = f"""
with again as (
    select metric, metric_date, as_of_date, count(*) as n_rows from live.marts.fct_metric_values
    where as_of_date in (select day from asked) and (metric, metric_version) in (from versions) and not {OF_DUMPS}
    group by all
), differing as (
    select metric, metric_date, as_of_date, count(*) as n_differing, min(example) as example
    from ({
    differences(
        METRICS,
        (*METRICS.key, "estimate", "lower", "upper", "status"),
        f"as_of_date in (select day from asked) and as_of_date in (select day from published_dates) and not {OF_DUMPS}",
    )
})
    group by all
), short as (
    select distinct metric_date, as_of_date, true as is_short from live.marts.fct_metric_values
    where not is_complete or (sampling_unit in ('session', 'mixed') and sampling_rate_min < 1)
), windows as (
    select metric_date, as_of_date, exists (
        from changed where day between
            case when is_short then least(metric_date, as_of_date - {REFERENCE_DAYS - 1}) else metric_date end
            and as_of_date
    ) as is_touched
    from (select metric_date, as_of_date from again union select metric_date, as_of_date from differing)
    left join short using (metric_date, as_of_date)
)
select as_of_date as event_date, metric as subject,
    cast(coalesce(sum(n_rows) filter (where not is_touched), 0) as bigint) as n_same_days,
    cast(coalesce(sum(n_differing) filter (where not is_touched), 0) as bigint) as n_unexplained,
    cast(coalesce(sum(n_differing) filter (where is_touched), 0) as bigint) as n_explained,
    coalesce(min(example) filter (where not is_touched), '') as eg_unexplained
from windows join (from again full join differing using (metric, metric_date, as_of_date))
    using (metric_date, as_of_date)
group by all order by all
"""

# A day of which nothing arrived has rows that say so; it is no reason to stand still, and none to be ahead.
FRESHNESS = f"""
with newest as (
    select max(day) as event_date,
        (select max(as_of_date) from built.marts.fct_metric_values where not {OF_DUMPS}) as newest_built,
        (select max(day) from published_dates) as newest_published,
        (
            select max(ingest_date) from built.marts.fct_ingest_log
            where fate <> 'missing_hour' and ingest_date in (select day from changed)
        ) as newest_ingested
    from asked
)
select event_date, 'fct_metric_values' as subject, cast(newest_built as text) as newest_built,
    cast(newest_published as text) as newest_published, cast(newest_ingested as text) as newest_ingested,
    greatest(coalesce(newest_published - newest_built, 0), 0) as n_days_older,
    greatest(coalesce(newest_ingested - newest_built, 0), 0) as n_days_behind
from newest
"""
