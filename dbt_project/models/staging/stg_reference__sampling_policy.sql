select
    instrument_name,
    wiki_db,
    sample_unit,
    sample_rate,
    cast(valid_from as timestamp) as valid_from,
    cast(valid_to as timestamp) as valid_to
from {{ source('reference', 'sampling_policy') }}
