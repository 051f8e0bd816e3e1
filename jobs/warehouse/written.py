"""What a step of a run wrote into a table: by the metadata of its snapshots alone."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile

from pyiceberg.manifest import ManifestContent
from pyiceberg.table.snapshots import ancestors_of

from jobs import contracts
from jobs.warehouse.tables import Tables


@dataclass(frozen=True)
class Written:
    """Data files that were added and are still there: how many, their rows and their bytes."""

    n_files: int
    n_rows: int
    n_bytes: int


def seen_by(tables: Tables, run_id: str) -> dict[str, int]:
    """Return for each table the snapshot that a run sees: its own branch, else what is published."""
    return {name: tables.snapshot(name, run_id) for name in contracts.TABLES}


def written_between(tables: Tables, name: str, before: int, after: int) -> Written:
    """Return what was written into a table from one snapshot to a later one of the same line."""
    table = tables.table(name)
    head = table.snapshot_by_id(after)
    new = {
        one.snapshot_id for one in takewhile(lambda one: one.snapshot_id != before, ancestors_of(head, table.metadata))
    }
    files = [
        entry.data_file
        for manifest in (head.manifests(table.io) if head is not None else ())
        if manifest.content == ManifestContent.DATA and manifest.added_snapshot_id in new
        for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True)
        if entry.snapshot_id in new
    ]
    return Written(len(files), sum(file.record_count for file in files), sum(file.file_size_in_bytes for file in files))
