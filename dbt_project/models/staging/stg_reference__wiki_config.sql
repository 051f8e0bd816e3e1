select
    wiki_db,
    setting,
    value,
    cast(valid_from as timestamp) as valid_from,
    cast(valid_to as timestamp) as valid_to
from {{ source('reference', 'wiki_config') }}
