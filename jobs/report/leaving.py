"""What may leave the house: the cells and small tables of the published marts that a report may show.

The marts are for people inside. Here is decided what everybody may see, and nothing else reaches a page
(docs/privacy.md): windows of 7 and 28 days that begin on a Monday, cohorts of Mondays, and daily counts of the
dashboard itself once their week has closed; links by element and platform, without buckets. Which of these cells are
hidden, `disclosure.hide` says; what of the other tables may be shown, `cells_beside`; of eligible editors,
`cells_audience`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from jobs.catalogue import Catalogue, load_catalogue
from jobs.marts.read import fetch_arrow
from jobs.report import cells_beside
from jobs.report.cells_audience import audience
from jobs.report.cells_digits import as_written
from jobs.report.cells_windows import LONG, WEEK
from jobs.report.disclosure import INSIDE, NUMBERS, hide
from jobs.warehouse.runs import Warehouse

# A week leaves as a whole: its days, and cohorts that begin in it, wait for its Sunday. Eligible editors, which have
# bands for buckets, may be counted as of later days than any event is of.
CELLS = f"""
with last as (select max(as_of_date) as day from fct_metric_values where edit_count_bucket = 'all')
select v.* exclude (metric_date, as_of_date), v.metric_date as window_start, v.as_of_date as window_end,
    case when element_friendly_name <> 'all'
        then coalesce(groups.link_group, named.link_group, 'other links') end as link_group
from fct_metric_values as v
cross join last
left join (
    select element_friendly_name, min(link_group) as link_group from dim_instrument_vocabulary group by all
) as groups using (element_friendly_name)
left join (select distinct link_group from dim_instrument_vocabulary) as named
    on named.link_group = v.element_friendly_name
where edit_count_bucket = 'all' and date_trunc('week', metric_date) + interval 6 day <= last.day
    and case window_kind
        when 'rolling' then window_days in ({WEEK}, {LONG}) and isodow(metric_date) = 1
            or window_days = 1 and list_contains(?, metric)
        when 'cohort' then isodow(metric_date) = 1
        else false end
order by metric, wiki_db, window_start, window_days, element_friendly_name, client_platform_family, inference
"""


@dataclass(frozen=True)
class Leaving:
    """All that a report is made of. Dates are datetime64.

    Attributes:
        cells: columns of `marts.fct_metric_values` with `window_start` and `window_end` for `metric_date` and
            `as_of_date`, without the observed counts and sizes, and with `link_group` (null where a row is about no
            link). A hidden row stays: `suppressed`, without numbers, and `status_reason` says why. Numbers here and in
            `changes` and `milestones` have the digits that are written, no more.
        changes: metric, wiki_db, window_start, change, change_lower, change_upper, change_reason: of a week against the
            week before (`marts.rpt_wiki_week`), only where both weeks are shown.
        lines: ingest_date, hour, fate: a row `came` for each day of which anything did, `hour` null; and the hours that
            are missing, each a row with its `hour` and fate `missing_hour`.
        sampling: event_date, wiki_db, instrument_name, sample_unit, declared_rate, likely_rate (two digits), verdict.
        self_validation: metric, window_days, sample_unit, rate, and over all wikis and dates: n, n_shown, n_intervals,
            n_covered, median_error and median_naive_error, relative to the truth.
        gates: event_date, gate, check_id, subject, severity, success, message, run_id, attempt, is_latest: the latest
            verdicts, without what was counted.
        milestones: columns of `marts.fct_milestone_status`, the newest as-of date; numbers only of cells that are
            shown.
        audience: what `cells_audience.audience` returns: eligible editors by wiki, band, window and as-of date.
        config: wiki_db, setting, value, valid_from, valid_to: the wikis' settings.
        wikis: `dim_wiki`, as it is.
    """

    cells: pd.DataFrame
    changes: pd.DataFrame
    lines: pd.DataFrame
    sampling: pd.DataFrame
    self_validation: pd.DataFrame
    gates: pd.DataFrame
    milestones: pd.DataFrame
    audience: pd.DataFrame
    config: pd.DataFrame
    wikis: pd.DataFrame


def leaving(warehouse: Warehouse, *, min_users: int, catalogue: Catalogue | None = None) -> Leaving:
    """Read from the published marts what may leave the house.

    Args:
        warehouse: whose marts; the caller sees to it that nothing is published meanwhile, so that the tables agree.
        min_users: cells of fewer users, but at least one, are hidden (`[privacy] min_users`).
        catalogue: of the metrics; the shipped one unless given.

    Raises:
        UsageError, WarehouseError: nothing is published, or the marts cannot be read.
    """
    catalogue = catalogue or load_catalogue()

    def read(sql: str, parameters: Sequence[Any] = ()) -> pd.DataFrame:
        found: pd.DataFrame = fetch_arrow(warehouse, sql, parameters).to_pandas(date_as_object=False)
        return found

    units = {name: metric.unit for name, metric in catalogue.metrics.items()}
    cells = hide(read(CELLS, [daily_metrics(catalogue)]), catalogue, min_users).drop(columns=list(INSIDE))
    cells = as_written(cells, NUMBERS, units)
    editors = audience(read, min_users)
    return Leaving(
        cells=cells,
        changes=cells_beside.changes(read, cells, units),
        lines=read(cells_beside.LINES).astype({"hour": "Int64"}),
        sampling=cells_beside.sampling(read(cells_beside.SAMPLING)),
        self_validation=cells_beside.self_validation(read(cells_beside.SELF_VALIDATION)),
        gates=read(cells_beside.GATES),
        milestones=cells_beside.milestones(read(cells_beside.MILESTONES), cells, editors, units),
        audience=editors,
        config=read("select * from dim_wiki_config order by all"),
        wikis=read("select * from dim_wiki order by all"),
    )


def daily_metrics(catalogue: Catalogue) -> list[str]:
    """Name the metrics whose daily rows may leave: counts of the dashboard itself."""
    return [
        name for name, metric in catalogue.metrics.items()
        if metric.kind == "count" and 1 in metric.days_of("rolling") and metric.family != "links"
    ]  # fmt: skip
