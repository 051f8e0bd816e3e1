select
    event_date as ingest_date,
    event_hour as hour,
    fate,
    reason,
    n_lines
from {{ ref('stg_pd__ingest_log') }}
