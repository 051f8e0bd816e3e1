-- The one-day metric and the daily mart count the same kept loads, wherever both may show them.
with daily as (
    select
        event_date,
        wiki_db,
        sum(n_loads_observed) as n_loads
    from {{ ref('fct_baseline_daily') }}
    group by event_date, wiki_db
    having not max(cast(is_suppressed as int)) = 1
)

select
    metric_values.wiki_db,
    metric_values.as_of_date,
    metric_values.observed_numerator,
    daily.n_loads
from {{ ref('fct_metric_values') }} as metric_values
inner join daily
    on
        metric_values.wiki_db = daily.wiki_db
        and metric_values.as_of_date = daily.event_date
where
    metric_values.metric = 'dashboard_pageviews'
    and metric_values.window_days = 1
    and metric_values.observed_numerator <> daily.n_loads
