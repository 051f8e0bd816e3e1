"""SQL over the published tables of the lake, for somebody who only looks: DuckDB, without an engine.

Tables that lie on this machine are scanned where they are, as of the published snapshot. Of those that lie elsewhere
the days that are asked for are fetched first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from jobs import contracts
from jobs.warehouse.catalog import local_path
from jobs.warehouse.extensions import load_iceberg
from jobs.warehouse.tables import EPOCH, Tables, between


@dataclass(frozen=True)
class View:
    """A table as it can be queried.

    Attributes:
        table: its name, which is the view's as well.
        snapshot_id: the published snapshot.
        source: what the view selects from, in DuckDB's SQL; in words where the rows were fetched.
    """

    table: str
    snapshot_id: int
    source: str


class LakeSql:
    """Views of tables of the lake on one connection.

    Args:
        connection: in memory, with the views.
        views: by name.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, views: Sequence[View]) -> None:
        self._connection = connection
        self.views = {view.table: view for view in views}

    def fetch(self, sql: str) -> list[dict[str, Any]]:
        """Return the rows of a statement over the views."""
        result = self._connection.execute(sql)
        columns = [column[0] for column in result.description or ()]
        return [dict(zip(columns, row, strict=True)) for row in result.fetchall()]


@contextmanager
def lake_sql(
    tables: Tables, names: Sequence[str], first: date, last: date, *, whole: Collection[str] = ()
) -> Iterator[LakeSql]:
    """Open views of some tables of the lake as published.

    Args:
        tables: of the warehouse.
        names: tables of `contracts.py`.
        first: no day before it is needed, but of the tables in `whole`.
        last: no day after it is needed.
        whole: tables of which all days before are needed as well.
    """
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        load_iceberg(connection)
        yield LakeSql(
            connection, [_view(connection, tables, name, EPOCH if name in whole else first, last) for name in names]
        )


def _view(connection: duckdb.DuckDBPyConnection, tables: Tables, name: str, first: date, last: date) -> View:
    snapshot = tables.snapshot(name, None)
    metadata = local_path(tables.table(name).metadata_location)
    if metadata is not None:
        source = f"iceberg_scan({quoted(str(metadata))}, snapshot_from_id = {snapshot})"
        connection.execute(f"create view {name} as select * from {source}")
        return View(name, snapshot, source)
    condition = between(contracts.table(name).partition, first, last)
    connection.register(name, tables.table(name).scan(condition, snapshot_id=snapshot).to_arrow())
    location = tables.table(name).location()
    told = "all days" if first == EPOCH else first
    return View(name, snapshot, f"rows of {told} to {last} fetched from {location}, snapshot {snapshot}")


def quoted(text: str) -> str:
    """Write a text as SQL does."""
    return "'" + text.replace("'", "''") + "'"
