select
    event_date,
    wiki_db,
    instrument_name,
    sample_unit,
    sample_rate,
    n_events,
    n_loads,
    n_pageviews,
    n_sessions,
    n_visitors,
    n_reviewers,
    n_review_clicks
from {{ source('pd', 'baseline_daily') }}
