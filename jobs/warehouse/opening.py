"""Open the warehouse that `--warehouse` names: a folder of this machine, or an address beside its tables."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from jobs.errors import WarehouseError
from jobs.settings import Settings
from jobs.warehouse.runs import Warehouse

SQL = "sql"


def open_warehouse(place: Path | str, settings: Settings) -> Warehouse:
    """Return the warehouse of a folder or an address.

    Args:
        place: a folder, or an address as text.
        settings: as `settings_for` returns them, of which `[run]` and `[catalog]` count.

    Raises:
        WarehouseError: an address that cannot be opened.
    """
    properties, wait_seconds = settings.catalog.properties(), settings.run.lock_wait_seconds
    if isinstance(place, Path):
        require_own = partial(_require_own, properties, place.resolve()) if properties else None
        return Warehouse(place, lock_wait_seconds=wait_seconds, require_own=require_own)
    from jobs.warehouse.catalog import open_catalog
    from jobs.warehouse.lease import Lease
    from jobs.warehouse.store import open_store
    from jobs.warehouse.stored import StoredWarehouse
    from jobs.warehouse.work import WorkFolder, default_root

    store = open_store(place, properties)
    work = WorkFolder(settings.run.work_dir or default_root(store.address))
    lease = Lease(lambda: open_catalog({"type": SQL, **properties}), settings.run.lease_minutes, store.address)
    return StoredWarehouse(store, work, lease, lock_wait_seconds=wait_seconds)


def settings_for(place: Path | str, settings: Settings) -> Settings:
    """Return the settings as they hold for a warehouse; reaches nothing.

    A folder's own catalog needs no setting. Beside an address the tables of a SQL catalog go to `ADDRESS/lake` unless
    `[catalog] warehouse` says otherwise.

    Raises:
        WarehouseError: an address without a catalog that other machines reach.
    """
    catalog = settings.catalog
    if isinstance(place, Path):
        return settings
    if (catalog.type or SQL) == SQL and catalog.uri is None:
        raise WarehouseError(
            "A warehouse at an address needs a catalog that every machine reaches, and none is set.",
            where=f"--warehouse {place}; [catalog]",
            next_step="set [catalog] type and uri, of SQL on PostgreSQL or of a REST catalog (docs/operations.md)",
        )
    if (catalog.type or SQL) != SQL or catalog.warehouse is not None:
        return settings
    tables = catalog.model_copy(update={"warehouse": f"{place.rstrip('/')}/lake"})
    return settings.model_copy(update={"catalog": tables})


def _require_own(properties: Mapping[str, str], folder: Path) -> None:
    """Refuse a folder over a catalog whose tables are another warehouse's; its own catalog file is nobody else's."""
    from jobs.warehouse.catalog import catalog_properties, is_own, open_catalog
    from jobs.warehouse.lease_table import table_of

    whole = catalog_properties(properties, folder)
    if not is_own(whole, folder):
        table_of(open_catalog(whole), str(folder))
