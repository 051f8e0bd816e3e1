"""Take over a warehouse that was copied or moved, or that an older version made. Nothing of the original is touched."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from pyiceberg.io import FileIO
from pyiceberg.manifest import DataFile, read_manifest_list
from pyiceberg.table import StaticTable, Table

from jobs import contracts
from jobs.errors import WarehouseError
from jobs.warehouse.catalog import (
    CATALOG_FILE,
    LAKE_FOLDER,
    TABLE_PROPERTIES,
    catalog_properties,
    create_table,
    file_location,
    local_path,
    open_catalog,
)
from jobs.warehouse.home import HINT, is_old, made_elsewhere, metadata_locations, table_folder
from jobs.warehouse.tables import MAIN

_MANIFEST_PATH, _FILE_PATH = 0, 1  # places in PyIceberg's records of a manifest and of a data file


def adopt(warehouse: Path) -> list[str]:
    """Register the tables of an older version's Hadoop catalog in a catalog of the warehouse's own.

    Returns:
        The tables taken over; none where there is nothing to adopt.

    Raises:
        WarehouseError: the warehouse was copied or moved since it was made.
    """
    if not is_old(warehouse):
        return []
    found = {name: path for name in contracts.TABLES if (path := _newest_metadata(warehouse, name)) is not None}
    aside = _fresh_catalog(warehouse)
    catalog = open_catalog({**catalog_properties({}, warehouse), "uri": f"sqlite:///{aside}"})
    catalog.create_namespace_if_not_exists(contracts.NAMESPACE)
    for name, path in found.items():
        made = local_path(StaticTable.from_metadata(str(path)).location())
        if made is None or made.resolve() != table_folder(warehouse, name):
            raise WarehouseError(
                f"This warehouse was made at {made.parents[2] if made else 'another place'} and lies elsewhere now.",
                where=str(warehouse),
                next_step="move it back there, adopt it, and copy it then: a copy of this version can be relocated",
            )
        with catalog.register_table((contracts.NAMESPACE, name), str(path)).transaction() as transaction:
            transaction.set_properties(TABLE_PROPERTIES)
    os.replace(aside, warehouse / CATALOG_FILE)  # noqa: PTH105 - one atomic rename, named as such
    return sorted(found)


def relocate(warehouse: Path, run_id: str | None = None) -> list[str]:
    """Make the tables of a copied or moved warehouse anew over the data files that lie in it; history starts over.

    Args:
        warehouse: the copy.
        run_id: a run whose publishing was cut off when the copy was made: its branches count as published.

    Returns:
        The tables made anew; none where the warehouse is at home.

    Raises:
        WarehouseError: a file of the copy is missing, or a table's columns cannot be numbered as they were.
    """
    made = made_elsewhere(warehouse)
    if made is None:
        return []
    aside = _fresh_catalog(warehouse)
    catalog = open_catalog({**catalog_properties({}, warehouse), "uri": f"sqlite:///{aside}"})
    catalog.create_namespace_if_not_exists(contracts.NAMESPACE)
    names = []
    for name, location in sorted(metadata_locations(warehouse).items()):
        move = _Move(made / LAKE_FOLDER, warehouse.resolve() / LAKE_FOLDER)
        old = StaticTable.from_metadata(move.path(location))
        files = list(_data_files(old, move, run_id))
        if name in contracts.TABLES:
            _add(create_table(catalog, name, like=old), old, files)
            names.append(name)
    os.replace(aside, warehouse / CATALOG_FILE)  # noqa: PTH105 - one atomic rename, named as such
    return names


class _Move:
    """Where a file of the original lies in the copy."""

    def __init__(self, origin: Path, here: Path) -> None:
        self.origin, self.here = origin, here

    def path(self, location: str) -> str:
        """Return the place of a file in the copy.

        Raises:
            WarehouseError: it does not lie under the original's lake, or is missing here.
        """
        path = local_path(location)
        if path is None or not path.is_relative_to(self.origin):
            raise WarehouseError("A file of this warehouse never lay in it.", where=location)
        moved = self.here / path.relative_to(self.origin)
        if not moved.exists():
            raise WarehouseError(
                "The copy lacks a file.",
                where=str(moved),
                next_step="copy the whole warehouse again, while no run writes",
            )
        return file_location(moved)


def _data_files(old: Table, move: _Move, run_id: str | None) -> Iterator[DataFile]:
    """Give the data files of what is published, by where they lie in the copy."""
    snapshot = old.snapshot_by_name(run_id) if run_id else None
    snapshot = snapshot or old.snapshot_by_name(MAIN)
    if snapshot is None or snapshot.manifest_list is None:
        return
    io: FileIO = old.io
    for manifest in read_manifest_list(io.new_input(move.path(snapshot.manifest_list))):
        manifest[_MANIFEST_PATH] = move.path(manifest.manifest_path)
        for entry in manifest.fetch_manifest_entry(io):
            file = entry.data_file
            file[_FILE_PATH] = move.path(file.file_path)
            yield file


def _add(table: Table, old: Table, files: list[DataFile]) -> None:
    """Put data files into a new table in one snapshot."""
    if table.schema().fields != old.schema().fields:
        raise WarehouseError(
            f"The columns of {'.'.join(table.name())} are numbered in another way than a new table numbers them.",
            where=table.metadata_location,
            next_step="run its days again into this warehouse, or use the original",
        )
    if not files:
        return
    with table.transaction() as transaction, transaction.update_snapshot().fast_append() as append:
        for file in files:
            file.spec_id = table.spec().spec_id
            append.append_data_file(file)


def _fresh_catalog(warehouse: Path) -> Path:
    aside = warehouse.resolve() / f"{CATALOG_FILE}.new"
    aside.unlink(missing_ok=True)
    return aside


def _newest_metadata(warehouse: Path, name: str) -> Path | None:
    """Return the newest metadata file of a table of a Hadoop catalog: the hint's, or what a crash left after it."""
    folder = table_folder(warehouse, name) / "metadata"
    try:
        version = int((folder / HINT).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    while (folder / f"v{version + 1}.metadata.json").exists():
        version += 1
    path = folder / f"v{version}.metadata.json"
    return path if path.exists() else None
