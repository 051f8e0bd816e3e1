"""dbt-duckdb plugin: the tables of the lake, and the run's reference CSVs, as views of an in-memory database `lake`.

What is where stands in the JSON file that the environment variable PD_LAKE_FILE names; `jobs/marts/build.py` writes it:
`{"tables": {schema: {name: {"columns": {name: type}, "kind": ..., "path": ..., "snapshot_id": ...}}}}`, `kind` being
`iceberg` (as of a snapshot), `parquet`, `csv` (with a header) or `empty` (no rows yet), types being DuckDB's.

The Iceberg extension comes from its Python wheels and is loaded by path, so no network is needed.
"""

from __future__ import annotations

import json
import os
from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb
from dbt.adapters.duckdb.plugins import BasePlugin


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _name(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'


def load_iceberg(connection: duckdb.DuckDBPyConnection) -> None:
    """Load the Iceberg extension and, before it, Avro, which it needs."""
    for extension in ("avro", "iceberg"):
        folder = files(f"duckdb_extension_{extension}") / "extensions" / f"v{duckdb.__version__}"
        connection.execute(f"load {_text(str(folder / f'{extension}.duckdb_extension'))}")


def view_query(table: dict[str, Any]) -> str:
    """Return the query behind one view, its columns in the order of the contract."""
    columns: dict[str, str] = table["columns"]
    if table["kind"] == "empty":
        nulls = ", ".join(f"cast(null as {kind}) as {_name(name)}" for name, kind in columns.items())
        return f"select {nulls} where false"
    path = _text(table["path"])
    if table["kind"] == "iceberg":
        scan = f"iceberg_scan({path}, snapshot_from_id = {int(table['snapshot_id'])})"
    elif table["kind"] == "parquet":
        scan = f"read_parquet({path})"
    elif table["kind"] == "csv":
        types = ", ".join(f"{_text(name)}: {_text(kind)}" for name, kind in columns.items())
        dialect = "header = true, auto_detect = false, delim = ',', quote = '\"', escape = '\"'"
        scan = f"read_csv({path}, {dialect}, columns = {{{types}}})"
    else:
        raise ValueError(f"unknown kind of table: {table['kind']!r}")
    return f"select {', '.join(map(_name, columns))} from {scan}"


class Plugin(BasePlugin):
    """Configures each new connection of dbt."""

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Attach `lake` and create its views."""
        conn.execute("attach if not exists ':memory:' as lake")
        location = os.environ.get("PD_LAKE_FILE")
        if location is None:
            return  # `dbt parse` and `dbt docs` need no data
        schemas: dict[str, dict[str, dict[str, Any]]] = json.loads(Path(location).read_text(encoding="utf-8"))["tables"]
        if any(table["kind"] == "iceberg" for tables in schemas.values() for table in tables.values()):
            load_iceberg(conn)
        for schema, tables in schemas.items():
            conn.execute(f"create schema if not exists lake.{_name(schema)}")
            for name, table in tables.items():
                conn.execute(f"create or replace view lake.{_name(schema)}.{_name(name)} as {view_query(table)}")
