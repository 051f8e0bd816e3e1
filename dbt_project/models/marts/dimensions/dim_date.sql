with days as (
    {{ days_between(ref('int_data_span'), 'first_date', 'last_date') }}
)

select
    date_day,
    {{ iso_weekday('date_day') }} as iso_weekday,
    {{ iso_weekday('date_day') }} = 1 as is_monday,
    cast(date_trunc('week', date_day) as date) as week_start,
    {{ month_label('date_day') }} as month_label,
    cast(date_trunc('month', date_day) as date) as month_start,
    cast(date_trunc('quarter', date_day) as date) as quarter_start
from days
