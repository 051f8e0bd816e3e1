"""Open the warehouse that `--warehouse` names: a folder of this machine, or an address beside its tables."""

from __future__ import annotations

from pathlib import Path

from jobs.errors import WarehouseError
from jobs.settings import Settings
from jobs.warehouse.runs import Warehouse

SQL = "sql"


def open_warehouse(place: Path | str, settings: Settings) -> tuple[Warehouse, Settings]:
    """Return the warehouse of a folder or an address, and the settings as they hold for it.

    A folder's own catalog needs no setting. Beside an address the tables of a SQL catalog go to `ADDRESS/lake` unless
    `[catalog] warehouse` says otherwise.

    Args:
        place: a folder, or an address as text.
        settings: of which `[run]` and `[catalog]` count.

    Raises:
        WarehouseError: an address without a catalog that other machines reach, or one that cannot be opened.
    """
    if isinstance(place, Path):
        return Warehouse(place, lock_wait_seconds=settings.run.lock_wait_seconds), settings
    from jobs.warehouse.catalog import open_catalog
    from jobs.warehouse.lease import Lease
    from jobs.warehouse.store import open_store
    from jobs.warehouse.stored import StoredWarehouse
    from jobs.warehouse.work import WorkFolder, default_root

    settings = _beside(place, settings)
    properties = settings.catalog.properties()
    store = open_store(place, properties)
    work = WorkFolder(settings.run.work_dir or default_root(store.address))
    lease = Lease(lambda: open_catalog({"type": SQL, **properties}), settings.run.lease_minutes)
    return StoredWarehouse(store, work, lease, lock_wait_seconds=settings.run.lock_wait_seconds), settings


def _beside(address: str, settings: Settings) -> Settings:
    """Return the settings of a warehouse at an address; refuse those that hold for one machine only."""
    catalog = settings.catalog
    if (catalog.type or SQL) == SQL and catalog.uri is None:
        raise WarehouseError(
            "A warehouse at an address needs a catalog that every machine reaches, and none is set.",
            where=f"--warehouse {address}; [catalog]",
            next_step="set [catalog] type and uri, of SQL on PostgreSQL or of a REST catalog (docs/operations.md)",
        )
    if (catalog.type or SQL) != SQL or catalog.warehouse is not None:
        return settings
    tables = catalog.model_copy(update={"warehouse": f"{address.rstrip('/')}/lake"})
    return settings.model_copy(update={"catalog": tables})
