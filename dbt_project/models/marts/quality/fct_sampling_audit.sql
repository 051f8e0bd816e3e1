with flagged as (
    select
        audit.*,
        audit.n_ids > 0 and {{ is_small('users_seen.n_users_at_least') }} as is_suppressed
    from {{ ref('stg_pd__sampling_audit') }} as audit
    left join {{ ref('int_daily_users_seen') }} as users_seen
        on
            audit.event_date = users_seen.event_date
            and audit.wiki_db = users_seen.wiki_db
            and audit.instrument_name = users_seen.instrument_name
)

select
    event_date,
    wiki_db,
    instrument_name,
    sample_unit,
    declared_rate,
    {{ hide('n_ids', 'is_suppressed') }} as n_ids,
    largest_fraction,
    upper_limit,
    {{ hide('n_impossible_pageviews', 'is_suppressed') }} as n_impossible_pageviews,
    ks_p_value,
    verdict,
    likely_rate,
    is_suppressed
from flagged
