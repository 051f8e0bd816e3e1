with wiki_days as (
    select
        event_date,
        wiki_db,
        instrument_name,
        {{ unit_over_regimes() }} as sampling_unit,
        min(sample_rate) as sampling_rate_min,
        max(sample_rate) as sampling_rate_max,
        count(*) as n_regimes,
        cast(sum(n_events) as bigint) as n_events_observed,
        cast(sum(n_loads) as bigint) as n_loads_observed,
        {{ weighted_total('n_loads') }} as n_loads_estimate,
        cast(sum(n_pageviews) as bigint) as n_pageviews_observed,
        {{ weighted_total('n_pageviews') }} as n_pageviews_estimate,
        {{ distinct_over_regimes('n_sessions') }} as n_sessions_observed,
        {{ distinct_over_regimes('n_visitors') }} as n_visitors_observed,
        {{ distinct_over_regimes('n_reviewers') }} as n_reviewers_observed,
        cast(sum(n_review_clicks) as bigint) as n_review_clicks_observed,
        {{ weighted_total('n_review_clicks') }} as n_review_clicks_estimate,
        {{ is_small_over_regimes('n_visitors') }} as has_few_visitors,
        {{ is_small_over_regimes('n_reviewers') }} as has_few_reviewers
    from {{ ref('stg_pd__baseline_daily') }}
    group by event_date, wiki_db, instrument_name
),

flagged as (
    select
        wiki_days.*,
        wiki_days.n_events_observed > 0 and {{ is_small('users_seen.n_users_at_least') }} as has_few_users
    from wiki_days
    inner join {{ ref('int_daily_users_seen') }} as users_seen
        on
            wiki_days.event_date = users_seen.event_date
            and wiki_days.wiki_db = users_seen.wiki_db
            and wiki_days.instrument_name = users_seen.instrument_name
)

select
    event_date,
    wiki_db,
    instrument_name,
    sampling_unit,
    sampling_rate_min,
    sampling_rate_max,
    cast(n_regimes as int) as n_regimes,
    {{ hide('n_events_observed', 'has_few_users') }} as n_events_observed,
    {{ hide('n_loads_observed', 'has_few_visitors') }} as n_loads_observed,
    {{ hide('n_loads_estimate', 'has_few_visitors') }} as n_loads_estimate,
    {{ hide('n_pageviews_observed', 'has_few_visitors') }} as n_pageviews_observed,
    {{ hide('n_pageviews_estimate', 'has_few_visitors') }} as n_pageviews_estimate,
    {{ hide('n_sessions_observed', 'has_few_visitors') }} as n_sessions_observed,
    {{ hide('n_visitors_observed', 'has_few_visitors') }} as n_visitors_observed,
    {{ hide('n_reviewers_observed', 'has_few_reviewers') }} as n_reviewers_observed,
    {{ hide('n_review_clicks_observed', 'has_few_reviewers') }} as n_review_clicks_observed,
    {{ hide('n_review_clicks_estimate', 'has_few_reviewers') }} as n_review_clicks_estimate,
    has_few_users or has_few_visitors or has_few_reviewers as is_suppressed
from flagged
