"""Entry: read-only SQL on the published marts."""

from __future__ import annotations

import contextlib
import csv
import json
import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from rich.console import Console

from jobs.commands.cut_off import finish_cut_off
from jobs.console import as_records, as_table, fits
from jobs.errors import UsageError
from jobs.log import send_nowhere
from jobs.marts.read import Answer, Row, answer
from jobs.settings import Settings
from jobs.warehouse.runs import Warehouse

SHOWN_ROWS = 200


def statement(sql: str | None, file: Path | None) -> str:
    """Return the SQL to run: given as such, `-` for standard input, or in a file.

    Raises:
        UsageError: none or two are given, or the file cannot be read.
    """
    if (sql is None) == (file is None):
        raise UsageError("Give one query: as an argument, - for standard input, or --file.", next_step="query --help")
    if file is None:
        return sys.stdin.read() if sql == "-" else str(sql)
    try:
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The file cannot be read: {error}.", where=str(file), next_step="check --file") from None


def run_query(
    console: Console, settings: Settings, warehouse: Warehouse, sql: str, output: str, *, shows_all: bool = False
) -> None:
    """Print the rows of a query.

    Args:
        console: where a table goes.
        settings: with the catalog, should a publish have to be finished.
        warehouse: with the marts.
        sql: one statement that reads.
        output: `table`, `csv` or `json` (an array of objects, not-a-number as null).
        shows_all: of a table, every row.

    Raises:
        UsageError: nothing is published yet, or the SQL is wrong.
    """
    finish_cut_off(settings, warehouse)
    with answer(warehouse, sql) as found, _quiet_when_nobody_reads():
        if output == "csv":
            _print_csv(found)
        elif output == "json":
            _print_json(found)
        else:
            _print_table(console, found, None if shows_all else SHOWN_ROWS)


@contextlib.contextmanager
def _quiet_when_nobody_reads() -> Iterator[None]:
    """End without a word where the other end of a pipe has what it wanted (`query … | head`).

    Raises:
        UsageError: the answer cannot be written, say to a disk that is full.
    """
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        send_nowhere(sys.stdout)
    except OSError as error:
        send_nowhere(sys.stdout)
        raise UsageError(
            f"The answer cannot be written: {error.strerror}.",
            where="standard output",
            next_step="free space where it goes, or send it elsewhere, and query again; the warehouse is as it was",
        ) from None


def _print_csv(found: Answer) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(found.columns)
    writer.writerows(found.rows)


def _print_json(found: Answer) -> None:
    sys.stdout.write("[")
    for number, row in enumerate(found.rows):
        record = dict(zip(found.columns, map(_finite, row), strict=True))
        sys.stdout.write((",\n " if number else "\n ") + json.dumps(record, default=str, ensure_ascii=False))
    sys.stdout.write("\n]\n")


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _print_table(console: Console, found: Answer, limit: int | None) -> None:
    rows: Sequence[Row] = list(islice(found.rows, limit))
    is_cut = limit is not None and _any(found.rows)
    table = as_table(found.columns, rows)
    if rows or fits(console, found.columns, rows):
        console.print(table if fits(console, found.columns, rows) else as_records(found.columns, rows))
    if not rows:
        console.print("There are no rows.")
    if is_cut:
        console.print(f"The first {limit} rows; --all shows every one, --format csv writes them.", style="yellow")


def _any(rows: Iterable[Row]) -> bool:
    return next(iter(rows), None) is not None
