"""The gates' verdicts, kept by run: staged with a run that goes on, published at once for one that ends here.

A day's verdicts of a gate are numbered: its largest `attempt` is the latest. Nothing takes the rows of other runs away.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import pandas as pd

from jobs import contracts
from jobs.warehouse.lake import Lake
from jobs.warehouse.tables import equal_to, within
from jobs.warehouse.undo import differing, partitions

QUALITY_TABLE = "data_quality_metrics"


def stage_verdicts(lake: Lake, run_id: str, gate: str, rows: pd.DataFrame) -> pd.DataFrame:
    """Put what a gate found on the run's branch; a gate that is asked again by the same run says it once.

    Args:
        lake: the tables.
        run_id: the run.
        gate: the gate's name.
        rows: the gate's rows, without run and attempt.

    Returns:
        The rows with run and attempt.
    """
    numbered = _numbered(lake, run_id, gate, rows)
    days = sorted(set(rows["event_date"]))
    if days:
        known = lake.arrow_days(QUALITY_TABLE, days, run_id).to_pandas(date_as_object=True, integer_object_nulls=True)
        now = known["event_date"].map(dict(zip(numbered["event_date"], numbered["attempt"], strict=True)))
        is_old = (known["gate"] == gate) & (known["run_id"] == run_id) & (known["attempt"] == now)
        lake.stage_pandas(QUALITY_TABLE, pd.concat([numbered, known[~is_old]], ignore_index=True), run_id, days)
    return numbered


def stage_undone(lake: Lake, run_id: str, before: int, after: int) -> None:
    """Take away on a run's branch what another run said, and give back what that took away.

    Args:
        lake: the tables.
        run_id: the run that undoes the other.
        before, after: the snapshots of the table around the publishing of the other.
    """
    days = differing(*(partitions(lake, QUALITY_TABLE, snapshot) for snapshot in (before, after)))
    if not days:
        return
    old, new = ({tuple(row.items()) for row in _rows(lake, snapshot, days)} for snapshot in (before, after))
    now = {tuple(row.items()) for row in lake.arrow_days(QUALITY_TABLE, days, run_id).to_pylist()}
    left = [dict(row) for row in sorted((now - (new - old)) | (old - new), key=repr)]
    columns = list(contracts.table(QUALITY_TABLE).columns)
    lake.stage_pandas(QUALITY_TABLE, pd.DataFrame(left, columns=columns), run_id, days)


def _rows(lake: Lake, snapshot: int, days: Sequence[date]) -> list[dict[str, Any]]:
    names = list(contracts.table(QUALITY_TABLE).columns)
    condition = within(contracts.table(QUALITY_TABLE).partition, days)
    rows = lake.table(QUALITY_TABLE).scan(condition, snapshot_id=snapshot).to_arrow().to_pylist()
    return [{name: row.get(name) for name in names} for row in rows]


def publish_verdicts(lake: Lake, run_id: str, gate: str, rows: pd.DataFrame) -> None:
    """Add to what is published what a gate found that failed, and what gates found before it in the same run.

    The run's branch is no longer ahead of `main` then: only for a run that nobody can go on with.
    """
    published = _of_run(lake, run_id, lake.snapshot(QUALITY_TABLE, None))  # an earlier run may have had its number
    earlier = [row for row in _of_run(lake, run_id, lake.snapshot(QUALITY_TABLE, run_id)) if row not in published]
    found = pd.DataFrame([*earlier, *_numbered(lake, run_id, gate, rows).to_dict("records")])
    if len(found):
        lake.table(QUALITY_TABLE).append(lake.arrow_table(QUALITY_TABLE, found))


def _numbered(lake: Lake, run_id: str, gate: str, rows: pd.DataFrame) -> pd.DataFrame:
    """Add run and attempt: of each day one more than the largest that is published for the gate."""
    days = sorted(set(rows["event_date"]))
    known = lake.arrow_days(QUALITY_TABLE, days).to_pandas(date_as_object=True, integer_object_nulls=True)
    attempts = known[(known["gate"] == gate) & known["attempt"].notna()].groupby("event_date")["attempt"].max()
    return rows.assign(run_id=run_id, attempt=[int(attempts.get(day, 0)) + 1 for day in rows["event_date"]])


def _of_run(lake: Lake, run_id: str, snapshot: int) -> list[dict[str, Any]]:
    scan = lake.table(QUALITY_TABLE).scan(equal_to("run_id", run_id), snapshot_id=snapshot)
    rows: list[dict[str, Any]] = scan.to_arrow().to_pylist()
    return rows
