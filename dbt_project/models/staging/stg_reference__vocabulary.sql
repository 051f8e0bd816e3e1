select
    element_friendly_name,
    link_group,
    client_platform_family,
    cast(measured_from as date) as measured_from,
    cast(measured_to as date) as measured_to,
    reason
from {{ source('reference', 'vocabulary') }}
