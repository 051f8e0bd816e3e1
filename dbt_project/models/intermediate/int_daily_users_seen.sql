-- A lower limit for the users behind a wiki's day: distinct users of different elements and regimes do not add up, but
-- no day has fewer than its largest cell.
with cells as (
    select
        event_date,
        wiki_db,
        instrument_name,
        n_visitors as n_users
    from {{ ref('stg_pd__baseline_daily') }}
    union all
    select
        event_date,
        wiki_db,
        instrument_name,
        n_reviewers as n_users
    from {{ ref('stg_pd__baseline_daily') }}
    union all
    select
        event_date,
        wiki_db,
        instrument_name,
        n_users
    from {{ ref('stg_pd__engagement_daily') }}
)

select
    event_date,
    wiki_db,
    instrument_name,
    cast(coalesce(max(n_users), 0) as bigint) as n_users_at_least
from cells
group by event_date, wiki_db, instrument_name
