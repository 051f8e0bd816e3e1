select
    event_date,
    wiki_db,
    instrument_name,
    sample_unit,
    declared_rate,
    n_ids,
    largest_fraction,
    upper_limit,
    n_impossible_pageviews,
    ks_p_value,
    verdict,
    likely_rate
from {{ source('pd', 'sampling_audit') }}
