select
    instrument_name,
    wiki_db,
    sample_unit,
    sample_rate,
    1 / nullif(sample_rate, 0) as weight,
    valid_from,
    valid_to
from {{ ref('stg_reference__sampling_policy') }}
