-- A number that stands for 1 to 9 users may not be in a mart, and a suppressed row may not carry numbers.
select
    'fct_metric_values' as mart,
    metric,
    wiki_db,
    metric_date,
    as_of_date
from {{ ref('fct_metric_values') }}
where
    {{ is_small('n_users_observed') }}
    or (
        status = 'suppressed'
        and coalesce(
            estimate, lower, upper, observed_numerator, observed_denominator, n_users_observed, n_effective
        ) is not null
    )
union all
select
    'fct_retention' as mart,
    metric,
    wiki_db,
    metric_date,
    as_of_date
from {{ ref('fct_retention') }}
where {{ is_small('n_cohort_observed') }}
union all
select
    'fct_baseline_daily' as mart,
    instrument_name as metric,
    wiki_db,
    event_date as metric_date,
    event_date as as_of_date
from {{ ref('fct_baseline_daily') }}
where {{ is_small('n_visitors_observed') }} or {{ is_small('n_reviewers_observed') }}
union all
select
    'fct_link_engagement_daily' as mart,
    element_friendly_name as metric,
    wiki_db,
    event_date as metric_date,
    event_date as as_of_date
from {{ ref('fct_link_engagement_daily') }}
where {{ is_small('n_users_observed') }}
