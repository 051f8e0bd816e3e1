"""Many small files of a day into one, and many manifests into few. The rows stay; the change is one commit at a time.

What `backfill --rollback` may still have to compare is left as it is: only days whose files are those that were
published thirty days ago are compacted. And a table of which a run has staged something is left alone: it could not be
published on top of another snapshot than the one it began from.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

import duckdb
import pyarrow as pa
from pyiceberg.expressions import AlwaysTrue
from pyiceberg.io.pyarrow import ArrowScan, _dataframe_to_data_files
from pyiceberg.manifest import DataFile, ManifestContent, ManifestFile
from pyiceberg.table import FileScanTask, Table, TableProperties
from pyiceberg.utils.bin_packing import ListPacker

from jobs.errors import WarehouseError
from jobs.warehouse.snapshots import KEEP_SNAPSHOTS
from jobs.warehouse.tables import MAIN, Tables

SMALL_BYTES = 16 << 20  # of a data file that is worth being put together with others
MOST_BYTES = 32 << 20  # of small files that become one: their rows are in memory at once
GROUPS_A_COMMIT = 50
MANY_MANIFESTS = 20  # a run of a day adds one or two, and PyIceberg merges at a hundred

Group = Sequence[FileScanTask]


def small_files(tables: Tables, name: str, now: datetime) -> list[Group]:
    """Return groups of small files of a day, each of which may become one file.

    Args:
        tables: of the warehouse.
        name: a table of `contracts.py`.
        now: the moment (UTC) that thirty days are counted from.
    """
    table, then = tables.table(name), _published_at(tables.table(name), now)
    if then is None or is_staged(tables, name):
        return []
    before, found = _by_day(table, then), _by_day(table, tables.snapshot(name, None))
    groups: list[Group] = []
    for day, tasks in sorted(found.items(), key=lambda item: repr(item[0])):
        if _paths(tasks) == _paths(before.get(day, ())) and not any(task.delete_files for task in tasks):
            groups += _packed([task for task in tasks if task.file.file_size_in_bytes < SMALL_BYTES])
    return groups


def compact(tables: Tables, name: str, groups: Sequence[Group]) -> None:
    """Put each group of files into one; a kill leaves the old files in force, and files that nothing names.

    Raises:
        WarehouseError: what was written is not what was read; nothing of the table's published rows has changed.
    """
    table = tables.table(name)
    for start in range(0, len(groups), GROUPS_A_COMMIT):
        some = groups[start : start + GROUPS_A_COMMIT]
        written = [_rewritten(table, group) for group in some]
        tables.check_held()
        with table.transaction() as transaction, transaction.update_snapshot(branch=MAIN).overwrite() as change:
            for group, files in zip(some, written, strict=True):
                for task in group:
                    change.delete_data_file(task.file)
                for file in files:
                    change.append_data_file(file)


def is_staged(tables: Tables, name: str) -> bool:
    """Whether a run has staged something of a table."""
    return set(tables.refs(name)) != {MAIN}


def manifests(tables: Tables, name: str) -> list[ManifestFile]:
    """Return the manifests of what is published of a table."""
    table = tables.table(name)
    head = table.snapshot_by_name(MAIN)
    return head.manifests(table.io) if head is not None else []


def merged_manifests(tables: Tables, name: str) -> int | None:
    """Return how many manifests there are after `merge_manifests`; None where that is not worth a commit."""
    data = [one for one in manifests(tables, name) if one.content == ManifestContent.DATA]
    key, default = TableProperties.MANIFEST_TARGET_SIZE_BYTES, TableProperties.MANIFEST_TARGET_SIZE_BYTES_DEFAULT
    target = int(tables.table(name).properties.get(key, default))
    bins = ListPacker[ManifestFile](target, lookback=1, largest_bin_first=False)
    merged = len(bins.pack_end(data, lambda one: one.manifest_length))
    return merged if len(data) > max(MANY_MANIFESTS, 2 * merged) and not is_staged(tables, name) else None


def merge_manifests(tables: Tables, name: str) -> None:
    """Merge the manifests of what is published, as far as the table's target size of a manifest lets them.

    PyIceberg merges when it appends, from so many manifests on as the table says: here it appends no file, and the
    table says two for as long as the transaction takes.
    """
    key = TableProperties.MANIFEST_MIN_MERGE_COUNT
    tables.check_held()
    with tables.table(name).transaction() as transaction:
        before = transaction.table_metadata.properties.get(key)
        transaction.set_properties({key: "2"})
        transaction.update_snapshot(branch=MAIN).merge_append().commit()
        if before is None:
            transaction.remove_properties(key)
        else:
            transaction.set_properties({key: before})


def _published_at(table: Table, now: datetime) -> int | None:
    """Return the snapshot that was published thirty days ago, which `Tables.expire` keeps."""
    limit = (now - KEEP_SNAPSHOTS).timestamp() * 1000
    then = [entry.snapshot_id for entry in table.metadata.snapshot_log if entry.timestamp_ms < limit]
    return then[-1] if then and table.snapshot_by_id(then[-1]) is not None else None


def _by_day(table: Table, snapshot_id: int) -> dict[Any, list[FileScanTask]]:
    found = defaultdict(list)
    for task in table.scan(snapshot_id=snapshot_id).plan_files():
        found[task.file.partition[0]].append(task)
    return found


def _paths(tasks: Iterable[FileScanTask]) -> set[str]:
    return {task.file.file_path for task in tasks}


def _packed(tasks: Sequence[FileScanTask]) -> Iterator[Group]:
    """Group files of a day, in order of their size, as long as their rows may be in memory at once."""
    group: list[FileScanTask] = []
    for task in sorted(tasks, key=lambda one: (one.file.file_size_in_bytes, one.file.file_path)):
        if sum(one.file.file_size_in_bytes for one in [*group, task]) > MOST_BYTES:
            if len(group) > 1:
                yield group
            group = []
        group.append(task)
    if len(group) > 1:
        yield group


def _rewritten(table: Table, group: Group) -> list[DataFile]:
    """Write the rows of some files of a day as one, and make sure that they are the same."""
    scan = ArrowScan(table.metadata, table.io, table.schema(), AlwaysTrue())
    rows = scan.to_table(group)
    files = list(_dataframe_to_data_files(table.metadata, rows, table.io))
    digest = _digest(rows)
    del rows  # one copy in memory is enough
    for file in files:
        file.spec_id = table.spec().spec_id
    back = scan.to_table([FileScanTask(file) for file in files])
    if digest[0] != sum(task.file.record_count for task in group) or digest != _digest(back):
        raise WarehouseError(
            f"Rows of {'.'.join(table.name())} that were put into one file are not the same there; nothing is changed.",
            where=group[0].file.file_path,
            next_step="report it; the files are as they were",
        )
    return files


def _digest(rows: pa.Table) -> tuple[int, int]:
    """Return how many rows there are, and the sum of their hashes, in whatever order they come."""
    with duckdb.connect() as connection:
        connection.register("found", rows)
        n_rows, digest = connection.execute("select count(*), sum(hash(found)::hugeint) from found").fetchall()[0]
    return int(n_rows), int(digest or 0)
