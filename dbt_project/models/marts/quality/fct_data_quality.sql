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
    attempt,
    -- Verdicts from before runs were noted have no attempt.
    coalesce(attempt, 0) = max(coalesce(attempt, 0)) over (partition by event_date, gate) as is_latest
from {{ ref('stg_pd__data_quality_metrics') }}
