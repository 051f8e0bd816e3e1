"""Entry: read-only SQL on the published marts."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
from rich.console import Console
from rich.table import Table

from jobs.errors import UsageError
from jobs.settings import Settings
from jobs.warehouse.runs import Warehouse


def run_query(console: Console, settings: Settings, warehouse: Warehouse, sql: str, output: str) -> None:
    """Print the rows of a query.

    Args:
        output: `table`, `csv` or `json` (an array of objects).

    Raises:
        UsageError: nothing is published yet, or the SQL is wrong.
    """
    if warehouse.journal.exists():
        from jobs.commands.run import finish_publish  # only where a publish was cut off

        finish_publish(settings, warehouse)
    columns, rows = fetch(warehouse, sql)
    if output == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
    elif output == "json":
        json.dump([dict(zip(columns, row, strict=True)) for row in rows], sys.stdout, default=str, indent=1)
        print()
    else:
        console.print(as_table(columns, rows))


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


def as_table(columns: Sequence[str], rows: Sequence[Sequence[Any]], title: str | None = None) -> Table:
    """Lay rows out for a terminal; null stands as a dash, numbers with at most six significant digits."""
    table = Table(title=title, title_justify="left", header_style="bold")
    for index, column in enumerate(columns):
        numeric = any(isinstance(row[index], int | float) for row in rows)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(
            *("–" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value) for value in row)
        )
    return table
