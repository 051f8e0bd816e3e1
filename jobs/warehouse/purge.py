"""Delete rows from the published tables for good: from what is published, its history, its manifests and its files.

A commit deletes; then the manifests are made anew without what was deleted, every other snapshot of the table goes, and
with it the files that nothing names any more. PyIceberg alone, so it is one and the same wherever the tables lie. Each
part may have happened already: a purge that was killed is repeated.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from pyiceberg.conversions import from_bytes
from pyiceberg.expressions import BooleanExpression
from pyiceberg.io.pyarrow import ArrowScan
from pyiceberg.manifest import ManifestFile
from pyiceberg.table import FileScanTask, Table
from pyiceberg.types import DateType

from jobs import contracts
from jobs.warehouse.live_manifests import drop_deleted_entries, has_deleted_entries
from jobs.warehouse.orphans import StoredFile, remove, unreferenced
from jobs.warehouse.receipts import Due, Occasion, note_of
from jobs.warehouse.tables import EPOCH, MAIN, Tables, between, is_noted

CARRIED = "carried_"  # begins the name of a branch on which a snapshot is made anew


@dataclass(frozen=True)
class TablePlan:
    """What is to be done to a table.

    Attributes:
        name: which.
        rows: the condition of the rows that go.
        going: what goes of what is published, by day.
        is_due: whether its history or its manifests have to go, be it that a purge was killed before.
        orphans: files that nothing names already.
    """

    name: str
    rows: BooleanExpression
    going: list[Due] = field(default_factory=list)
    is_due: bool = False
    orphans: list[StoredFile] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.going or self.is_due or self.orphans)


def plan_until(tables: Tables, name: str, last: date, older_than: datetime | None) -> TablePlan:
    """Return what is to be done so that nothing is left in a table of the days up to one.

    It takes the metadata alone.

    Args:
        tables: of the warehouse.
        name: the table.
        last: the last day whose time is over.
        older_than: younger files of no name are left out, which a running command may be about to commit; None for who
            holds the lock.
    """
    rows = between(contracts.table(name).partition, EPOCH, last)
    tasks = tables.table(name).scan(rows, snapshot_id=tables.snapshot(name, None)).plan_files()
    going = _by_day((task, task.file.record_count) for task in tasks)
    is_due = bool(going) or is_half_done(tables, name) or _holds_days(tables.table(name), last)
    return TablePlan(name, rows, going, is_due, unreferenced(tables, name, older_than=older_than))


def plan_rows(
    tables: Tables,
    name: str,
    rows: BooleanExpression,
    older_than: datetime | None,
    told: Callable[[int, int], None],
) -> TablePlan:
    """Return what is to be done so that some rows of a table, which may lie in any file, are in none of its files.

    Its history goes in any case: whether it has the rows is not known without reading it.

    Args:
        tables: of the warehouse.
        name: the table.
        rows: their condition.
        older_than: as of `plan_until`.
        told: called with (files read, all files).
    """
    table = tables.table(name)
    tasks = list(table.scan(rows, snapshot_id=tables.snapshot(name, None)).plan_files())
    columns = table.schema().select(contracts.table(name).partition)
    found = []
    for number, task in enumerate(tasks, 1):
        n_rows = ArrowScan(table.metadata, table.io, columns, rows).to_table([task]).num_rows
        found += [(task, n_rows)] if n_rows else []
        told(number, len(tasks))
    has_history = len(table.metadata.snapshots) > 1 or has_deleted_entries(table, table.current_snapshot())
    is_due = bool(found) or has_history
    return TablePlan(name, rows, _by_day(found), is_due, unreferenced(tables, name, older_than=older_than))


def is_half_done(tables: Tables, name: str) -> bool:
    """Whether rows of a table were deleted by a purge that is not through with its history."""
    return any(map(is_noted, tables.table(name).metadata.snapshots))


def delete_rows(tables: Tables, plan: TablePlan, occasion: Occasion) -> None:
    """Delete what goes of what is published, in one commit that carries its receipts."""
    note = note_of(occasion, tables.snapshot(plan.name, None), plan.going)
    tables.check_held()
    tables.table(plan.name).delete(plan.rows, snapshot_properties=note)


def carry_over(tables: Tables, plan: TablePlan, snapshot_id: int) -> int:
    """Make a snapshot of a table's history anew without the rows that go, and return the new one.

    It is a snapshot of no branch, so whoever wants it notes it before `forget_history`.
    """
    table, branch = tables.table(plan.name), f"{CARRIED}{snapshot_id}"
    tables.check_held()
    table.manage_snapshots().create_branch(snapshot_id, branch).commit()
    table.delete(plan.rows, branch=branch)
    drop_deleted_entries(table, branch)
    found = tables.refs(plan.name)[branch]
    table.manage_snapshots().remove_branch(branch).commit()
    return found


def forget_history(tables: Tables, plan: TablePlan, kept: Collection[int] = ()) -> tuple[int, int]:
    """Leave of a table its published rows: no other snapshot, no entry of another file, no other file.

    Nobody may have staged anything on it.

    Args:
        tables: of the warehouse.
        plan: of the table.
        kept: snapshots that stay; `carry_over` made them.

    Returns:
        How many files went, and their bytes.
    """
    if plan.is_due:
        table = tables.table(plan.name)
        tables.check_held()
        drop_deleted_entries(table)
        stay = {tables.refs(plan.name)[MAIN], *kept}
        if old := [one.snapshot_id for one in table.metadata.snapshots if one.snapshot_id not in stay]:
            tables.check_held()
            table.maintenance.expire_snapshots().by_ids(old).commit()
    gone = unreferenced(tables, plan.name, older_than=None)
    remove(tables, plan.name, gone)
    return len(gone), sum(file.n_bytes for file in gone)


def has_branches(tables: Tables) -> bool:
    """Whether a run has staged anything that is not published."""
    return any(set(tables.refs(name)) - {MAIN} for name in contracts.TABLES if tables.has(name))


def _by_day(files: Iterable[tuple[FileScanTask, int]]) -> list[Due]:
    """Sum files, each with the number of its rows that go, by day."""
    sums: dict[date, tuple[int, int, int]] = defaultdict(lambda: (0, 0, 0))
    for task, n_rows in files:
        day = EPOCH + timedelta(days=int(task.file.partition[0]))
        rows, size, number = sums[day]
        sums[day] = rows + n_rows, size + task.file.file_size_in_bytes, number + 1
    return [Due(day, *sums[day]) for day in sorted(sums)]


def _holds_days(table: Table, last: date) -> bool:
    """Whether any snapshot's manifests speak of a day up to `last`."""
    manifests = {manifest for snapshot in table.metadata.snapshots for manifest in snapshot.manifests(table.io)}
    return any(_begins_by(manifest, last) for manifest in manifests)


def _begins_by(manifest: ManifestFile, last: date) -> bool:
    """Whether a manifest has an entry of a day up to `last`, a deleted one included."""
    if not manifest.partitions:
        return True
    bound = manifest.partitions[0].lower_bound
    return bound is not None and int(from_bytes(DateType(), bound)) <= (last - EPOCH).days
