-- Of each month the windows that end last, by the contract's definition.
with dated as (
    select
        *,
        cast(date_trunc('month', as_of_date) as date) as audience_month,
        max(as_of_date)
            over (partition by wiki_db, band, window_days, cast(date_trunc('month', as_of_date) as date))
            as last_in_month
    from {{ ref('fct_audience') }}
    where definition = ''
),

months as (
    select * from dated
    where as_of_date = last_in_month
)

select
    months.audience_month as month,
    months.wiki_db,
    months.band,
    months.window_days,
    months.window_start,
    months.as_of_date as window_end,
    months.snapshot,
    months.n_editors,
    months.n_editors - before.n_editors as change_from_month_before,
    months.growth_exponent,
    months.projected_days,
    months.projected,
    months.projected_lower,
    months.projected_upper
from months
left join months as before
    on
        months.wiki_db = before.wiki_db
        and months.band = before.band
        and months.window_days = before.window_days
        and before.audience_month = cast(date_trunc('month', months.audience_month - interval 1 day) as date)
