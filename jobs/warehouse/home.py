"""Is this warehouse where it was made, and of this version: Iceberg's paths are absolute.

A copied warehouse (`cp -r`) would read the original's rows and commit into its tables. So one that lies elsewhere than
its tables say is refused, and `relocate.relocate` makes its metadata anew over the data files that lie here. A
warehouse of the first version had a Hadoop catalog; `relocate.adopt` registers its tables.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import overload

from pyiceberg.catalog import Catalog

from jobs import contracts
from jobs.errors import WarehouseError
from jobs.warehouse.catalog import CATALOG_FILE, LAKE_FOLDER, NAME, catalog_properties, is_own, local_path, open_catalog

HINT = "version-hint.text"


@overload
def open_home(settings: Mapping[str, str], warehouse: Path) -> tuple[Catalog, dict[str, str]]: ...


@overload
def open_home(
    settings: Mapping[str, str], warehouse: Path, *, look_only: bool
) -> tuple[Catalog | None, dict[str, str]]: ...


def open_home(
    settings: Mapping[str, str], warehouse: Path, *, look_only: bool = False
) -> tuple[Catalog | None, dict[str, str]]:
    """Open the catalog of a warehouse, if the warehouse is the one its tables belong to.

    Args:
        settings: of `[catalog]`.
        warehouse: the warehouse directory.
        look_only: do not make the catalog file of a new warehouse.

    Returns:
        The catalog (None where it is only looked for and not there) and its properties.

    Raises:
        WarehouseError: it was copied or moved, or an older version made it, or the catalog cannot be opened.
    """
    if settings.get("type", "sql") == "sql" and "warehouse" in settings and "uri" not in settings:
        raise WarehouseError(
            "The catalog file in the warehouse is for tables that lie beside it.",
            where=f"[catalog] warehouse = {settings['warehouse']}",
            next_step="set [catalog] uri too, such as postgresql://…, or leave both out",
        )
    properties = catalog_properties(settings, warehouse)
    if is_own(properties, warehouse):
        _require_home(warehouse)
        if look_only and not (warehouse / CATALOG_FILE).exists():
            return None, properties
    return open_catalog(properties), properties


def _require_home(warehouse: Path) -> None:
    """Refuse a warehouse with a catalog file of its own that is not the one of its tables.

    Raises:
        WarehouseError: it was copied or moved, an older version made it, or the file is lost.
    """
    if is_old(warehouse):
        raise WarehouseError(
            "This warehouse is of an older version, whose tables stand in no catalog.",
            where=str(warehouse),
            next_step=f"pdmetrics --warehouse {warehouse} doctor --adopt takes them over, all rows and days included",
        )
    if made := made_elsewhere(warehouse):
        raise WarehouseError(
            f"This warehouse was made at {made} and lies elsewhere now: its tables point there.",
            where=str(warehouse),
            next_step=f"pdmetrics --warehouse {warehouse} doctor --relocate makes it a warehouse of its own",
        )
    if lost := _unknown_tables(warehouse):
        raise WarehouseError(
            f"The catalog file is gone or does not know all tables that lie here: {', '.join(lost)}.",
            where=str(warehouse / CATALOG_FILE),
            next_step="restore the warehouse from a backup; to begin a new history, name another with --warehouse",
        )


def is_old(warehouse: Path) -> bool:
    """Whether the warehouse has tables of the first version's Hadoop catalog and no catalog of its own."""
    hints = (table_folder(warehouse, name) / "metadata" / HINT for name in contracts.TABLES)
    return not (warehouse / CATALOG_FILE).exists() and any(hint.exists() for hint in hints)


def _unknown_tables(warehouse: Path) -> list[str]:
    """Return the tables that have rows in the lake and no entry in the warehouse's own catalog.

    One without rows may have none: it was being made when a first run was killed.
    """
    unknown = contracts.TABLES.keys() - metadata_locations(warehouse).keys()
    return sorted(name for name in unknown if any(table_folder(warehouse, name).glob("data/**/*.parquet")))


def made_elsewhere(warehouse: Path) -> Path | None:
    """Return where a copied or moved warehouse was made, None for one that is at home."""
    lake = warehouse.resolve() / LAKE_FOLDER
    for location in metadata_locations(warehouse).values():
        path = local_path(location)
        if path is not None and not path.is_relative_to(lake):
            return path.parents[4]  # MADE/lake/pd/<table>/metadata/<file>
    return None


def metadata_locations(warehouse: Path) -> dict[str, str]:
    """Return by table what the warehouse's own catalog file says, without opening what may be another's metadata.

    The table is the one that every JDBC catalog of Iceberg has; PyIceberg has no call that does not load the metadata.

    Raises:
        WarehouseError: the file is no catalog.
    """
    path = warehouse / CATALOG_FILE
    if not path.exists():
        return {}
    query = "select table_name, metadata_location from iceberg_tables where catalog_name = ? and table_namespace = ?"
    try:
        with contextlib.closing(sqlite3.connect(path)) as connection:
            return dict(connection.execute(query, (NAME, contracts.NAMESPACE)).fetchall())
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            return {}
        raise _damaged(path, error) from None
    except sqlite3.DatabaseError as error:
        raise _damaged(path, error) from None


def table_folder(warehouse: Path, name: str) -> Path:
    """Return the folder of a table of the warehouse's own lake."""
    return warehouse.resolve() / LAKE_FOLDER / contracts.NAMESPACE / name


def _damaged(path: Path, error: Exception) -> WarehouseError:
    return WarehouseError(
        f"The catalog file cannot be read: {error}.", where=str(path), next_step="restore the warehouse from a backup"
    )
