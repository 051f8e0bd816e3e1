-- Of each month the windows that end with its last day, by the contract's definition.
with months as (
    select
        *,
        cast(date_trunc('month', as_of_date) as date) as audience_month
    from {{ ref('fct_audience') }}
    where definition = '' and as_of_date = last_day(as_of_date)
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
    before.snapshot as snapshot_before,
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
        and before.as_of_date = cast(months.audience_month - interval 1 day as date)
