select
    as_of_date,
    read_from,
    days_read,
    wiki_db,
    snapshot,
    fate,
    reason,
    n_rows
from {{ ref('stg_pd__audience_log') }}
