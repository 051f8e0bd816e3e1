{%- set columns = {
    '': 'estimate', '_lower': 'lower', '_upper': 'upper', '_status': 'status', '_reason': 'reason',
    '_change': 'change', '_change_lower': 'change_lower', '_change_upper': 'change_upper',
    '_change_reason': 'change_reason',
} -%}
{%- set process_columns = {
    '_process_lower': 'process_lower', '_process_upper': 'process_upper', '_process_status': 'process_status',
    '_process_reason': 'process_reason',
} -%}

select
    wiki_db,
    window_start,
    max(window_end) as window_end,
    min(cast(is_complete as int)) = 1 as is_complete,
    {{ joined_parts('series_break') }} as series_break,
    {{ side_by_side(
        var('wiki_week_metrics'), columns, 'there is no row of it for this week',
        more_columns=process_columns, have_more=var('wiki_week_process_metrics')
    ) }}
from {{ ref('int_metric_weeks') }}
group by wiki_db, window_start
