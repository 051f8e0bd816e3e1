with cohorts as (
    select *
    from {{ ref('fct_metric_values') }}
    where
        window_kind = 'cohort'
        and element_friendly_name = 'all'
        and client_platform_family = 'all'
        and edit_count_bucket = 'all'
),

realised as (
    select * from cohorts
    where inference = 'realised'
),

process as (
    select * from cohorts
    where inference = 'process'
),

flagged as (
    select
        realised.*,
        process.estimate as process_estimate,
        process.lower as process_lower,
        process.upper as process_upper,
        process.status as process_status,
        process.status_reason as process_status_reason,
        windows.n_cohort,
        windows.n_returned,
        realised.status = 'suppressed' or {{ is_small('windows.n_cohort') }} as is_suppressed
    from realised
    left join process
        on
            realised.metric = process.metric
            and realised.wiki_db = process.wiki_db
            and realised.metric_date = process.metric_date
            and realised.as_of_date = process.as_of_date
    left join {{ ref('stg_pd__retention_windows') }} as windows
        on
            realised.metric = windows.metric
            and realised.wiki_db = windows.wiki_db
            and realised.metric_date = windows.metric_date
            and realised.as_of_date = windows.as_of_date
)

select
    metric,
    metric_version,
    wiki_db,
    metric_date,
    as_of_date,
    window_days,
    estimate,
    lower,
    upper,
    status,
    process_estimate,
    process_lower,
    process_upper,
    process_status,
    process_status_reason,
    {{ hide('n_cohort', 'is_suppressed') }} as n_cohort_observed,
    {{ hide('n_returned', 'is_suppressed') }} as n_returned_observed,
    {{ hide('cast(n_returned as double) / nullif(n_cohort, 0)', 'is_suppressed') }} as naive_rate,
    n_effective,
    estimator,
    sampling_unit,
    sampling_rate_min,
    sampling_rate_max,
    status_reason,
    remedy,
    series_break,
    is_complete,
    is_suppressed
from flagged
