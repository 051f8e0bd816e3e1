"""Columns in the types of Arrow, PySpark and DuckDB say the same."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Annotated

import duckdb
import pyarrow as pa
import pytest

from jobs.columns import BIGINT, DATE, DOUBLE, INT, STRING, Array, Struct, columns_of
from jobs.contracts import TABLES
from jobs.reference.rows import COLUMNS
from jobs.schemas import arrow_schema, duckdb_types, spark_schema

EVERY = {**{name: table.columns for name, table in TABLES.items()}, **COLUMNS}


@pytest.mark.parametrize("name", sorted(EVERY))
def test_duckdb_reads_the_arrow_schema_as_the_types_it_is_told(name: str) -> None:
    columns = EVERY[name]
    with duckdb.connect() as connection:
        connection.register("rows", arrow_schema(columns).empty_table())
        connection.execute(f"create table told ({', '.join(' '.join(pair) for pair in duckdb_types(columns).items())})")
        read, told = (connection.execute(f"describe {table}").fetchall() for table in ("rows", "told"))
    assert [row[:2] for row in read] == [row[:2] for row in told]


@pytest.mark.parametrize("name", sorted(EVERY))
def test_the_kinds_are_the_words_of_spark(name: str) -> None:
    plain = {column: kind for column, kind in EVERY[name].items() if isinstance(kind, str)}
    assert {field.name: field.dataType.simpleString() for field in spark_schema(plain)} == plain


def test_lists_and_structs() -> None:
    columns = {"days": Array(DATE), "sessions": Array(Struct({"hash": BIGINT, "rates": Array(DOUBLE)}))}
    assert (
        spark_schema(columns).simpleString()
        == "struct<days:array<date>,sessions:array<struct<hash:bigint,rates:array<double>>>>"
    )
    assert duckdb_types(columns) == {"days": "date[]", "sessions": "struct(hash bigint, rates double[])[]"}
    assert arrow_schema(columns).field("days").type == pa.list_(pa.field("element", pa.date32()))


def test_the_columns_of_a_dataclass_are_its_fields() -> None:
    @dataclass
    class Row:
        name: str
        n: int | None
        rate: Annotated[float | None, "told how to read it"]
        day: date
        at: datetime
        is_open: bool
        line: int = field(default=0, compare=False)

    assert columns_of(Row) == {
        "name": STRING, "n": INT, "rate": DOUBLE, "day": DATE, "at": "timestamp", "is_open": "boolean",
    }  # fmt: skip
