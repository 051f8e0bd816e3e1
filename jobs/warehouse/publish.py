"""Publish a whole run in one step, and finish or undo what a killed run left behind.

Order: the journal is written (from here on the run *is* published, only not yet everywhere), the branches are
fast-forwarded, the marts file is replaced, the journal is removed. A command that finds the journal does the rest, on
another machine too where the warehouse lies beside its tables.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime

from jobs.errors import LockedError
from jobs.log import get_logger
from jobs.warehouse.manifest import STEPS, Run, write_json
from jobs.warehouse.runs import Warehouse
from jobs.warehouse.tables import Tables
from jobs.windows import in_words

NO_DAYS = (date.min, date.min)  # of no run: who begins with them waits for one of any days
ASK_AGAIN_SECONDS = 5  # of an address each question costs commits to the catalog


def publish(lake: Tables, warehouse: Warehouse, run: Run) -> None:
    """Make everything that a run staged visible. The caller holds the lock and has passed every gate.

    Raises:
        LockedError: the lock was lost.
        WarehouseError: another command dropped something that the run staged, or published since it began.
    """
    heads = lake.heads(run.run_id)
    lake.require_staged(run.run_id, heads)
    write_json(warehouse.journal, {"run_id": run.run_id, "heads": heads, **warehouse.hand_over(run.run_id)})
    warehouse.sync()
    get_logger().info("journal written, publishing", run=run.run_id)
    roll_forward(lake, warehouse)


def roll_forward(lake: Tables, warehouse: Warehouse) -> None:
    """Finish the publish that the journal speaks of; every part of it may have happened already."""
    log = get_logger()
    run_id = warehouse.publishing()
    if run_id is None:
        return
    lake.require_staged(run_id, warehouse.journaled("heads"))
    tables = lake.publish(run_id, warehouse.check_held)
    log.info("tables fast-forwarded", run=run_id, tables=len(tables))
    warehouse.replace_marts()
    log.info("marts replaced", file=warehouse.said(warehouse.marts))
    for run in warehouse.all_runs():
        if run.run_id == run_id:
            run.state, run.published_at = "published", datetime.now(UTC).replace(microsecond=0)
            warehouse.save(run)
    warehouse.journal.unlink()
    warehouse.sync()
    log.info("published", run=run_id)


def recover(lake: Tables, warehouse: Warehouse) -> None:
    """Roll a cut-off publish forward. The caller holds the lock."""
    if warehouse.journal.exists():
        get_logger().warning("an earlier publish was cut off; finishing it", journal=warehouse.said(warehouse.journal))
        roll_forward(lake, warehouse)


@contextlib.contextmanager
def locked_to_begin(warehouse: Warehouse, start: date, end: date) -> Iterator[None]:
    """Hold the lock to begin a run of days [start, end), once the next step of no run of other days is awaited.

    Where one is, the lock is let go, so that this step can be done, and asked for again, as long as
    `[run] lock_wait_seconds` says.

    Raises:
        LockedError: the lock is held, or a step is awaited, after that.
    """
    began, is_told = time.monotonic(), False
    while True:
        with warehouse.lock():
            claim = _claim(warehouse, start, end)
            if claim is None:
                yield
                return
        left = warehouse.lock_wait_seconds - (time.monotonic() - began)
        if left <= 0:
            raise claim
        if not is_told:
            get_logger().info("waiting for a run that is half way", why=claim.what, at_most_seconds=round(left))
            is_told = True
        time.sleep(min(ASK_AGAIN_SECONDS, left))


def require_no_claim(warehouse: Warehouse, start: date, end: date) -> None:
    """Refuse to begin a run of days [start, end) while the next step of a run of other days is awaited.

    Raises:
        LockedError: a run whose steps are commands of their own is half way; it may publish only what it staged on top
            of what is published now, so that another run has to wait for it.
    """
    if (claim := _claim(warehouse, start, end)) is not None:
        raise claim


def _claim(warehouse: Warehouse, start: date, end: date) -> LockedError | None:
    """Return what to raise where a run of other days is half way; one whose publish was cut off is not."""
    now, publishing = datetime.now(UTC), warehouse.publishing()
    for run in warehouse.all_runs():
        if run.is_claimed(now) and run.run_id != publishing and (run.start, run.end) != (start, end):
            following = STEPS[len(run.done)]
            return LockedError(
                f"{run.run_id} is staged and waits for its step `{following}`, until {run.claimed_until:%H:%M} UTC.",
                where=warehouse.said(warehouse.folder(run.run_id)),
                next_step=f"run that step, or try again later ([run] claim_minutes, lock_wait_seconds); to give it up, "
                f"run {in_words(run.start, run.end)} again whole",
            )
    return None


def clean_up(lake: Tables, warehouse: Warehouse) -> None:
    """Drop what runs staged that never got published. The caller holds the lock and is about to open a new run.

    Whoever calls has seen that no run is awaited. Of a backfill that was half way its manifest stays, so that it can
    say why it starts over.
    """
    for run in warehouse.all_runs():
        if run.backfill and run.state == "open":
            run.state = "dropped"
            warehouse.save(run)
    warehouse.next_marts.unlink(missing_ok=True)
    warehouse.forget_old()
    warehouse.sync()  # first: the journal of a run that is forgotten counts no more, whoever still writes one
    for branch in lake.discard():
        get_logger().warning("dropped what an unfinished run had staged", run=branch)
