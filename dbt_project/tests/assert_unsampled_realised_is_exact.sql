-- Where nothing in the window was sampled, what did happen is known: the interval is a point.
select
    metric,
    wiki_db,
    metric_date,
    as_of_date,
    element_friendly_name,
    client_platform_family,
    edit_count_bucket,
    estimate,
    lower,
    upper
from {{ ref('fct_metric_values') }}
where
    inference = 'realised'
    and sampling_rate_min = 1
    and estimate is not null
    and (lower <> estimate or upper <> estimate)
