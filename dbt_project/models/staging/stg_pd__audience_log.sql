select
    as_of_date,
    wiki_db,
    snapshot,
    fate,
    reason,
    n_rows
from {{ source('pd', 'audience_log') }}
