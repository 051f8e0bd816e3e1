select
    instrument_name,
    role,
    has_user_id,
    cast(valid_from as date) as valid_from,
    cast(valid_to as date) as valid_to
from {{ source('reference', 'instruments') }}
