"""What a terminal shows: rows laid out as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.table import Table


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
