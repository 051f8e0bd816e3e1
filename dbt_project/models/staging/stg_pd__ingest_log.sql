select
    event_date,
    event_hour,
    fate,
    reason,
    n_lines
from {{ source('pd', 'ingest_log') }}
