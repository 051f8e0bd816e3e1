-- What a run of days computes, and the eligible editors that `pdmetrics audience` counts in dumps.
with metric_values as (
    select * from {{ ref('stg_pd__metric_values') }}
    union all
    select * from {{ ref('stg_pd__audience_values') }}
)

select
    metric_values.metric,
    metric_values.metric_version,
    metric_values.wiki_db,
    metric_values.window_kind,
    metric_values.metric_date,
    metric_values.as_of_date,
    metric_values.window_days,
    metric_values.element_friendly_name,
    metric_values.client_platform_family,
    metric_values.edit_count_bucket,
    metric_values.inference,
    metric_values.estimate,
    metric_values.lower,
    metric_values.upper,
    metric_values.observed_numerator,
    metric_values.observed_denominator,
    metric_values.n_users_observed,
    metric_values.n_effective,
    metric_values.estimator,
    metric_values.sampling_unit,
    metric_values.sampling_rate_min,
    metric_values.sampling_rate_max,
    metric_values.status,
    metric_values.status_reason,
    metric_values.remedy,
    metric_values.series_break,
    metric_values.is_complete
from metric_values
inner join {{ ref('dim_metric') }} as current_metrics
    on
        metric_values.metric = current_metrics.metric
        and metric_values.metric_version = current_metrics.metric_version
