-- A cohort comes every Monday, so that the newest one closed in the seven days to the newest day; a metric that is no
-- longer measured has none. Eligible editors, by their bands only, are dated by their dumps and are not here.
with newest as (
    select
        wiki_db,
        max(as_of_date) as as_of_date
    from {{ ref('fct_metric_values') }}
    where client_platform_family = 'all' and edit_count_bucket = 'all'
    group by wiki_db
),

latest as (
    select metric_values.*
    from {{ ref('fct_metric_values') }} as metric_values
    inner join newest on metric_values.wiki_db = newest.wiki_db
    where
        metric_values.client_platform_family = 'all'
        and metric_values.edit_count_bucket = 'all'
        and (
            (metric_values.window_kind <> 'cohort' and metric_values.as_of_date = newest.as_of_date)
            or (
                metric_values.window_kind = 'cohort'
                and {{ iso_weekday('metric_values.metric_date') }} = 1
                and metric_values.as_of_date > newest.as_of_date - interval 7 day
            )
        )
)

select
    latest.metric,
    catalogue.name,
    latest.wiki_db,
    latest.window_kind,
    latest.window_days,
    latest.metric_date as window_start,
    latest.as_of_date as window_end,
    latest.element_friendly_name,
    link_groups.link_group,
    latest.inference,
    latest.estimate,
    latest.lower,
    latest.upper,
    catalogue.unit,
    catalogue.kind,
    catalogue.direction,
    latest.status,
    nullif(trim(latest.status_reason), '') as status_reason,
    latest.remedy,
    latest.n_users_observed,
    latest.estimator,
    latest.sampling_unit,
    latest.sampling_rate_min,
    latest.sampling_rate_max,
    latest.series_break,
    latest.is_complete,
    catalogue.definition
from latest
inner join {{ ref('dim_metric') }} as catalogue
    on latest.metric = catalogue.metric
left join {{ ref('int_link_groups') }} as link_groups
    on latest.element_friendly_name = link_groups.element_friendly_name
