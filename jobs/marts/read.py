"""Read the marts: one read-only query at a time, and nothing else on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

from jobs.errors import UsageError
from jobs.warehouse.runs import Warehouse


def fetch(warehouse: Warehouse, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return columns and rows of a query on the published marts, which are opened for this one query."""
    if not warehouse.marts.exists():
        raise UsageError(
            "Nothing is published in this warehouse yet.",
            where=str(warehouse.marts),
            next_step="pdmetrics run --date DAY --input DIR (or name another warehouse with --warehouse)",
        )
    return fetch_file(warehouse.marts, sql)


def fetch_file(marts: Path, sql: str, parameters: Sequence[Any] = ()) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return columns and rows of a query on one marts file."""
    # No external access: a query reads the marts and nothing else on this machine.
    with duckdb.connect(str(marts), read_only=True, config={"enable_external_access": "false"}) as connection:
        connection.execute("set schema = 'marts'")
        try:
            result = connection.execute(sql, parameters)
            return [column[0] for column in result.description], result.fetchall()
        except duckdb.Error as error:
            raise UsageError(
                f"The query failed: {error}", where=sql, next_step="pdmetrics query 'show tables' lists the marts"
            ) from None
