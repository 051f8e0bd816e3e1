"""The published marts as DataFrames: read-only, without an engine.

    from pdmetrics import marts

    marts.read("rpt_latest")
    marts.sql("select * from rpt_wiki_week where wiki_db = ?", ["idwiki"])

Each call opens the marts file and closes it again, so it sees what was published last; two calls may see two publishes,
one statement never does. A publish that was cut off is finished by the next command; until then the marts before it
are read. The warehouse is found as the command line finds it: the argument, then `PDMETRICS_WAREHOUSE`,
then `./warehouse`; it may be an address (`s3://…`), whose credentials are Arrow's, from the environment. What is wrong
is raised as `jobs.errors.UsageError`: what, where, and what to do next.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from jobs.commands.arguments import warehouse_place
from jobs.errors import UsageError
from jobs.marts.read import fetch_arrow
from jobs.warehouse.runs import Warehouse

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

FRAMES = ("pandas", "polars", "arrow")
_TABLES = """
select table_name as mart, comment as description, column_count::int as n_columns, estimated_size as n_rows
from duckdb_tables() where schema_name = 'marts' order by 1
"""
_COLUMNS = """
select column_name as "column", data_type as type, comment as description
from duckdb_columns() where schema_name = 'marts' and table_name = ? order by column_index
"""


@overload
def sql(
    statement: str,
    parameters: Sequence[Any] = ...,
    *,
    frame: Literal["pandas"] = ...,
    warehouse: str | Path | None = ...,
) -> pd.DataFrame: ...


@overload
def sql(
    statement: str, parameters: Sequence[Any] = ..., *, frame: Literal["polars"], warehouse: str | Path | None = ...
) -> pl.DataFrame: ...


@overload
def sql(
    statement: str, parameters: Sequence[Any] = ..., *, frame: Literal["arrow"], warehouse: str | Path | None = ...
) -> pa.Table: ...


def sql(
    statement: str, parameters: Sequence[Any] = (), *, frame: str = "pandas", warehouse: str | Path | None = None
) -> pd.DataFrame | pl.DataFrame | pa.Table:
    """Return the rows of one statement that reads.

    Args:
        statement: SQL of DuckDB on the marts, which are in its search path; `?` stands for a parameter.
        parameters: values of the question marks, in their order.
        frame: `pandas` (dates as datetime64), `polars` or `arrow` (dates as dates). Sums of integers are int64, or
            float64 where they are larger.
        warehouse: the folder; else `PDMETRICS_WAREHOUSE`, else `./warehouse`.

    Raises:
        UsageError: nothing is published there, the SQL is wrong or does not only read, or there is no such frame.
    """
    if frame not in FRAMES:
        raise UsageError(f"There is no frame {frame!r}.", where="frame", next_step=f"one of {', '.join(FRAMES)}")
    table = _narrowed(fetch_arrow(_found(warehouse), statement, parameters))
    if frame == "arrow":
        return table
    return _as_polars(table) if frame == "polars" else table.to_pandas(date_as_object=False)


@overload
def read(mart: str, *, frame: Literal["pandas"] = ..., warehouse: str | Path | None = ...) -> pd.DataFrame: ...


@overload
def read(mart: str, *, frame: Literal["polars"], warehouse: str | Path | None = ...) -> pl.DataFrame: ...


@overload
def read(mart: str, *, frame: Literal["arrow"], warehouse: str | Path | None = ...) -> pa.Table: ...


def read(mart: str, *, frame: Any = "pandas", warehouse: str | Path | None = None) -> Any:
    """Return a whole mart, such as `rpt_latest`; `tables()` lists them. Arguments and errors are those of `sql`."""
    return sql(f"select * from {_quoted(mart)}", frame=frame, warehouse=warehouse)


def tables(*, warehouse: str | Path | None = None) -> pd.DataFrame:
    """Return a row for each mart: `mart`, `description`, `n_columns`, `n_rows`. Errors are those of `sql`."""
    return sql(_TABLES, warehouse=warehouse)


def describe(mart: str, *, warehouse: str | Path | None = None) -> pd.DataFrame:
    """Return a row for each column of a mart: `column`, `type`, `description`. Errors are those of `sql`.

    Raises:
        UsageError: there is no such mart.
    """
    columns = sql(_COLUMNS, [mart], warehouse=warehouse)
    if columns.empty:
        read(mart, warehouse=warehouse)  # raises, with the names that are near
    return columns


def _found(warehouse: str | Path | None) -> Warehouse:
    """Return the warehouse with what is published now; of an address that is fetched where it is news."""
    place = warehouse_place(warehouse or os.environ.get("PDMETRICS_WAREHOUSE") or "warehouse")
    if isinstance(place, Path):
        return Warehouse(place)
    found = _at(place, os.environ.get("PDMETRICS_RUN__WORK_DIR"))
    found.attach()
    return found


@cache
def _at(address: str, work_dir: str | None) -> Warehouse:
    """Open the warehouse of an address once for a process, at whose end its folder goes."""
    from jobs.warehouse.stored import open_for_reading

    found = open_for_reading(address, Path(work_dir) if work_dir else None)
    atexit.register(found.close)
    return found


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _narrowed(table: pa.Table) -> pa.Table:
    """Make int64 of DuckDB's sums of integers, which are 128 bits wide and would arrive as objects in pandas."""
    import pyarrow as pa

    for index, field in enumerate(table.schema):
        if pa.types.is_decimal(field.type) and field.type.scale == 0:
            try:
                column = table.column(index).cast(pa.int64())
            except pa.ArrowInvalid:
                column = table.column(index).cast(pa.float64())
            table = table.set_column(index, field.name, column)
    return table


def _as_polars(table: pa.Table) -> pl.DataFrame:
    try:
        import polars as pl
    except ModuleNotFoundError:
        raise UsageError(
            "Polars is not installed.", where='frame="polars"', next_step='pip install "pdmetrics[notebook]"'
        ) from None
    return pl.DataFrame(table)
