-- The group of each element, and the pooled element `review links`, which is its own group.
select
    element_friendly_name,
    min(link_group) as link_group
from {{ ref('stg_reference__vocabulary') }}
where element_friendly_name <> 'review links'
group by element_friendly_name
union all
select
    'review links' as element_friendly_name,
    'review links' as link_group
