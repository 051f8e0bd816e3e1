-- First and last day that any mart speaks of.
with days as (
    select
        min(metric_date) as first_date,
        max(as_of_date) as last_date
    from {{ ref('stg_pd__metric_values') }}
    union all
    select
        min(window_start) as first_date,
        max(as_of_date) as last_date
    from {{ ref('stg_pd__audience') }}
    union all
    select
        min(event_date) as first_date,
        max(event_date) as last_date
    from {{ ref('stg_pd__ingest_log') }}
    union all
    select
        min(event_date) as first_date,
        max(event_date) as last_date
    from {{ ref('stg_pd__baseline_daily') }}
    union all
    select
        min(event_date) as first_date,
        max(event_date) as last_date
    from {{ ref('stg_pd__engagement_daily') }}
)

select
    min(first_date) as first_date,
    max(last_date) as last_date
from days
