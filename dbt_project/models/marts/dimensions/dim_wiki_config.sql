select
    wiki_db,
    setting,
    value,
    valid_from,
    valid_to
from {{ ref('stg_reference__wiki_config') }}
