"""Entry: read-only SQL on the published marts."""

from __future__ import annotations

import csv
import json
import sys

from rich.console import Console

from jobs.console import as_table
from jobs.marts.read import fetch
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
        from jobs.steps.job import finish_publish  # only where a publish was cut off

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
