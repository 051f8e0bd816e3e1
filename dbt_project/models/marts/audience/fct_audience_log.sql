select
    as_of_date,
    wiki_db,
    snapshot,
    fate,
    reason,
    n_rows
from {{ ref('stg_pd__audience_log') }}
