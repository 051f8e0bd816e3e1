with flagged as (
    select
        alternatives.*,
        {{ is_small('alternatives.n_editors') }} or {{ is_small('audience.n_editors') }} as is_suppressed
    from {{ ref('stg_pd__audience_alternatives') }} as alternatives
    left join {{ ref('stg_pd__audience') }} as audience
        on
            alternatives.as_of_date = audience.as_of_date
            and alternatives.wiki_db = audience.wiki_db
            and alternatives.band = audience.band
            and alternatives.window_days = audience.window_days
            and audience.definition = ''
)

select
    as_of_date,
    wiki_db,
    band,
    window_days,
    choice,
    alternative,
    {{ hide('n_editors', 'is_suppressed') }} as n_editors,
    is_suppressed
from flagged
