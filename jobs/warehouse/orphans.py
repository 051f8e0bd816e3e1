"""Files of a table's folder that its metadata does not name: of killed runs, of expired snapshots, of days run again.

By Arrow's filesystems, so that it is one and the same on a local disk and on object storage. Whoever asks holds the
warehouse's lock: a file that a running command is about to commit is named by nothing yet.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterable, Iterator, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pyarrow.fs import FileInfo, FileSelector, FileSystem, FileType, LocalFileSystem
from pyiceberg.io.pyarrow import PyArrowFileIO
from pyiceberg.table import Table

from jobs.errors import WarehouseError
from jobs.warehouse.catalog import local_path
from jobs.warehouse.tables import Tables

HINT = "version-hint.text"  # of a Hadoop catalog, which an adopted warehouse was
CHECKSUM = ".crc"  # Hadoop keeps one beside each file that it wrote to a local disk, as `.NAME.crc`


@dataclass(frozen=True)
class StoredFile:
    """A file in a table's folder.

    Attributes:
        path: on its filesystem; on object storage it begins with the bucket.
        n_bytes: its size.
    """

    path: str
    n_bytes: int


@dataclass(frozen=True)
class Folder:
    """The folder of a table: its filesystem and its path there."""

    files: FileSystem
    path: str

    def holds(self, path: str) -> bool:
        """Whether a path lies in the folder, links followed."""
        return _real(self.files, path).startswith(f"{_real(self.files, self.path)}/")


def unreferenced(
    tables: Tables, name: str, *, older_than: datetime | None, without: Collection[int] = ()
) -> list[StoredFile]:
    """Return the files in a table's folder that neither a snapshot nor the log of its metadata names.

    Args:
        tables: of the warehouse.
        name: a table of `contracts.py`.
        older_than: younger files are left out; None takes them of any age.
        without: snapshots that count as gone already.

    Raises:
        WarehouseError: two tables share a folder, or a file that a snapshot names is not found in it: then either is
            not what it seems to be, and none of the files may be taken for an orphan.
    """
    folder = folder_of(tables, name)
    listed = {_real(folder.files, info.path): info for info in _files(folder)}
    table = tables.table(name).refresh()  # after the list: what was committed meanwhile is in neither, or in this alone
    needed = {_real(folder.files, _path(one)) for one in _named_by_snapshots(table, without)}
    _require_all(table, folder, needed, listed.keys())
    named = needed | {_real(folder.files, _path(one)) for one in _metadata_files(table)}
    return [
        StoredFile(info.path, info.size)
        for path, info in sorted(listed.items())
        if not _is_named(path, named) and (older_than is None or _moment(info) < older_than)
    ]


def remove(tables: Tables, name: str, files: Iterable[StoredFile]) -> None:
    """Delete files of a table's folder, and folders in it that became empty; what is gone already is passed over.

    Raises:
        LockedError: the lock was lost since: another command may have begun to name what was listed.
        WarehouseError: a file does not lie in the table's folder.
    """
    folder = folder_of(tables, name)
    tables.check_held()
    for file in files:
        if not folder.holds(file.path):
            raise WarehouseError(f"A file is not of table {name}.", where=file.path)
        if folder.files.get_file_info(file.path).type == FileType.File:
            folder.files.delete_file(file.path)
    _remove_empty_folders(folder)


def folder_of(tables: Tables, name: str) -> Folder:
    """Return the folder of a table, which no other table's may hold or lie in.

    Raises:
        WarehouseError: it does.
    """
    table = tables.table(name)
    folder = _folder(table)
    for other in set(tables.names) - {name}:
        theirs = _folder(tables.table(other))
        if theirs.path == folder.path or theirs.holds(folder.path) or folder.holds(theirs.path):
            raise WarehouseError(
                f"The tables {name} and {other} share a folder, so nobody knows whose its files are.",
                where=table.location(),
                next_step="copy one of them into a folder of its own",
            )
    return folder


def _folder(table: Table) -> Folder:
    location = table.location().rstrip("/")
    if local_path(location) is not None:
        return Folder(LocalFileSystem(), _path(location))
    scheme, _, rest = location.partition("://")
    files = PyArrowFileIO(table.io.properties).fs_by_scheme(scheme, rest.partition("/")[0])
    return Folder(files, _path(location))


def _path(location: str) -> str:
    """Return the path that a location has on its filesystem; nothing is escaped in Iceberg's locations."""
    here = local_path(location)
    return str(here) if here is not None else location.partition("://")[2]


def _real(files: FileSystem, path: str) -> str:
    return os.path.realpath(path) if isinstance(files, LocalFileSystem) else path


def _files(folder: Folder) -> Iterator[FileInfo]:
    """List the files of a folder; what a link leads to elsewhere is not listed."""
    found = folder.files.get_file_info(FileSelector(folder.path, recursive=True, allow_not_found=True))
    return (info for info in found if info.type == FileType.File and folder.holds(info.path))


def _moment(info: FileInfo) -> datetime:
    return info.mtime.astimezone(UTC) if info.mtime is not None else datetime.now(UTC)


def _named_by_snapshots(table: Table, without: Collection[int]) -> set[str]:
    """Return the manifest lists, manifests, data and delete files of all snapshots but some; branches count too.

    Raises:
        WarehouseError: one that has to be read is gone.
    """
    found: set[str] = set()
    try:
        for snapshot in [one for one in table.metadata.snapshots if one.snapshot_id not in without]:
            found.add(snapshot.manifest_list)
            for manifest in snapshot.manifests(table.io):
                if manifest.manifest_path not in found:
                    found.add(manifest.manifest_path)
                    found.update(entry.data_file.file_path for entry in manifest.fetch_manifest_entry(table.io))
    except FileNotFoundError as error:
        raise _lacks_a_file(table, str(error)) from None
    return found


def _metadata_files(table: Table) -> set[str]:
    """Return the metadata files in force and in the log, and files of statistics."""
    metadata = table.metadata
    statistics = [*metadata.statistics, *metadata.partition_statistics]
    return {
        table.metadata_location,
        *(entry.metadata_file for entry in metadata.metadata_log),
        *(file.statistics_path for file in statistics),
    }


def _is_named(path: str, named: Collection[str]) -> bool:
    """Whether a file is named, or belongs to one that is."""
    folder, _, name = path.rpartition("/")
    if name.startswith(".") and name.endswith(CHECKSUM):
        return f"{folder}/{name.removeprefix('.').removesuffix(CHECKSUM)}" in named
    return path in named or name == HINT


def _require_all(table: Table, folder: Folder, needed: Set[str], listed: Set[str]) -> None:
    """Refuse a folder in which not all is found under the very name that the metadata has for it."""
    for path in sorted(needed - listed):
        # Files that a table was given where they lay are no matter of its folder, as long as they are there.
        if folder.holds(path) or folder.files.get_file_info(path).type != FileType.File:
            raise _lacks_a_file(table, path)


def _lacks_a_file(table: Table, what: str) -> WarehouseError:
    return WarehouseError(
        f"A file that table {'.'.join(table.name())} names is not in its folder, so none is taken for an orphan.",
        where=what,
        next_step="restore the file, or the warehouse, from a backup",
    )


def _remove_empty_folders(folder: Folder) -> None:
    """Remove folders that became empty; object storage has none."""
    if isinstance(folder.files, LocalFileSystem):
        for path, _, _ in os.walk(folder.path, topdown=False):
            if path != folder.path:
                with contextlib.suppress(OSError):  # it holds something
                    Path(path).rmdir()
