"""Read the marts: one read-only statement at a time, and nothing else on this machine."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from jobs.audience import count_command
from jobs.errors import UsageError, WarehouseError
from jobs.warehouse.runs import Warehouse

if TYPE_CHECKING:
    import pyarrow as pa

READING = (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN)
CHUNK = 2048
REBUILD = "rerun a day, which builds it anew from the tables, or restore it from a backup"
SHOW = "pdmetrics query 'show tables' lists the marts"
MARTS = "select table_name from duckdb_tables() where schema_name = 'marts' order by 1"
RUN = "pdmetrics run --date DAY --input DIR"
OF_EDITORS = re.compile("audience|eligible_editors", re.IGNORECASE)
NO_TABLE = re.compile(
    r'(?P<what>Catalog Error: Table with name (?P<name>.*) does not exist!)(\nDid you mean "[^"]*"\?)?'
)
Row = tuple[Any, ...]


@dataclass(frozen=True)
class Answer:
    """What a statement gives.

    Attributes:
        columns: their names.
        rows: fetched as they are asked for, while the marts are open.
    """

    columns: list[str]
    rows: Iterator[Row]


@contextlib.contextmanager
def answer(warehouse: Warehouse, sql: str) -> Iterator[Answer]:
    """Run one statement on the published marts, which are open for this block.

    Raises:
        UsageError: nothing is published yet, it is not one statement that reads, or this process has the file open in
            another way.
        WarehouseError: the marts file is lost or cannot be read, or the warehouse is no folder.
    """
    with _published(warehouse, sql) as connection:
        yield _run(connection, sql)


def fetch_arrow(warehouse: Warehouse, sql: str, parameters: Sequence[Any] = ()) -> pa.Table:
    """Return all rows of one statement on the published marts, each column in its type (dates as `date32`).

    Args:
        warehouse: whose marts are opened for this statement only, so that what is published later is seen later.
        sql: one statement that reads; `?` stands for a value of `parameters`.
        parameters: in the order of the question marks.

    Raises:
        UsageError, WarehouseError: as `answer` does.
    """
    with _published(warehouse, sql) as connection:
        try:
            return connection.execute(sql, parameters).to_arrow_table()
        except duckdb.Error as error:
            raise _failed(_with_near(error, connection), sql) from None


@contextlib.contextmanager
def _published(warehouse: Warehouse, sql: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the published marts for a statement of the user's."""
    _check(sql)
    if not warehouse.marts.exists():
        raise _absent(warehouse, sql)
    with _opened(warehouse.marts) as connection:
        yield connection


def _absent(warehouse: Warehouse, sql: str) -> UsageError:
    """Say why there is no marts file, and which command makes what a statement asks for."""
    if warehouse.path.exists() and not warehouse.path.is_dir():
        return WarehouseError(
            "The warehouse is no folder.", where=warehouse.place, next_step="name another with --warehouse"
        )
    if warehouse.marts_are_lost():
        return WarehouseError(
            "The marts file is not there, though a run is published.",
            where=warehouse.said(warehouse.marts),
            next_step=REBUILD,
        )
    return UsageError(
        "Nothing is published in this warehouse yet.",
        where=warehouse.said(warehouse.marts),
        next_step=f"{count_command() if OF_EDITORS.search(sql) else RUN} (or name another warehouse with --warehouse)",
    )


def fetch_file(marts: Path, sql: str, parameters: Sequence[Any] = ()) -> tuple[list[str], list[Row]]:
    """Return columns and rows of a statement of our own on one marts file."""
    with _opened(marts) as connection:
        found = _run(connection, sql, parameters)
        return found.columns, list(found.rows)


def require_readable(marts: Path) -> None:
    """Look whether a marts file can be opened.

    Raises:
        WarehouseError: it is damaged, or somebody is writing it.
        UsageError: this process has it open in another way.
    """
    with _opened(marts):
        pass


@contextlib.contextmanager
def _opened(marts: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    # No external access: a query reads the marts and nothing else on this machine.
    try:
        connection = duckdb.connect(str(marts), read_only=True, config={"enable_external_access": "false"})
        connection.execute("set schema = 'marts'")
    except duckdb.ConnectionException:  # within a process all connections to a file must be set up alike
        raise UsageError(
            "This process has the marts file open in another way.",
            where=str(marts),
            next_step="close that connection of duckdb, or ask it instead",
        ) from None
    except duckdb.Error as error:
        raise WarehouseError(
            f"The marts file cannot be read: {_first_line(error)}",
            where=str(marts),
            next_step=REBUILD,
        ) from None
    with connection:
        yield connection


def _run(connection: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[Any] = ()) -> Answer:
    try:
        result = connection.execute(sql, parameters)
        columns = [column[0] for column in result.description or ()]
    except duckdb.Error as error:
        raise _failed(_with_near(error, connection), sql) from None
    return Answer(columns, _rows(result, sql))


def _rows(result: duckdb.DuckDBPyConnection, sql: str) -> Iterator[Row]:
    while True:
        try:
            chunk = result.fetchmany(CHUNK)
        except duckdb.Error as error:  # some errors only show when the rows are computed
            raise _failed(error, sql) from None
        if not chunk:
            return
        yield from chunk


def _check(sql: str) -> None:
    """Refuse what is not just one statement that reads."""
    try:
        statements = duckdb.extract_statements(sql)
    except duckdb.Error as error:
        raise _failed(error, sql) from None
    if not statements:
        raise UsageError("There is no statement in the query.", where=repr(sql), next_step=SHOW)
    is_pivot = not any(statement.query for statement in statements)  # which is several, of no text
    if len(statements) > 1 and not is_pivot:
        raise UsageError(
            f"There are several statements ({len(statements)}), and a query is one.",
            where=sql,
            next_step="run them one by one",
        )
    last = statements[-1].type
    if last not in READING:
        raise UsageError(
            f"A query only reads, and {last.name} does something else; nothing was done.",
            where=sql,
            next_step="write a select; the marts are changed by `pdmetrics run` only",
        )


def _failed(error: duckdb.Error, sql: str) -> UsageError:
    step = SHOW if isinstance(error, duckdb.CatalogException) else "mend the SQL; names of columns: describe MART"
    return UsageError(f"The query failed: {error}", where=sql, next_step=step)


def _with_near(error: duckdb.Error, connection: duckdb.DuckDBPyConnection) -> duckdb.Error:
    """Name the marts that are near to one that does not exist; DuckDB would name tables of its own, too."""
    unknown = NO_TABLE.match(str(error))
    if unknown is None:
        return error
    known = [name for (name,) in connection.execute(MARTS).fetchall()]
    near = " or ".join(f'"{name}"' for name in get_close_matches(unknown["name"], known))
    told = f"\nDid you mean {near}?" if near else ""
    return duckdb.CatalogException(unknown["what"] + told + str(error)[unknown.end() :])


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
