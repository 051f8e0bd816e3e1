with cells as (
    select
        event_date,
        wiki_db,
        instrument_name,
        element_friendly_name,
        client_platform_family,
        edit_count_bucket,
        {{ unit_over_regimes() }} as sampling_unit,
        min(sample_rate) as sampling_rate_min,
        max(sample_rate) as sampling_rate_max,
        count(*) as n_regimes,
        {{ distinct_over_regimes('nullif(n_users, 0)') }} as n_users_observed,
        {{ distinct_over_regimes('n_sessions') }} as n_sessions_observed,
        cast(sum(n_pageviews) as bigint) as n_pageviews_observed,
        cast(sum(n_impressions) as bigint) as n_impressions_observed,
        cast(sum(n_clicks) as bigint) as n_clicks_observed,
        cast(sum(n_shown) as bigint) as n_shown_observed,
        cast(sum(n_matched) as bigint) as n_matched_observed,
        {{ weighted_total('n_impressions') }} as n_impressions_estimate,
        {{ weighted_total('n_clicks') }} as n_clicks_estimate,
        {{ weighted_total('n_shown') }} as n_shown_estimate,
        {{ weighted_total('n_matched') }} as n_matched_estimate,
        {{ is_small_over_regimes('n_users') }} as has_few_users,
        coalesce(max(n_users) > 0, false) as has_user_ids
    from {{ ref('stg_pd__engagement_daily') }}
    group by
        event_date,
        wiki_db,
        instrument_name,
        element_friendly_name,
        client_platform_family,
        edit_count_bucket
),

-- Fewer than min_users clicks come from fewer than min_users users, whatever the number of users shown the link.
flagged as (
    select
        *,
        has_few_users or (has_user_ids and {{ is_small('n_clicks_observed') }}) as has_few_clicks,
        has_few_users or (has_user_ids and {{ is_small('n_matched_observed') }}) as has_few_matched
    from cells
)

select
    flagged.event_date,
    flagged.wiki_db,
    flagged.instrument_name,
    flagged.element_friendly_name,
    link_groups.link_group,
    flagged.client_platform_family,
    flagged.edit_count_bucket,
    flagged.sampling_unit,
    flagged.sampling_rate_min,
    flagged.sampling_rate_max,
    cast(flagged.n_regimes as int) as n_regimes,
    {{ hide('flagged.n_users_observed', 'flagged.has_few_users') }} as n_users_observed,
    {{ hide('flagged.n_sessions_observed', 'flagged.has_few_users') }} as n_sessions_observed,
    {{ hide('flagged.n_pageviews_observed', 'flagged.has_few_users') }} as n_pageviews_observed,
    {{ hide('flagged.n_impressions_observed', 'flagged.has_few_users') }} as n_impressions_observed,
    {{ hide('flagged.n_impressions_estimate', 'flagged.has_few_users') }} as n_impressions_estimate,
    {{ hide('flagged.n_clicks_observed', 'flagged.has_few_clicks') }} as n_clicks_observed,
    {{ hide('flagged.n_clicks_estimate', 'flagged.has_few_clicks') }} as n_clicks_estimate,
    {{ hide('flagged.n_clicks_estimate / nullif(flagged.n_impressions_estimate, 0)', 'flagged.has_few_clicks') }}
        as click_through_rate_estimate,
    {{ hide('flagged.n_shown_observed', 'flagged.has_few_users') }} as n_shown_observed,
    {{ hide('flagged.n_shown_estimate', 'flagged.has_few_users') }} as n_shown_estimate,
    {{ hide('flagged.n_matched_observed', 'flagged.has_few_matched') }} as n_matched_observed,
    {{ hide('flagged.n_matched_estimate', 'flagged.has_few_matched') }} as n_matched_estimate,
    {{ hide('flagged.n_matched_estimate / nullif(flagged.n_shown_estimate, 0)', 'flagged.has_few_matched') }}
        as click_through_rate_matched_estimate,
    flagged.has_few_users or flagged.has_few_clicks or flagged.has_few_matched as is_suppressed
from flagged
left join {{ ref('int_link_groups') }} as link_groups
    on flagged.element_friendly_name = link_groups.element_friendly_name
