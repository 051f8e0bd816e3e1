select
    metric,
    wiki_db,
    metric_date,
    as_of_date,
    window_days,
    n_cohort,
    n_returned
from {{ source('pd', 'retention_windows') }}
