-- What fct_metric_values hides, the truth column here must not give away; nor what it hid under an earlier version of
-- the metric, whose rows it does not show any more. Where min_users was raised since, counts are judged by themselves.
with hidden as (
    select distinct
        metric,
        wiki_db,
        metric_date,
        as_of_date
    from {{ ref('stg_pd__metric_values') }}
    where
        status = 'suppressed'
        and element_friendly_name = 'all'
        and client_platform_family = 'all'
        and edit_count_bucket = 'all'
),

flagged as (
    select
        validation.*,
        hidden.metric is not null
        or (
            coalesce(metrics.kind = 'count', false)
            and ({{ is_small('validation.truth') }} or {{ is_small('validation.naive') }})
        ) as is_suppressed
    from {{ ref('stg_pd__self_validation') }} as validation
    left join {{ ref('dim_metric') }} as metrics
        on validation.metric = metrics.metric
    left join hidden
        on
            validation.metric = hidden.metric
            and validation.wiki_db = hidden.wiki_db
            and validation.metric_date = hidden.metric_date
            -- A row is dated by the Monday that computed it; a cohort closed up to six days before.
            and validation.metric_date + (validation.window_days - 1) = hidden.as_of_date
)

select
    wiki_db,
    as_of_date,
    metric,
    metric_date,
    window_days,
    sample_unit,
    rate,
    {{ hide('truth', 'is_suppressed') }} as truth,
    {{ hide('estimate', 'is_suppressed') }} as estimate,
    {{ hide('lower', 'is_suppressed') }} as lower,
    {{ hide('upper', 'is_suppressed') }} as upper,
    {{ hide('naive', 'is_suppressed') }} as naive,
    {{ hide('estimate - truth', 'is_suppressed') }} as estimate_error,
    {{ hide('naive - truth', 'is_suppressed') }} as naive_error,
    status,
    is_covered,
    is_suppressed
from flagged
