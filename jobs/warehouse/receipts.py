"""Receipts of what was purged: rows of the table `purges`, which say what went and nothing of whom.

A commit that deletes carries its receipts in its snapshot, so that neither can be there without the other. From there
they are written into the table, before the snapshot goes: a purge that was killed has its receipts once, from the next.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date

import pandas as pd
import pyarrow as pa

from jobs import contracts
from jobs.schemas import arrow_schema
from jobs.warehouse.tables import NOTE, Tables

PURGES = "purges"
PERSONAL = tuple(name for name, table in contracts.TABLES.items() if table.personal_data != "none")
KEEP_UNTIL, USER_REQUEST = "keep_until", "user_request"


@dataclass(frozen=True)
class Due:
    """What goes, or went, of a day of a table.

    Attributes:
        event_date: the day.
        n_rows: rows that go.
        n_bytes, n_files: the data files that go; where only some of their rows go, they are written anew without them.
    """

    event_date: date
    n_rows: int
    n_bytes: int
    n_files: int


@dataclass(frozen=True)
class Receipt:
    """A row of `purges`.

    Attributes:
        purged_on: the day it happened (UTC).
        as_of_date: the day from which ages counted.
        cause: `keep_until` or `user_request`.
        table_name: which table.
        event_date, n_rows, n_bytes, n_files: as of `Due`.
        snapshot_id: the table's snapshot before.
    """

    purged_on: date
    as_of_date: date
    cause: str
    table_name: str
    event_date: date
    n_rows: int
    n_bytes: int
    n_files: int
    snapshot_id: int


@dataclass(frozen=True)
class Occasion:
    """Why and when rows are deleted: what all receipts of a purge have in common."""

    purged_on: date
    as_of_date: date
    cause: str


def note_of(occasion: Occasion, snapshot_id: int, going: Sequence[Due]) -> dict[str, str]:
    """Return the property that a snapshot carries which deletes rows.

    Args:
        occasion: why.
        snapshot_id: the table's snapshot before.
        going: what it deletes, by day.
    """
    days = [(str(due.event_date), due.n_rows, due.n_bytes, due.n_files) for due in going]
    text = {"on": str(occasion.purged_on), "as_of": str(occasion.as_of_date), "cause": occasion.cause}
    return {NOTE: json.dumps({**text, "before": snapshot_id, "days": days})}


def write_receipts(tables: Tables, names: Collection[str]) -> None:
    """Write the receipts that snapshots of some tables carry into `purges`, but those that are there."""
    carried = {receipt for name in names for receipt in _carried(tables, name)}
    new = sorted(carried - set(_written(tables)), key=lambda one: (one.table_name, one.snapshot_id, one.event_date))
    if new:
        schema = arrow_schema(contracts.table(PURGES).columns)
        tables.table(PURGES).append(pa.Table.from_pylist([asdict(receipt) for receipt in new], schema=schema))


def receipts(tables: Tables) -> list[Receipt]:
    """Return all receipts, oldest first; those of a purge that was killed before it wrote them, too."""
    found = {*_written(tables), *(one for name in PERSONAL if tables.has(name) for one in _carried(tables, name))}
    return sorted(found, key=lambda one: (one.purged_on, one.table_name, one.event_date, one.snapshot_id))


def purged_days(tables: Tables, names: Collection[str]) -> set[date]:
    """Return the days whose rows in some tables are gone since their time was over, and were not ingested again."""
    gone = {(one.table_name, one.event_date) for one in receipts(tables) if one.cause == KEEP_UNTIL}
    asked = {name for name, _ in gone if name in names}
    there = {(name, day) for name in asked for day in tables.days(name)}
    return {day for name, day in gone - there if name in asked}


def receipt_frame(found: Sequence[Receipt]) -> pd.DataFrame:
    """Return receipts by purge, table and cause: columns of `Receipt`, days as the first and the last."""
    frame = pd.DataFrame([asdict(one) for one in found], columns=list(Receipt.__dataclass_fields__))
    keys = ["purged_on", "cause", "table_name"]
    sums = {name: (name, "sum") for name in ("n_rows", "n_bytes", "n_files")}
    grouped = frame.groupby(keys, as_index=False, sort=False)
    return grouped.agg(first_day=("event_date", "min"), last_day=("event_date", "max"), **sums)


def _written(tables: Tables) -> Iterator[Receipt]:
    """Give the receipts of the table, none where it is not there yet."""
    if tables.has(PURGES):
        scan = tables.table(PURGES).scan(snapshot_id=tables.snapshot(PURGES, None))
        for row in scan.to_arrow().to_pylist():
            yield Receipt(**{name: row[name] for name in Receipt.__dataclass_fields__})


def _carried(tables: Tables, name: str) -> Iterator[Receipt]:
    for snapshot in tables.table(name).metadata.snapshots:
        if snapshot.summary and (text := snapshot.summary[NOTE]):
            note, day = json.loads(text), date.fromisoformat
            for event_date, n_rows, n_bytes, n_files in note["days"]:
                yield Receipt(
                    day(note["on"]), day(note["as_of"]), note["cause"], name, day(event_date),
                    n_rows, n_bytes, n_files, note["before"],
                )  # fmt: skip
