select
    as_of_date,
    wiki_db,
    band,
    window_days,
    choice,
    alternative,
    n_editors
from {{ source('pd', 'audience_alternatives') }}
