"""The published or staged rows of one wiki of a small table, read past any engine."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from pyiceberg.expressions import And

from jobs import contracts
from jobs.warehouse.tables import Tables, between, equal_to


def wiki_rows(
    tables: Tables, name: str, wiki_db: str, first: date, last: date, columns: Sequence[str], run_id: str | None = None
) -> list[dict[str, Any]]:
    """Return some columns of a wiki's rows of the days `first` to `last` (included), as a run sees them.

    Args:
        tables: of the warehouse.
        name: a table with a column `wiki_db` that is partitioned by day.
        wiki_db: the wiki.
        first: first day.
        last: last day; nothing is read where it comes before the first.
        columns: their names.
        run_id: the run; None for what is published.
    """
    if last < first:
        return []
    condition = And(between(contracts.table(name).partition, first, last), equal_to("wiki_db", wiki_db))
    scan = tables.table(name).scan(condition, tuple(columns), snapshot_id=tables.snapshot(name, run_id))
    rows: list[dict[str, Any]] = scan.to_arrow().to_pylist()
    return rows
