select
    wiki_db,
    domain,
    language,
    pilot,
    enabled_from,
    visible_from
from {{ ref('stg_reference__wikis') }}
