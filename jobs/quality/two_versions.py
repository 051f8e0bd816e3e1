"""Two versions of the marts in one connection: `built`, as a run built them, and `live`, as they are published."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from jobs.catalogue import load_catalogue


def attach_versions(
    connection: duckdb.DuckDBPyConnection, built: Path, live: Path, stand_ins: Sequence[str] = ()
) -> None:
    """Attach both files under names of ours: DuckDB would name both after their files, which are called alike.

    Args:
        connection: to which they are attached, read only.
        built: the file of the run.
        live: the published one; where there is none, `live` is empty.
        stand_ins: marts of which `live` has one without a row then, as far as `built` has them.

    Raises:
        duckdb.Error: a file cannot be read.
    """
    _attach(connection, "built", built)
    if live.exists():
        _attach(connection, "live", live)
        return
    connection.execute("attach ':memory:' as live; create schema live.marts")
    found = connection.execute(
        "select distinct table_name from duckdb_columns() where database_name = 'built' and schema_name = 'marts'"
    ).fetchall()
    for name in {name for (name,) in found} & set(stand_ins):
        connection.execute(f"create table live.marts.{name} as from built.marts.{name} limit 0")


def name_metrics_of_dumps(connection: duckdb.DuckDBPyConnection) -> None:
    """Create `of_dumps`, the metrics that `pdmetrics audience` counts in dumps, beside the runs of days."""
    names = [(metric.metric,) for metric in load_catalogue().metrics.values() if metric.family == "audience"]
    connection.execute("create temp table of_dumps (metric text)")
    connection.executemany("insert into of_dumps values (?)", names)


def _attach(connection: duckdb.DuckDBPyConnection, name: str, file: Path) -> None:
    path = str(file).replace("'", "''")
    connection.execute(f"attach '{path}' as {name} (read_only)")
