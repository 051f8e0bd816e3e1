-- The exponent gives the number of one window back from that of the other, the next shorter one of the same snapshot:
-- neither it nor what follows from it is shown where one of them is too small.
with flagged as (
    select
        *,
        {{ is_small('n_editors') }} as is_few,
        lead({{ is_small('n_editors') }})
            over (partition by as_of_date, wiki_db, band, definition, snapshot order by window_days desc)
            as is_shorter_few
    from {{ ref('stg_pd__audience') }}
),

hidden as (
    select
        *,
        is_few or {{ is_small('n_new_to_band') }} as hides_new,
        is_few or {{ is_small('n_left_band') }} as hides_left,
        (is_few or coalesce(is_shorter_few, false)) and coalesce(growth_exponent, projected) is not null as hides_growth
    from flagged
)

select
    as_of_date,
    wiki_db,
    band,
    window_days,
    definition,
    window_start,
    snapshot,
    read_from,
    read_to,
    days_read,
    {{ hide('n_editors', 'is_few') }} as n_editors,
    {{ hide('n_new_to_band', 'hides_new') }} as n_new_to_band,
    {{ hide('n_left_band', 'hides_left') }} as n_left_band,
    {{ hide('growth_exponent', 'hides_growth') }} as growth_exponent,
    {{ hide('projected_days', 'hides_growth') }} as projected_days,
    {{ hide('projected', 'hides_growth') }} as projected,
    {{ hide('projected_lower', 'hides_growth') }} as projected_lower,
    {{ hide('projected_upper', 'hides_growth') }} as projected_upper,
    hides_new or hides_left or hides_growth as is_suppressed
from hidden
