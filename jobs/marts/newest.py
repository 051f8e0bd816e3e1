"""Which day is the newest: of what runs of days publish their last, and of eligible editors the audience's own."""

from __future__ import annotations

# An audience may be as of a later day than any event: on that day no other milestone has a window that is not too old.
MILESTONES = """
with last as (
    select
        max(as_of_date) as day,
        coalesce(max(as_of_date) filter (where metric <> 'eligible_editors'), max(as_of_date)) as of_days
    from fct_metric_values
    where as_of_date <= {day}
)
select s.*
from fct_milestone_status as s cross join last
where s.as_of_date = case when s.metric = 'eligible_editors' then last.day else last.of_days end
order by s.due_date, s.milestone, s.wiki_db, s.metric
"""
"""The newest state of each milestone, of days up to `day`, which is a date in SQL."""
