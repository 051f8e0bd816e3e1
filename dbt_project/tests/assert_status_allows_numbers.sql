-- Which numbers a row shows follows from its status: all three, an interval without an estimate, or none; a suppressed
-- row does not say either what is behind it.
select
    metric,
    wiki_db,
    metric_date,
    as_of_date,
    element_friendly_name,
    inference,
    status,
    estimate,
    lower,
    upper
from {{ ref('fct_metric_values') }}
where
    (status in ('publish', 'caution') and (estimate is null or lower is null or upper is null))
    or (status = 'bounds_only' and (estimate is not null or lower is null or upper is null))
    or (
        status in ('not_measured', 'suppressed', 'not_estimable')
        and coalesce(estimate, lower, upper) is not null
    )
    or (
        status = 'suppressed'
        and coalesce(observed_numerator, observed_denominator, n_users_observed, n_effective) is not null
    )
