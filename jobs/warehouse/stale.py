"""What a machine wrote at an address after it had lost the lock: it was stopped while others went on.

Between asking for the lease and the end of a put there is a moment in which it can be lost. Whoever takes it next has
what is stored, and drops what such a machine wrote.
"""

from __future__ import annotations

import shutil

from jobs.log import get_logger
from jobs.warehouse.runs import Warehouse


def forget_stale_journal(warehouse: Warehouse) -> None:
    """Drop the journal of a run that is gone. The caller holds the lock."""
    run_id = warehouse.publishing()
    going = [run.run_id for run in warehouse.all_runs() if run.state in ("open", "published")]
    if run_id is None or run_id in going:
        return
    get_logger().warning("dropping the journal of a run that lost the lock before it could publish", run=run_id)
    warehouse.journal.unlink()
    warehouse.sync()


def forget_stale_runs(warehouse: Warehouse) -> None:
    """Drop open runs that are not the newest, so that nobody waits for their steps. The caller holds the lock.

    Whoever begins a run drops what is open before it: such a one was written again.
    """
    publishing = warehouse.publishing()
    stale = [run for run in warehouse.all_runs()[:-1] if run.state == "open" and run.run_id != publishing]
    for run in stale:
        get_logger().warning("dropping a run that lost the lock and was written again", run=run.run_id)
        if run.backfill is None:
            shutil.rmtree(warehouse.folder(run.run_id))
        else:  # it says why a backfill has to start over
            run.state = "dropped"
            warehouse.save(run)
    if stale:
        warehouse.sync()
