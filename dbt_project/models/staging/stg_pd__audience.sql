select
    as_of_date,
    wiki_db,
    band,
    window_days,
    window_start,
    snapshot,
    definition,
    n_editors,
    n_new_to_band,
    n_left_band,
    growth_exponent,
    projected_days,
    projected,
    projected_lower,
    projected_upper
from {{ source('pd', 'audience') }}
