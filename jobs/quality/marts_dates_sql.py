"""What the marts gate asks of the dates of a run against those before them, in DuckDB SQL: keys, and statuses.

They read `built`, the new file, and what `marts_changes` makes beside it: `asked`, `due`, `of_dumps` (as in
`marts_changes_sql`). So no metric is named.
"""

from __future__ import annotations

from jobs.quality.marts_changes_sql import OF_DUMPS

# What had a row on the newest earlier date (a week before, where cohorts are weekly) has one now, unless the catalogue,
# the wikis or the life of a link say otherwise. Buckets are left out: there are only those with an event. Editors come
# from edits, and not with every run.
KEYS = f"""
with dates as (
    select as_of_date, lag(as_of_date) over (order by as_of_date) as before
    from (
        select distinct as_of_date from built.marts.fct_metric_values where not {OF_DUMPS} union select day from asked
    )
), pairs as (
    select as_of_date, false as is_weekly, before from dates where as_of_date in (select day from asked)
    union all select day, true, day - 7 from asked
), cells as (
    select metric, wiki_db, window_kind, window_days, element_friendly_name, client_platform_family, inference,
        as_of_date
    from built.marts.fct_metric_values where edit_count_bucket = 'all'
), links as (
    select element_friendly_name as link, measured_from, measured_to from built.marts.dim_instrument_vocabulary
    union all select link_group, measured_from, measured_to from built.marts.dim_instrument_vocabulary
), lives as (
    select link, min(measured_from) as begins, case when count(*) = count(measured_to) then max(measured_to) end as ends
    from links group by link
), wikis as (
    select wiki_db, cast(visible_from as date) as visible_from from built.marts.dim_wiki
    union all select 'all', min(cast(visible_from as date)) from built.marts.dim_wiki
), asked_for as (
    select cells.* exclude (as_of_date), pairs.as_of_date, pairs.before, due.family, due.all_wikis,
        pairs.as_of_date - coalesce(cells.window_days, 1) + 1 as starts,
        case when cells.element_friendly_name <> 'all' then cells.element_friendly_name else due.cohort_of end as link
    from pairs join cells on cells.as_of_date = pairs.before
    join due on due.metric = cells.metric and due.inference = cells.inference and due.window_kind = cells.window_kind
        and due.window_days is not distinct from cells.window_days and due.is_weekly = pairs.is_weekly
), expected as (
    select asked_for.*, link is not null and lives.begins is null as is_unlisted
    from asked_for join wikis using (wiki_db) left join lives using (link)
    where family <> 'audience' and visible_from <= starts and (wiki_db <> 'all' or all_wikis)
        and (lives.begins is null or (lives.begins <= as_of_date and (lives.ends is null or starts < lives.ends)))
), judged as (
    select expected.*, cells.metric is null as is_missing,
        concat_ws(', ', expected.wiki_db, expected.window_kind, expected.window_days || ' days',
            expected.element_friendly_name, expected.client_platform_family, expected.inference) as example
    from expected left join cells
        on cells.metric = expected.metric and cells.wiki_db = expected.wiki_db
        and cells.window_kind = expected.window_kind and cells.window_days is not distinct from expected.window_days
        and cells.element_friendly_name = expected.element_friendly_name
        and cells.client_platform_family = expected.client_platform_family
        and cells.inference = expected.inference and cells.as_of_date = expected.as_of_date
)
select as_of_date as event_date, metric as subject, cast(before as text) as before, count(*) as n_keys,
    count(*) filter (where is_missing and not is_unlisted) as n_missing,
    count(*) filter (where is_missing and is_unlisted) as n_missing_unlisted,
    coalesce(min(example) filter (where is_missing and not is_unlisted), '') as eg_missing,
    coalesce(min(example) filter (where is_missing and is_unlisted), '') as eg_missing_unlisted
from judged
group by all order by all
"""

# Like with like: the same keys at the same rates, on the same weekday. A quarter that has just begun is not the one
# before; a window that lost an hour is `caution` at best for as long as it holds it, which the raw gate has told.
STATUSES = """
with cells as (
    select metric, family, wiki_db, window_kind, window_days, element_friendly_name, client_platform_family, inference,
        as_of_date, status, is_complete, sampling_rate_min, sampling_rate_max
    from built.marts.fct_metric_values join (select distinct metric, family from due) using (metric)
    where edit_count_bucket = 'all'
), pairs as (
    select now.as_of_date, now.wiki_db, now.family, concat_ws(' ', now.window_kind, now.window_days) as window_name,
        now.status, before.status as status_before
    from cells as now join cells as before
        on before.as_of_date = now.as_of_date - 7 and before.metric = now.metric and before.wiki_db = now.wiki_db
        and before.window_kind = now.window_kind and before.window_days is not distinct from now.window_days
        and before.element_friendly_name = now.element_friendly_name
        and before.client_platform_family = now.client_platform_family and before.inference = now.inference
    where now.as_of_date in (select day from asked) and (now.is_complete or not before.is_complete)
        and now.sampling_rate_min is not distinct from before.sampling_rate_min
        and now.sampling_rate_max is not distinct from before.sampling_rate_max
        and (
            now.window_kind <> 'quarter_to_date'
            or date_trunc('quarter', now.as_of_date) = date_trunc('quarter', before.as_of_date)
        )
), grouped as (
    from pairs
    union all select * replace ('every wiki' as wiki_db) from pairs where wiki_db <> 'all'
)
select as_of_date as event_date, wiki_db || ' / ' || family || ' / ' || window_name as subject, count(*) as n_rows,
    avg(cast(status_before = 'publish' as int)) as publish_before, avg(cast(status = 'publish' as int)) as publish_now,
    avg(cast(status_before = 'not_measured' as int)) as not_measured_before,
    avg(cast(status = 'not_measured' as int)) as not_measured_now,
    round(publish_before - publish_now, 9) as publish_fall,
    round(not_measured_now - not_measured_before, 9) as not_measured_rise
from grouped
group by as_of_date, wiki_db, family, window_name
having n_rows >= {min_rows}
order by all
"""
