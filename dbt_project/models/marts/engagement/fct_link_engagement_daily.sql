-- The pooled element `review links` is left out: its parts are here, and a sum would count them twice.
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
    where element_friendly_name <> 'review links'
    group by
        event_date,
        wiki_db,
        instrument_name,
        element_friendly_name,
        client_platform_family,
        edit_count_bucket
),

-- Fewer than min_users clicks come from fewer than min_users users, whatever the number of users shown the link. A cell
-- is hidden whole: with its impressions left in, a sum of clicks over a sum of impressions would be too small.
flagged as (
    select
        *,
        has_few_users
        or (has_user_ids and ({{ is_small('n_clicks_observed') }} or {{ is_small('n_matched_observed') }}))
            as is_suppressed
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
    {{ hide('flagged.n_users_observed', 'flagged.is_suppressed') }} as n_users_observed,
    {{ hide('flagged.n_sessions_observed', 'flagged.is_suppressed') }} as n_sessions_observed,
    {{ hide('flagged.n_pageviews_observed', 'flagged.is_suppressed') }} as n_pageviews_observed,
    {{ hide('flagged.n_impressions_observed', 'flagged.is_suppressed') }} as n_impressions_observed,
    {{ hide('flagged.n_impressions_estimate', 'flagged.is_suppressed') }} as n_impressions_estimate,
    {{ hide('flagged.n_clicks_observed', 'flagged.is_suppressed') }} as n_clicks_observed,
    {{ hide('flagged.n_clicks_estimate', 'flagged.is_suppressed') }} as n_clicks_estimate,
    {{ hide('flagged.n_clicks_estimate / nullif(flagged.n_impressions_estimate, 0)', 'flagged.is_suppressed') }}
        as click_through_rate_estimate,
    {{ hide('flagged.n_shown_observed', 'flagged.is_suppressed') }} as n_shown_observed,
    {{ hide('flagged.n_shown_estimate', 'flagged.is_suppressed') }} as n_shown_estimate,
    {{ hide('flagged.n_matched_observed', 'flagged.is_suppressed') }} as n_matched_observed,
    {{ hide('flagged.n_matched_estimate', 'flagged.is_suppressed') }} as n_matched_estimate,
    {{ hide('flagged.n_matched_estimate / nullif(flagged.n_shown_estimate, 0)', 'flagged.is_suppressed') }}
        as click_through_rate_matched_estimate,
    flagged.is_suppressed,
    cast(
        sum(case when flagged.is_suppressed then 1 else 0 end)
            over (partition by flagged.event_date, flagged.wiki_db, flagged.element_friendly_name)
        as int
    ) as n_hidden_cells
from flagged
left join {{ ref('int_link_groups') }} as link_groups
    on flagged.element_friendly_name = link_groups.element_friendly_name
