select
    event_date,
    gate,
    check_id,
    subject,
    severity,
    success,
    observed,
    expected,
    message
from {{ ref('stg_pd__data_quality_metrics') }}
