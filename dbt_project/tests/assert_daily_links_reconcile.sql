-- The one-day link metrics and the daily mart count the same kept impressions and clicks, wherever both may show them;
-- the group of review links, which has no rows in the daily mart, is what its links add up to.
with daily as (
    select
        event_date,
        wiki_db,
        element_friendly_name,
        sum(n_impressions_observed) as n_impressions,
        sum(n_clicks_observed) as n_clicks
    from {{ ref('fct_link_engagement_daily') }}
    group by event_date, wiki_db, element_friendly_name
    having not max(cast(is_suppressed as int)) = 1
    union all
    select
        event_date,
        wiki_db,
        link_group as element_friendly_name,
        sum(n_impressions_observed) as n_impressions,
        sum(n_clicks_observed) as n_clicks
    from {{ ref('fct_link_engagement_daily') }}
    where link_group = 'review links'
    group by event_date, wiki_db, link_group
    having not max(cast(is_suppressed as int)) = 1
)

select
    metric_values.metric,
    metric_values.wiki_db,
    metric_values.as_of_date,
    metric_values.element_friendly_name,
    metric_values.observed_numerator,
    daily.n_impressions,
    daily.n_clicks
from {{ ref('fct_metric_values') }} as metric_values
inner join daily
    on
        metric_values.wiki_db = daily.wiki_db
        and metric_values.as_of_date = daily.event_date
        and metric_values.element_friendly_name = daily.element_friendly_name
where
    metric_values.window_days = 1
    and metric_values.client_platform_family = 'all'
    and metric_values.edit_count_bucket = 'all'
    and (
        (metric_values.metric = 'link_impressions' and metric_values.observed_numerator <> daily.n_impressions)
        or (metric_values.metric = 'link_clicks' and metric_values.observed_numerator <> daily.n_clicks)
    )
