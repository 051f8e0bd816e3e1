"""What a published run replaced, and putting it back: by snapshots and data files, without reading a row.

A backfill notes what `main` was before and after it, by table. Snapshots stay thirty days, and so does the way back.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

from pyiceberg.manifest import DataFile

from jobs import contracts
from jobs.errors import WarehouseError
from jobs.warehouse.manifest import Run
from jobs.warehouse.runs import Warehouse
from jobs.warehouse.tables import EPOCH, MAIN, Tables

REFERENCE_BEFORE = "reference_before"
Partitions = Mapping[date, frozenset[str]]


def replaced_by(tables: Tables, run_id: str) -> dict[str, list[int]]:
    """Return, of the tables that a run staged, what `main` is and what it becomes once the run is published."""
    refs = {name: tables.refs(name) for name in contracts.TABLES}
    return {name: [found[MAIN], found[run_id]] for name, found in refs.items() if run_id in found}


def heads(tables: Tables, run_id: str) -> dict[str, int]:
    """Return, of the tables that a run staged, the head of its branch."""
    return {name: head for name, (_, head) in replaced_by(tables, run_id).items()}


def set_back(tables: Tables, run_id: str, noted: Mapping[str, int]) -> None:
    """Make the branches of a run what they were when it noted their heads; one that was not there by then goes."""
    now = heads(tables, run_id)
    for name in contracts.TABLES:
        head = noted.get(name)
        if head == now.get(name):
            continue
        change = tables.table(name).manage_snapshots()
        (change.remove_branch(run_id) if head is None else change.create_branch(head, run_id)).commit()


def keep_reference(warehouse: Warehouse, run: Run) -> None:
    """Copy the CSVs that what is published was made with into the folder of a run that is about to replace it."""
    last = warehouse.last_published()
    if last is None or not warehouse.reference(last.run_id).is_dir():
        return
    kept = warehouse.folder(run.run_id) / REFERENCE_BEFORE
    aside = kept.with_name(f".{kept.name}.{os.getpid()}")
    shutil.rmtree(aside, ignore_errors=True)
    shutil.rmtree(kept, ignore_errors=True)
    shutil.copytree(warehouse.reference(last.run_id), aside)
    aside.rename(kept)


def partitions(tables: Tables, name: str, snapshot_id: int) -> Partitions:
    """Return the data files of each partition of a table in one of its snapshots.

    Raises:
        WarehouseError: the snapshot is not in the history any more.
    """
    found: dict[date, set[str]] = {}
    for day, file in _files(tables, name, snapshot_id):
        found.setdefault(day, set()).add(file.file_path)
    return {day: frozenset(files) for day, files in found.items()}


def differing(before: Partitions, after: Partitions) -> list[date]:
    """Return the partitions whose files are not the same in two snapshots of a table."""
    return sorted(day for day in {*before, *after} if before.get(day) != after.get(day))


def put_back(tables: Tables, name: str, snapshot_id: int, days: Sequence[date], run_id: str) -> None:
    """Make partitions of a run's branch what they were in a snapshot, in one commit: the very files of it."""
    if not days:
        return
    tables.branch(name, run_id)
    table = tables.table(name)
    wanted = set(days)
    old = {file.file_path: file for day, file in _files(tables, name, snapshot_id) if day in wanted}
    here = {file.file_path: file for day, file in _files(tables, name, tables.snapshot(name, run_id)) if day in wanted}
    with table.transaction() as transaction, transaction.update_snapshot(branch=run_id).overwrite() as overwrite:
        for path, file in here.items():
            if path not in old:
                overwrite.delete_data_file(file)
        for path, file in old.items():
            if path not in here:
                overwrite.append_data_file(file)


def _files(tables: Tables, name: str, snapshot_id: int) -> list[tuple[date, DataFile]]:
    table = tables.table(name)
    if table.snapshot_by_id(snapshot_id) is None:
        raise WarehouseError(
            f"What {name} held before is not in its history any more: it was purged, or is older than thirty days.",
            where=table.metadata_location,
            next_step="backfill the days instead, from the input as it should have been",
        )
    found = []
    for task in table.scan(snapshot_id=snapshot_id).plan_files():
        found.append((EPOCH + timedelta(days=int(task.file.partition[0])), task.file))
    return found


def reference_before(warehouse: Warehouse, run: Run) -> Path:
    """Return the folder of the CSVs that `keep_reference` kept; it is not there where nothing was published before."""
    return warehouse.folder(run.run_id) / REFERENCE_BEFORE
