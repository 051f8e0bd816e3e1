"""Stage where each milestone stands: of the days whose numbers a run changed, and of all published ones after them.

A milestone that was reached stays so, and a projection looks at all that was before it. So each row depends on every
earlier day, and all later rows are made again: whatever the order of runs, the rows are the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from jobs.log import get_logger
from jobs.reference.load import Reference
from jobs.rows.milestones import metrics_read, milestone_rows
from jobs.warehouse.lake import Lake

TABLE = "milestone_status"


def stage_milestones(lake: Lake, reference: Reference, run_id: str, changed: Sequence[date]) -> None:
    """Compute and stage `milestone_status`.

    Args:
        lake: with the run's rows of `metric_values` staged.
        reference: milestones and wikis of the run.
        run_id: its branch.
        changed: as-of dates whose rows of `metric_values` it staged.
    """
    if not changed:
        return
    known = sorted({*lake.days("metric_values", run_id), *changed})
    later = [day for day in known if day >= min(changed)]
    metrics = metrics_read(reference.milestones)
    values = lake.day_frame("metric_values", known, run_id, only={"metric": metrics})
    rows = milestone_rows(values, reference, later)
    lake.stage_pandas(TABLE, rows, run_id, later)
    get_logger().info("milestones", milestones=len(reference.milestones), as_of_dates=len(later))
