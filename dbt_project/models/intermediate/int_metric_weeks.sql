-- A wiki's whole weeks, Monday to Sunday, metric by metric: the realised row, and its change from the week before.
--
-- Interval of the change: MOVER (Zou and Donner 2008), which takes the distance of each limit from its estimate,
--     change - sqrt(below_now^2 + above_before^2), change + sqrt(above_now^2 + below_before^2).
-- Both weeks are taken as independent. Users who came in both make the truth narrower: the interval is conservative. Of
-- a metric with process rows the limits are theirs: only they hold the chance of who came. Counts have realised limits.
with seven_days as (
    select
        *,
        nullif(trim(status_reason), '') as reason,
        {{ stands_at('status_reason') }} as stands_at
    from {{ ref('fct_metric_values') }}
    where
        window_kind = 'rolling'
        and window_days = 7
        and wiki_db <> 'all'
        and element_friendly_name = 'all'
        and client_platform_family = 'all'
        and edit_count_bucket = 'all'
),

realised as (
    select
        *,
        cast(date_trunc('week', metric_date) as date) as week_start,
        case
            when stands_at is null or not {{ is_change_of_sampling_alone('series_break') }} then series_break
        end as what_breaks
    from seven_days
    where inference = 'realised'
),

-- A break on a Monday lies inside of neither week. The windows that begin in a week reach over it.
breaks as (
    select
        metric,
        wiki_db,
        week_start,
        max(what_breaks) as what_breaks
    from realised
    group by metric, wiki_db, week_start
),

weeks as (
    select
        realised.*,
        breaks.what_breaks as break_until_next,
        coalesce(process.inference, realised.inference) as limits_of,
        coalesce(process.status, realised.status) as limits_status,
        process.lower as process_lower,
        process.upper as process_upper,
        process.status as process_status,
        process.reason as process_reason,
        case
            when process.metric is null then realised.estimate - realised.lower else process.estimate - process.lower
        end as below,
        case
            when process.metric is null then realised.upper - realised.estimate else process.upper - process.estimate
        end as above
    from realised
    inner join breaks
        on
            realised.metric = breaks.metric
            and realised.wiki_db = breaks.wiki_db
            and realised.metric_date = breaks.week_start
    left join seven_days as process
        on
            realised.metric = process.metric
            and realised.wiki_db = process.wiki_db
            and realised.metric_date = process.metric_date
            and process.inference = 'process'
),

compared as (
    select
        weeks.*,
        before.below as below_before,
        before.above as above_before,
        weeks.estimate - before.estimate as difference,
        case
            when weeks.estimate is null then 'this week has no number: ' || weeks.status
            when before.metric is null then 'there is no row of the week before'
            when before.estimate is null then 'the week before has no number: ' || before.status
            when coalesce(weeks.what_breaks, before.break_until_next) is not null
                then 'not comparable: ' || coalesce(before.break_until_next, weeks.what_breaks)
            when coalesce(weeks.stands_at, '') <> coalesce(before.stands_at, '')
                then
                    'not comparable: ' || coalesce(weeks.stands_at, 'as sampled') || ', the week before '
                    || coalesce(before.stands_at, 'as sampled')
            when
                weeks.stands_at is null
                and (
                    weeks.sampling_unit <> before.sampling_unit
                    or weeks.sampling_rate_min <> before.sampling_rate_min
                    or weeks.sampling_rate_max <> before.sampling_rate_max
                )
                then 'not comparable: the week before was sampled otherwise'
        end as why_no_change,
        case
            when weeks.below is null
                then 'no interval: the ' || weeks.limits_of || ' row of this week is ' || weeks.limits_status
            when before.below is null
                then 'no interval: the ' || before.limits_of || ' row of the week before is ' || before.limits_status
        end as why_no_interval
    from weeks
    left join weeks as before
        on
            weeks.metric = before.metric
            and weeks.wiki_db = before.wiki_db
            and before.metric_date = weeks.metric_date - interval 7 day
)

select
    metric,
    wiki_db,
    metric_date as window_start,
    as_of_date as window_end,
    estimate,
    lower,
    upper,
    status,
    reason,
    series_break,
    is_complete,
    case when why_no_change is null then difference end as change,
    case
        when why_no_change is null then difference - sqrt(below * below + above_before * above_before)
    end as change_lower,
    case
        when why_no_change is null then difference + sqrt(above * above + below_before * below_before)
    end as change_upper,
    coalesce(why_no_change, why_no_interval) as change_reason,
    process_lower,
    process_upper,
    process_status,
    process_reason
from compared
