"""dbt-duckdb plugin: the tables of the lake, and the run's reference CSVs, as views of an in-memory database `lake`.

What is where stands in the JSON file that the environment variable PD_LAKE_FILE names; `jobs/marts/build.py` writes it:
`{"tables": {schema: {name: {"columns": {name: type}, "kind": ..., "path": ..., "snapshot_id": ...}}}}`, `kind` being
`iceberg` (as of a snapshot), `parquet`, `csv` (with a header) or `empty` (no rows yet), types being DuckDB's, and paths
relative to the JSON file. Without the variable it is the target's own file, if it has one: `config: {lake_file: …}`,
relative to the dbt project (the fixture of target `dev`).

The Iceberg extension comes from its Python wheels and is loaded by path, so no network is needed.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import duckdb
from dbt.adapters.duckdb.plugins import BasePlugin
from dbt_common.exceptions import DbtRuntimeError

from jobs.warehouse.extensions import load_iceberg

PROJECT = Path(__file__).resolve().parents[1]


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _name(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'


def view_query(table: dict[str, Any], folder: Path) -> str:
    """Return the query behind one view, its columns in the order of the contract.

    Args:
        table: its kind, path and columns.
        folder: what a relative path is relative to.
    """
    columns: dict[str, str] = table["columns"]
    if table["kind"] == "empty":
        nulls = ", ".join(f"cast(null as {kind}) as {_name(name)}" for name, kind in columns.items())
        return f"select {nulls} where false"
    path = _text(str(folder / table["path"]))
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


def lake_file(fallback: str | None) -> Path | None:
    """Return the JSON file that says what is where: of the environment, else of the target; None if neither names one.

    Args:
        fallback: the target's file, relative to the dbt project.

    Raises:
        DbtRuntimeError: it is not there.
    """
    named = os.environ.get("PD_LAKE_FILE")
    if named is None and fallback is None:
        return None
    found = Path(named) if named else PROJECT / str(fallback)
    if not found.exists():
        advice = "pdmetrics run writes one, next/lake.json" if named else "it is in a clone only; in one: make fixture"
        raise DbtRuntimeError(f"There is no {found}, which says where the lake's tables are ({advice}).")
    return found


class Plugin(BasePlugin):
    """Configures each new connection of dbt."""

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        """Keep what the target says of this plugin."""
        self.own_lake_file: str | None = plugin_config.get("lake_file")

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Attach `lake` and create its views."""
        conn.execute("attach if not exists ':memory:' as lake")
        location = lake_file(self.own_lake_file)
        if location is None:
            return  # `dbt parse` and `dbt docs` need no data
        schemas: dict[str, dict[str, dict[str, Any]]] = json.loads(location.read_text(encoding="utf-8"))["tables"]
        if any(table["kind"] == "iceberg" for tables in schemas.values() for table in tables.values()):
            load_iceberg(conn)
        for schema, tables in schemas.items():
            conn.execute(f"create schema if not exists lake.{_name(schema)}")
            for name, table in tables.items():
                query = view_query(table, location.parent)
                conn.execute(f"create or replace view lake.{_name(schema)}.{_name(name)} as {query}")
