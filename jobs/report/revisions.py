"""How much the published numbers moved from one run to the next: of many rows together, and of no cell by its name.

A run compares what it is about to publish with what is published, for the as-of dates that it computed: no other rows
of `fct_metric_values` can differ, which the marts gate holds. Its answer stays in its folder, so that a report reads a
few small files, however long the history is, and the marts of former runs need not be kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pandas as pd

from jobs.log import get_logger
from jobs.quality.marts_changes_sql import METRICS
from jobs.quality.two_versions import attach_versions
from jobs.warehouse.manifest import Run
from jobs.warehouse.runs import Warehouse

FILE = "revisions.csv"
EDITORS = ("eligible_editors",)
MIN_ROWS = 10  # a move of fewer rows would tell numbers of single cells
DATES = ("published_at", "first_day", "last_day", "first_as_of", "last_as_of")
COLUMNS = (
    "run_id", *DATES, "metric", "n_before", "n_now", "n_new", "n_gone", "n_changed", "n_status", "status_changes",
    "n_moved", "median_move", "largest_move",
)  # fmt: skip

_MOVES = f"""
with live as (
    select * from live.marts.fct_metric_values where as_of_date in (select unnest(?))
), built as (
    select * from built.marts.fct_metric_values where as_of_date in (select unnest(?))
), pairs as (
    select metric, live.status as status_before, built.status as status_now,
        live.status is not null as is_before, built.status is not null as is_now,
        is_before and is_now and (live.estimate, live.lower, live.upper, live.status)
            is distinct from (built.estimate, built.lower, built.upper, built.status) as is_changed,
        case when live.estimate <> 0 and live.estimate <> built.estimate
            then abs(built.estimate / live.estimate - 1) end as move
    from live full join built using ({", ".join(METRICS.key)})
), statuses as (
    select metric, sum(n_rows) as n_status,
        string_agg(status_before || ' to ' || status_now || ': ' || n_rows, '; ' order by n_rows desc, status_before,
            status_now) as status_changes
    from (
        select metric, status_before, status_now, count(*) as n_rows from pairs
        where status_before <> status_now group by all
    )
    group by metric
)
select metric, count(*) filter (where is_before) as n_before, count(*) filter (where is_now) as n_now,
    count(*) filter (where not is_before) as n_new, count(*) filter (where not is_now) as n_gone,
    count(*) filter (where is_changed) as n_changed, cast(coalesce(any_value(n_status), 0) as bigint) as n_status,
    coalesce(any_value(status_changes), '') as status_changes, count(move) as n_moved,
    case when n_moved >= {MIN_ROWS} then round(median(move), 3) end as median_move,
    case when n_moved >= {MIN_ROWS} then round(max(move), 3) end as largest_move
from pairs left join statuses using (metric)
group by metric order by metric
"""


def moves(built: Path, live: Path, as_of: Sequence[date]) -> pd.DataFrame:
    """Compare two versions of `fct_metric_values` on some as-of dates.

    Args:
        built: the marts file that is about to be published.
        live: the published one; where there is none, every row is new.
        as_of: the dates.

    Returns:
        A row for each metric: rows before and now, new, gone, changed (another estimate, limit or status), with another
        status (`status_changes` says from which to which), and with another estimate; the median and the largest of
        their relative moves, `abs(now / before - 1)` to three digits, null where fewer than ten rows moved.

    Raises:
        duckdb.Error: a file cannot be read.
    """
    with duckdb.connect() as connection:
        attach_versions(connection, built, live, ["fct_metric_values"])
        return connection.execute(_MOVES, [list(as_of), list(as_of)]).df()


def keep_moves(warehouse: Warehouse, run: Run) -> None:
    """Note in the run's folder what its publishing is about to change; the caller publishes next.

    A run of days leaves eligible editors alone, which may have the same as-of dates: they are not noted as unchanged.
    """
    as_of = sorted({*run.as_of, *run.removed})  # rows that are taken away are gone, and count as such
    try:
        found = moves(warehouse.next_marts, warehouse.marts, as_of)
    except duckdb.Error:  # a damaged file is replaced by this very run; if it is the new one, the next line fails too
        found = moves(warehouse.next_marts, warehouse.next_marts.with_name("none"), as_of)
        file = warehouse.said(warehouse.marts)
        get_logger().warning("the published marts cannot be read: all rows count as new", file=file)
    if not run.is_audience:
        found = found[~found["metric"].isin(EDITORS)]
    days = (run.days[0], run.days[-1], as_of[0], as_of[-1])
    for column, value in zip(reversed(DATES), (*reversed(days), datetime.now(UTC).replace(microsecond=0)), strict=True):
        found.insert(0, column, value.isoformat())
    found.to_csv(warehouse.folder(run.run_id) / FILE, index=False)


def kept_moves(warehouse: Warehouse) -> pd.DataFrame:
    """Read what the newest published runs noted, the newest run first.

    Returns:
        The columns `COLUMNS`: those of `moves`, before them the run and, as ISO text, when it was published (UTC), its
        asked days and its as-of dates, first and last. A run of an older version noted nothing.
    """
    found = []
    for run in reversed(warehouse.all_runs()):
        file = warehouse.folder(run.run_id) / FILE
        if run.state != "published" or not file.exists():
            continue
        try:
            noted = pd.read_csv(file, keep_default_na=False, na_values={"median_move": "", "largest_move": ""})
            found.append(noted.assign(run_id=run.run_id)[list(COLUMNS)])
        except (ValueError, KeyError):
            get_logger().warning("what a run noted of its changes is damaged; the report leaves it out", file=str(file))
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=list(COLUMNS))
