select
    event_date,
    gate,
    check_id,
    subject,
    severity,
    success,
    observed,
    expected,
    message,
    run_id,
    attempt
from {{ source('pd', 'data_quality_metrics') }}
