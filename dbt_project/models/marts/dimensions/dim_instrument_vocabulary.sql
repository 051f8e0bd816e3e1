select
    element_friendly_name,
    link_group,
    client_platform_family,
    measured_from,
    measured_to,
    reason
from {{ ref('stg_reference__vocabulary') }}
