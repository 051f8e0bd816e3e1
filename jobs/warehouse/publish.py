"""Publish a whole run in one step, and finish or undo what a killed run left behind.

Order: the journal is written (from here on the run *is* published, only not yet everywhere), the branches are
fast-forwarded, the marts file is replaced, the journal is removed. A command that finds the journal does the rest.
"""

from __future__ import annotations

import os

from jobs.log import get_logger
from jobs.warehouse.runs import Run, Warehouse, write_json
from jobs.warehouse.tables import Tables


def publish(lake: Tables, warehouse: Warehouse, run: Run) -> None:
    """Make everything that a run staged visible. The caller holds the lock and has passed every gate."""
    write_json(warehouse.journal, {"run_id": run.run_id})
    get_logger().info("journal written, publishing", run=run.run_id)
    roll_forward(lake, warehouse)


def roll_forward(lake: Tables, warehouse: Warehouse) -> None:
    """Finish the publish that the journal speaks of; every part of it may have happened already."""
    log = get_logger()
    run_id = warehouse.publishing()
    if run_id is None:
        return
    tables = lake.publish(run_id)
    log.info("tables fast-forwarded", run=run_id, tables=len(tables))
    if warehouse.next_marts.exists():
        os.replace(warehouse.next_marts, warehouse.marts)  # noqa: PTH105 - one atomic rename, named as such
    log.info("marts replaced", file=str(warehouse.marts))
    for run in warehouse.all_runs():
        if run.run_id == run_id:
            run.state = "published"
            warehouse.save(run)
    warehouse.journal.unlink()
    log.info("published", run=run_id)


def recover(lake: Tables, warehouse: Warehouse) -> None:
    """Roll a cut-off publish forward. The caller holds the lock."""
    if warehouse.journal.exists():
        get_logger().warning("an earlier publish was cut off; finishing it", journal=str(warehouse.journal))
        roll_forward(lake, warehouse)


def clean_up(lake: Tables, warehouse: Warehouse) -> None:
    """Drop what runs staged that never got published. The caller holds the lock and is about to open a new run."""
    for branch in lake.discard():
        get_logger().warning("dropped what an unfinished run had staged", run=branch)
    warehouse.next_marts.unlink(missing_ok=True)
    warehouse.forget_old()
