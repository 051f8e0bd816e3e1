select
    as_of_date,
    read_from,
    days_read,
    wiki_db,
    snapshot,
    fate,
    reason,
    n_rows
from {{ source('pd', 'audience_log') }}
