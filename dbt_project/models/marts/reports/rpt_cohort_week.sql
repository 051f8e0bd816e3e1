{%- set columns = {
    '': 'estimate', '_lower': 'lower', '_upper': 'upper', '_status': 'status', '_reason': 'reason',
    '_process_lower': 'process_lower', '_process_upper': 'process_upper', '_process_status': 'process_status',
    '_process_reason': 'process_reason', '_n_cohort_observed': 'n_cohort_observed',
} -%}

with monday_cohorts as (
    select
        *,
        nullif(trim(status_reason), '') as reason,
        nullif(trim(process_status_reason), '') as process_reason
    from {{ ref('fct_retention') }}
    where {{ iso_weekday('metric_date') }} = 1
)

select
    wiki_db,
    metric_date as window_start,
    max(as_of_date) as window_end,
    min(cast(is_complete as int)) = 1 as is_complete,
    {{ joined_parts('series_break') }} as series_break,
    {{ side_by_side(var('cohort_week_metrics'), columns, 'its window is still open, or it was not measured') }}
from monday_cohorts
group by wiki_db, metric_date
