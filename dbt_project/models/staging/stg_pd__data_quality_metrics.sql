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
from {{ source('pd', 'data_quality_metrics') }}
