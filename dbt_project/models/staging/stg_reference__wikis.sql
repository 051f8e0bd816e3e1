select
    wiki_db,
    domain,
    language,
    pilot,
    cast(enabled_from as date) as enabled_from,
    cast(visible_from as date) as visible_from
from {{ source('reference', 'wikis') }}
