"""The catalog of the lake: which it is, and its tables as the contracts state them."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
from pyiceberg.catalog import Catalog, load_catalog
from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.schema import Schema
from pyiceberg.table import Table, TableProperties
from pyiceberg.table.refs import MAIN_BRANCH

from jobs import contracts
from jobs.errors import WarehouseError
from jobs.schemas import arrow_schema
from jobs.secrets import shown
from jobs.table import Table as TableContract

NAME = "lake"
OWN_PROPERTIES = "pdmetrics."  # how our own properties of a table begin: they go where its rows go
CATALOG_FILE = "catalog.db"
LAKE_FOLDER = "lake"
TABLE_PROPERTIES = {
    "format-version": "2",
    "write.metadata.delete-after-commit.enabled": "true",
    "write.metadata.previous-versions-max": "20",
    "write.parquet.compression-codec": "zstd",
    # One day more of a long history must not cost more because every day before it left a manifest.
    "commit.manifest-merge.enabled": "true",
}

# PyIceberg tells in a warning what is no news here: days that are overwritten need not have been there before.
warnings.filterwarnings("ignore", message="Delete operation did not match any records")


def catalog_properties(settings: Mapping[str, str], warehouse: Path) -> dict[str, str]:
    """Return PyIceberg's properties of the catalog: those set, and the defaults, which lie in the warehouse.

    Args:
        settings: of `[catalog]`, by PyIceberg's names.
        warehouse: the warehouse directory.
    """
    root = warehouse.resolve()
    kind = settings.get("type", "sql")
    default = {"type": kind}
    if kind == "sql" and "uri" not in settings:
        default["uri"] = f"sqlite:///{root / CATALOG_FILE}"
    if kind == "sql" and "warehouse" not in settings:  # elsewhere it is the catalog's to say where tables lie
        default["warehouse"] = file_location(root / LAKE_FOLDER)
    return {**default, **settings}


def is_own(properties: Mapping[str, str], warehouse: Path) -> bool:
    """Whether the catalog is the warehouse's own file, whose tables lie beside it."""
    return properties.get("uri") == f"sqlite:///{warehouse.resolve() / CATALOG_FILE}"


def open_catalog(properties: Mapping[str, str]) -> Catalog:
    """Open the catalog of the lake.

    Raises:
        WarehouseError: it cannot be reached, or its settings make no catalog.
    """
    try:
        return load_catalog(NAME, **dict(properties))
    except Exception as error:  # each kind of catalog raises what its client library does
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise WarehouseError(
            f"The catalog cannot be opened: {shown('', why)}.",
            where=f"[catalog] type {properties.get('type')}, uri {shown('uri', properties.get('uri'))}",
            next_step="check [catalog], and that what it names is there",
        ) from None


def ensure_tables(catalog: Catalog) -> dict[str, Table]:
    """Return every table of the contracts; create what is missing, and add columns that a table lacks.

    Raises:
        WarehouseError: a table has columns that the contract does not allow.
    """
    catalog.create_namespace_if_not_exists(contracts.NAMESPACE)
    return {name: _ensure(catalog, contract) for name, contract in contracts.TABLES.items()}


def known_tables(catalog: Catalog) -> dict[str, Table]:
    """Return the tables of the contracts that are there; make and change nothing."""
    if not catalog.namespace_exists(contracts.NAMESPACE):
        return {}
    there = {identifier[-1] for identifier in catalog.list_tables(contracts.NAMESPACE)}
    return {name: catalog.load_table((contracts.NAMESPACE, name)) for name in contracts.TABLES if name in there}


def missing_columns(table: Table, contract: TableContract) -> list[pa.Field]:
    """Return the columns that a table lacks and may be given.

    Raises:
        WarehouseError: it has columns that the contract does not allow.
    """
    wanted, found = arrow_schema(contract.columns), _shape(table)
    known = {field.name: kind for field, kind in zip(wanted, _plain(wanted).values(), strict=True)}
    changed = [name for name, kind in found.items() if known.get(name) != kind]
    if changed:
        raise WarehouseError(
            f"Table {contract.name} differs from what this version writes: {', '.join(changed)}.",
            where=table.metadata_location,
            next_step="use the version that wrote it, or recompute its days into another warehouse (--warehouse)",
        )
    return [field for field in wanted if field.name not in found]


def create_table(catalog: Catalog, name: str, like: Table | None = None) -> Table:
    """Create a table as its contract states it, with a first snapshot, since a branch begins at one.

    Args:
        catalog: where it is registered.
        name: a table of `contracts.py`.
        like: the table whose files it takes over, and so its columns and what we noted on it; else the contract's.
    """
    schema: Schema | None = like.schema() if like else None
    noted = {key: value for key, value in (like.properties if like else {}).items() if key.startswith(OWN_PROPERTIES)}
    contract = contracts.table(name)
    wanted = arrow_schema(contract.columns)
    folder = str(catalog.properties.get("warehouse", "")).rstrip("/")
    # In some catalogs a warehouse is a name: then they know where a new table goes.
    location = f"{folder}/{contracts.NAMESPACE}/{name}" if "://" in folder else None
    identifier = (contracts.NAMESPACE, name)
    with catalog.create_table_transaction(
        identifier, schema or wanted, location=location, properties={**TABLE_PROPERTIES, **noted}
    ) as transaction:
        with transaction.update_spec() as spec:
            spec.add_identity(contract.partition)
        # Files that the embedded engine wrote have names and no numbers.
        names = transaction.table_metadata.schema().name_mapping.model_dump_json()
        transaction.set_properties({TableProperties.DEFAULT_NAME_MAPPING: names})
        transaction.append((schema.as_arrow() if schema else wanted).empty_table())
    return catalog.load_table(identifier)


def local_path(location: str) -> Path | None:
    """Return the path of a location on this machine, None for one elsewhere."""
    scheme, found, path = location.partition("://")
    if not found:
        scheme, path = "file", location.removeprefix("file:")
    return Path(path) if scheme == "file" else None


def file_location(path: Path) -> str:
    """Return the location of a path as Iceberg writes it: nothing is escaped, whatever the path holds."""
    return f"file://{path}"


def _ensure(catalog: Catalog, contract: TableContract) -> Table:
    try:
        table = catalog.load_table((contracts.NAMESPACE, contract.name))
    except NoSuchTableError:
        return create_table(catalog, contract.name)
    wanted, found = arrow_schema(contract.columns), _shape(table)
    if table.current_snapshot() is None:
        table.append(table.schema().as_arrow().empty_table())
    if found == _plain(wanted):
        return _with_heads_of_today(table)
    missing = missing_columns(table, contract)
    with table.update_schema() as update:
        update.union_by_name(pa.schema(missing))
    return _with_heads_of_today(catalog.load_table((contracts.NAMESPACE, contract.name)))


def _with_heads_of_today(table: Table) -> Table:
    """Give a table's heads the columns that were added: who reads by snapshot sees the columns of its time.

    What a run has staged must stay ahead of `main`, so `main` gets its new snapshot with that run or after it.
    """
    for ref in (set(table.metadata.refs) - {MAIN_BRANCH}) or {MAIN_BRANCH}:
        head = table.snapshot_by_name(ref)
        if head is not None and head.schema_id is not None and head.schema_id != table.schema().schema_id:
            table.append(table.schema().as_arrow().empty_table(), branch=ref)
    return table


def _shape(table: Table) -> dict[str, str]:
    """Return the names and types of a table's columns as text, without the numbers of its fields."""
    return _plain(table.schema().as_arrow())


def _plain(schema: pa.Schema) -> dict[str, str]:
    """Return names and types as text; large and plain strings and lists are one and the same here."""
    return {field.name: str(field.type).replace("large_", "").replace(" not null", "") for field in schema}
