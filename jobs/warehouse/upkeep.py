"""What keeps a warehouse small and quick: snapshots, small files, manifests, files that nothing names, caches.

Everything here can be told before it is done, and be cut off and repeated. The caller holds the lock.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from jobs.log import get_logger
from jobs.warehouse.catalog import CATALOG_FILE
from jobs.warehouse.compact import compact, manifests, merge_manifests, merged_manifests, small_files
from jobs.warehouse.diagnostics import LOGS, TRACEBACKS, logs, tracebacks
from jobs.warehouse.orphans import remove, unreferenced
from jobs.warehouse.runs import Warehouse
from jobs.warehouse.snapshots import KEEP_SNAPSHOTS
from jobs.warehouse.tables import Tables

ORPHAN_AGE = timedelta(days=1)
CACHE_AGE = timedelta(days=30)  # of the answers of fits, which are computed again if a day is run again after that
BUSY_SECONDS = 5.0  # that a reader of the catalog file is waited for
TRACEBACK_AGE = timedelta(days=30)


@dataclass(frozen=True)
class Saved:
    """What one piece of upkeep saved, or would save.

    Attributes:
        what: the kind of thing, in words.
        place: the table, or what beside the tables.
        before, after: how many there are.
        n_bytes: of files that are gone.
    """

    what: str
    place: str
    before: int
    after: int
    n_bytes: int = 0


def keep_table(tables: Tables, name: str, now: datetime, *, is_dry: bool) -> Iterator[Saved]:
    """Let old snapshots of a table go, merge manifests, put small files together, and delete what nothing names.

    Args:
        tables: of the warehouse.
        name: a table of `contracts.py`.
        now: the moment (UTC) that ages are counted from.
        is_dry: tell, and change nothing.
    """
    expired = tables.expired(name, now - KEEP_SNAPSHOTS)
    n_snapshots = len(tables.table(name).metadata.snapshots)
    yield Saved("snapshots", name, n_snapshots, n_snapshots - len(expired))
    if not is_dry:
        tables.expire(name, now - KEEP_SNAPSHOTS)
    n_manifests, fewer = len(manifests(tables, name)), merged_manifests(tables, name)
    if fewer is not None and not is_dry:
        merge_manifests(tables, name)
    yield Saved("manifests in force", name, n_manifests, n_manifests if fewer is None else fewer)
    groups, n_files = small_files(tables, name, now), _live_files(tables, name)
    if not is_dry:
        compact(tables, name, groups)
    yield Saved("data files in force", name, n_files, n_files - sum(len(group) - 1 for group in groups))
    yield _orphans(tables, name, now, expired if is_dry else (), is_dry=is_dry)


def keep_folder(warehouse: Warehouse, now: datetime, *, is_dry: bool) -> Iterator[Saved]:
    """Delete answers of fits, tracebacks and logs that are old, and pack the warehouse's own catalog file.

    Args:
        warehouse: the warehouse.
        now: the moment (UTC) that ages are counted from.
        is_dry: tell, and change nothing.
    """
    fits = [path for path in warehouse.path.glob("fits/*") if path.is_file()]
    yield _old_files("answers of fits", "fits", fits, now - CACHE_AGE, is_dry=is_dry)
    yield _old_files("tracebacks", TRACEBACKS, tracebacks(warehouse), now - TRACEBACK_AGE, is_dry=is_dry)
    yield _old_files("logs of Spark", LOGS, logs(warehouse), now - TRACEBACK_AGE, is_dry=is_dry)
    catalog = warehouse.path / CATALOG_FILE
    if catalog.exists():
        yield Saved("catalog file", CATALOG_FILE, 1, 1, _packed_catalog(catalog, is_dry=is_dry))


def _orphans(tables: Tables, name: str, now: datetime, without: Sequence[int], *, is_dry: bool) -> Saved:
    found = unreferenced(tables, name, older_than=now - ORPHAN_AGE, without=without)
    if not is_dry:
        remove(tables, name, found)
    return Saved("files that nothing names", name, len(found), 0, sum(file.n_bytes for file in found))


def _live_files(tables: Tables, name: str) -> int:
    counts = ((one.added_files_count or 0) + (one.existing_files_count or 0) for one in manifests(tables, name))
    return sum(counts)


def _old_files(what: str, place: str, files: Sequence[Path], before: datetime, *, is_dry: bool) -> Saved:
    old = [path for path in files if datetime.fromtimestamp(path.stat().st_mtime, UTC) < before]
    n_bytes = sum(path.stat().st_size for path in old)
    if not is_dry:
        for path in old:
            path.unlink(missing_ok=True)
    return Saved(what, place, len(files), len(files) - len(old), n_bytes)


def _packed_catalog(path: Path, *, is_dry: bool) -> int:
    """Give back what rows that were overwritten left free in a SQLite file; return how many bytes that are."""
    with contextlib.closing(sqlite3.connect(path, timeout=BUSY_SECONDS)) as connection:
        free, page = (connection.execute(f"pragma {name}").fetchone()[0] for name in ("freelist_count", "page_size"))
        if free and not is_dry:
            try:
                connection.execute("vacuum")
            except sqlite3.OperationalError as error:  # a reader has it open; what is free is used again meanwhile
                get_logger().warning("the catalog file stays as large as it is", file=str(path), why=str(error))
                return 0
    return int(free * page)
