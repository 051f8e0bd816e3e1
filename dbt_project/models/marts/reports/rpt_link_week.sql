{%- set columns = {
    '': 'estimate', '_lower': 'lower', '_upper': 'upper', '_status': 'status', '_reason': 'reason',
} -%}

-- The rows are those of whole weeks, whose own users decide what is hidden; sums over days would leave out small days.
with pooled as (
    select distinct link_group
    from {{ ref('int_link_groups') }}
),

link_weeks as (
    select
        metric_values.*,
        nullif(trim(metric_values.status_reason), '') as reason,
        link_groups.link_group,
        metric_values.wiki_db = 'all'
        or pooled.link_group is not null
        or (
            metric_values.client_platform_family <> 'all'
            and max(cast(metric_values.client_platform_family = 'all' as int))
                over (
                    partition by metric_values.wiki_db, metric_values.element_friendly_name, metric_values.metric_date
                )
            = 1
        ) as is_counted_elsewhere
    from {{ ref('fct_metric_values') }} as metric_values
    left join {{ ref('int_link_groups') }} as link_groups
        on metric_values.element_friendly_name = link_groups.element_friendly_name
    left join pooled
        on metric_values.element_friendly_name = pooled.link_group
    where
        metric_values.window_kind = 'rolling'
        and metric_values.window_days = 7
        and {{ iso_weekday('metric_values.metric_date') }} = 1
        and metric_values.inference = 'realised'
        and metric_values.element_friendly_name <> 'all'
        and metric_values.edit_count_bucket = 'all'
)

select
    wiki_db,
    element_friendly_name,
    link_group,
    client_platform_family,
    is_counted_elsewhere,
    metric_date as window_start,
    max(as_of_date) as window_end,
    min(cast(is_complete as int)) = 1 as is_complete,
    {{ joined_parts('series_break') }} as series_break,
    {{ side_by_side(var('link_week_metrics'), columns, 'it is not given here') }}
from link_weeks
group by wiki_db, element_friendly_name, link_group, client_platform_family, is_counted_elsewhere, metric_date
