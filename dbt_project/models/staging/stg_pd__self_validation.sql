select
    wiki_db,
    as_of_date,
    metric,
    metric_date,
    window_days,
    sample_unit,
    rate,
    truth,
    estimate,
    lower,
    upper,
    naive,
    status,
    is_covered
from {{ source('pd', 'self_validation') }}
