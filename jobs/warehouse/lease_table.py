"""The table `pd.lease`: the head of its snapshots is the lock over machines, and a property names the one warehouse.

State, marts and lock of a warehouse belong to the tables of one catalog. A mistyped address or another folder over the
same catalog would see no runs, drop what the others have staged and publish elsewhere. So the place is noted once, and
whoever comes from another is refused.
"""

from __future__ import annotations

import contextlib

import pyarrow as pa
from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import CommitFailedException, NoSuchTableError, TableAlreadyExistsError
from pyiceberg.table import Table

from jobs import contracts
from jobs.errors import WarehouseError
from jobs.warehouse.catalog import OWN_PROPERTIES

TABLE = (contracts.NAMESPACE, "lease")
PLACE = f"{OWN_PROPERTIES}warehouse"
PROPERTIES = {
    "format-version": "2",
    "commit.retry.num-retries": "0",  # a commit on top of another head than was read is no lease
    "write.metadata.delete-after-commit.enabled": "true",
    "write.metadata.previous-versions-max": "5",
}


def table_of(catalog: Catalog, place: str) -> Table:
    """Return the table of the lease of a warehouse; make it where it is missing, with the name of the place.

    Raises:
        WarehouseError: the tables are another warehouse's.
    """
    place = _name(place)
    table = _table_of(catalog, place)
    if PLACE not in table.properties:
        return _noted(table, place)
    _require(table, place)
    return table


def require_place(catalog: Catalog, place: str) -> None:
    """Refuse a warehouse that is not the one of the catalog's tables; make and note nothing.

    Raises:
        WarehouseError: the tables are another warehouse's.
    """
    if catalog.namespace_exists(contracts.NAMESPACE) and catalog.table_exists(TABLE):
        _require(catalog.load_table(TABLE), _name(place))


def move(catalog: Catalog, place: str) -> str | None:
    """Note that the warehouse lies elsewhere now; return where it was, None where that is no news."""
    place = _name(place)
    table = _table_of(catalog, place)
    before = table.properties.get(PLACE)
    if before == place:
        return None
    _noted(table, place)
    return before


def _name(place: str) -> str:
    """Return a place without what an address says of how it is reached."""
    return place.partition("?")[0] if "://" in place else place


def _table_of(catalog: Catalog, place: str) -> Table:
    with contextlib.suppress(NoSuchTableError):
        return catalog.load_table(TABLE)
    catalog.create_namespace_if_not_exists(contracts.NAMESPACE)
    folder = str(catalog.properties.get("warehouse", "")).rstrip("/")
    location = f"{folder}/{'/'.join(TABLE)}" if "://" in folder else None
    schema, properties = pa.schema([pa.field("nothing", pa.string())]), {**PROPERTIES, PLACE: place}
    with contextlib.suppress(TableAlreadyExistsError, CommitFailedException):  # another command was faster
        return catalog.create_table(TABLE, schema, location=location, properties=properties)
    return catalog.load_table(TABLE)


def _noted(table: Table, place: str) -> Table:
    with table.transaction() as transaction:
        transaction.set_properties({PLACE: place})
    return table.refresh()


def _require(table: Table, place: str) -> None:
    if (noted := table.properties.get(PLACE, place)) != place:
        raise WarehouseError(
            f"The tables of this catalog belong to the warehouse {noted}, not to {place}.",
            where=f"--warehouse {place}; [catalog]",
            next_step=f"name {noted} with --warehouse, or a catalog of its own with [catalog]; if it was moved "
            f"as a whole: pdmetrics --warehouse {place} doctor --relocate",
        )
