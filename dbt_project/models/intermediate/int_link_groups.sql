-- The group of each element.
select
    element_friendly_name,
    min(link_group) as link_group
from {{ ref('stg_reference__vocabulary') }}
group by element_friendly_name
