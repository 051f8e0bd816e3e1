"""DuckDB's extensions, which come as Python packages and are loaded by path: no network."""

from __future__ import annotations

from importlib.resources import files

import duckdb


def load_iceberg(connection: duckdb.DuckDBPyConnection) -> None:
    """Load the Iceberg extension and, before it, Avro, which it needs."""
    for name in ("avro", "iceberg"):
        folder = files(f"duckdb_extension_{name}") / "extensions" / f"v{duckdb.__version__}"
        path = str(folder / f"{name}.duckdb_extension").replace("'", "''")
        connection.execute(f"load '{path}'")
