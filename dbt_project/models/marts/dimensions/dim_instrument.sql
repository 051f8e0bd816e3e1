select
    instrument_name,
    role,
    has_user_id,
    valid_from,
    valid_to
from {{ ref('stg_reference__instruments') }}
