{%- set columns = {
    '': 'estimate', '_lower': 'lower', '_upper': 'upper', '_status': 'status', '_reason': 'reason',
    '_change': 'change', '_change_lower': 'change_lower', '_change_upper': 'change_upper',
    '_change_reason': 'change_reason',
} -%}

select
    wiki_db,
    window_start,
    max(window_end) as window_end,
    min(cast(is_complete as int)) = 1 as is_complete,
    {{ longest('series_break') }} as series_break,
    {{ side_by_side(var('wiki_week_metrics'), columns, 'there is no row of it for this week') }}
from {{ ref('int_metric_weeks') }}
group by wiki_db, window_start
