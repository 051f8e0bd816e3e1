"""Stage where each milestone stands: of the days whose numbers a run changed, and of all published ones after them.

A milestone that was reached stays so, and a projection looks at all that was before it. So each row depends on every
earlier day, and all later rows are made again: whatever the order of runs, and of audiences, the rows are the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pandas as pd

from jobs.log import get_logger
from jobs.reference.load import Reference
from jobs.rows.milestones import metrics_read, milestone_rows
from jobs.warehouse.lake import Lake

TABLE = "milestone_status"
METRIC_VALUES, AUDIENCE_VALUES, AUDIENCE = "metric_values", "audience_values", "audience"


def stage_milestones(lake: Lake, reference: Reference, run_id: str, changed: Sequence[date]) -> None:
    """Compute and stage `milestone_status`; nothing where no run of days has published or staged a row.

    An audience that was counted before the first run of days has no milestones yet: that run makes them.

    Args:
        lake: with the run's rows of `metric_values`, or of `audience_values` and `audience`, staged.
        reference: milestones and wikis of the run.
        run_id: its branch.
        changed: as-of dates whose rows of these tables it staged.
    """
    measured = lake.days(METRIC_VALUES, run_id)
    if not changed or not measured:
        return
    audience = lake.days(AUDIENCE_VALUES, run_id)
    known = sorted({*measured, *audience, *changed})
    without = {*audience} - {*lake.days(TABLE, run_id)} if reference.milestones else set()
    later = [day for day in known if day >= min([*changed, *without])]
    only = {"metric": metrics_read(reference.milestones)}
    values = [lake.day_frame(name, known, run_id, only) for name in (METRIC_VALUES, AUDIENCE_VALUES)]
    cells = lake.day_frame(AUDIENCE, known, run_id)
    rows = milestone_rows(pd.concat(values, ignore_index=True), reference, later, cells)
    lake.stage_pandas(TABLE, rows, run_id, later)
    get_logger().info("milestones", milestones=len(reference.milestones), as_of_dates=len(later))
