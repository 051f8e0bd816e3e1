"""What the marts gate asks, in DuckDB SQL: questions about several rows or tables; rules of a single row are dbt's.

They read the marts and, made by `marts_profile`, `scope` (rows of `fct_metric_values` of the run), `asked` (its dates),
`metrics` and `metric_windows` (the catalogue). So no metric is named here.
"""

from __future__ import annotations

# A window is whole if every hour of its days arrived, was readable, and came in each of two streams.
ROWS = """
with arrived as (
    select ingest_date, count(distinct hour) as n_hours
    from marts.fct_ingest_log as log
    where fate = 'kept' and not exists (
        from marts.fct_ingest_log as bad
        where bad.ingest_date = log.ingest_date and bad.hour = log.hour
            and (bad.reason = 'unreadable_file' or bad.fate = 'missing_hour')
    )
    group by all
), windows as (
    select metric_date, as_of_date, coalesce(sum(n_hours), 0) = 24 * (as_of_date - metric_date + 1) as is_whole
    from (select distinct metric_date, as_of_date from scope) left join arrived
        on ingest_date between metric_date and as_of_date
    group by metric_date, as_of_date
), judged as (
    select as_of_date, wiki_db, is_complete is distinct from is_whole as is_wrong,
        metric || ' ' || window_kind || ' from ' || metric_date || ', ' || element_friendly_name || ', '
            || client_platform_family || ', ' || edit_count_bucket || ', ' || inference as example
    from scope join windows using (metric_date, as_of_date)
)
select as_of_date as event_date, wiki_db as subject, count(*) as n_rows,
    count(*) filter (where is_wrong) as n_completeness_wrong,
    coalesce(min(example) filter (where is_wrong), '') as eg_completeness_wrong
from judged
group by all order by all
"""

# Pairs of counts with the same window, of which the catalogue says that the one is a part of the other.
SUBSETS = """
with totals as (
    select * from scope where inference = 'realised' and element_friendly_name = 'all'
        and client_platform_family = 'all' and edit_count_bucket = 'all'
)
select as_of_date as event_date,
    wiki_db || ' / ' || p.metric || ' in ' || w.metric || ' / ' || window_kind || ' from ' || metric_date as subject,
    p.metric as part, w.metric as whole, p.lower as part_lower, w.upper as whole_upper
from metrics join totals as p using (metric)
join totals as w using (wiki_db, window_kind, metric_date, as_of_date)
where w.metric = metrics.part_of and p.lower is not null and w.upper is not null
order by all
"""

# Raw counts add up at any rate. Buckets split their total (a null one is `unknown`); a null platform is only in it.
MARGINS = """
with links as (
    select scope.* from scope join metrics using (metric)
    where family = 'links' and kind = 'count' and inference = 'realised' and wiki_db <> 'all'
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

# Where the whole window is at 100 %, `lower` of a total is what was kept and `all` is their sum (so it is where an hour
# was lost, too); a withheld wiki leaves a gap below it.
WIKI_ALL = """
with counts as (
    select scope.* from scope join metrics using (metric)
    where kind = 'count' and all_wikis and inference = 'realised'
), wikis as (
    select metric, window_kind, metric_date, as_of_date, element_friendly_name, client_platform_family,
        edit_count_bucket, sum(lower) as wikis_sum, count_if(lower is null) as n_withheld
    from counts where wiki_db <> 'all' group by all
)
select as_of_date as event_date,
    metric || ' / ' || element_friendly_name || ' / ' || client_platform_family || ' / ' || edit_count_bucket || ' / '
        || window_kind || ' from ' || metric_date as subject,
    lower as all_wikis, coalesce(wikis_sum, 0) as wikis_sum,
    case when n_withheld = 0 then coalesce(wikis_sum, 0) end as wikis_sum_if_whole
from (select * from counts where wiki_db = 'all' and sampling_rate_min = 1 and lower is not null)
left join wikis using (metric, window_kind, metric_date, as_of_date, element_friendly_name, client_platform_family,
    edit_count_bucket)
order by all
"""

# Totals have a row for every wiki that was visible on all days of the window, measured or not.
WIKIS = """
select asked.as_of_date as event_date,
    wiki.wiki_db || ' / ' || due.metric || ' / ' || due.window_days || ' days' as subject,
    wiki.wiki_db, due.metric, due.window_days, count(scope.metric) as n_rows
from asked cross join metric_windows as due join metrics using (metric)
join marts.dim_wiki as wiki on cast(wiki.visible_from as date) <= asked.as_of_date - due.window_days + 1
left join scope on scope.as_of_date = asked.as_of_date and scope.wiki_db = wiki.wiki_db
    and scope.metric = due.metric and scope.window_kind = due.window_kind and scope.window_days = due.window_days
where family = 'totals' and due.window_kind = 'rolling'
group by all order by all
"""
