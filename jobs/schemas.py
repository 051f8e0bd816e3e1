"""The column lists of `contracts.py` as types of Arrow and of PySpark; no engine is needed for either."""

from __future__ import annotations

from functools import cache

import pyarrow as pa
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.types import StructType

_PLAIN = {
    "string": pa.string(), "int": pa.int32(), "bigint": pa.int64(), "double": pa.float64(), "boolean": pa.bool_(),
    "date": pa.date32(), "timestamp": pa.timestamp("us", "UTC"), "binary": pa.binary(),
}  # fmt: skip


@cache
def arrow_schema(ddl: str) -> pa.Schema:
    """Return the Arrow schema of a column list such as `n bigint, days array<date>`; every column may be null."""
    return pa.schema([pa.field(name, _type(kind)) for name, kind in split_columns(ddl)])


@cache
def spark_schema(ddl: str) -> StructType:
    """Return the PySpark schema of a column list."""
    return spark_type_of(arrow_schema(ddl))


def spark_type_of(schema: pa.Schema) -> StructType:
    """Return the PySpark schema of an Arrow schema."""
    return from_arrow_schema(schema)


def split_columns(ddl: str, between: str = " ") -> list[tuple[str, str]]:
    """Split a column list at its outer commas into (name, type).

    Args:
        ddl: `name type, …`, or the inside of a struct.
        between: what stands between a name and its type: a blank, or the colon of a struct's fields.
    """
    fields, depth, start = [], 0, 0
    for position, letter in enumerate(ddl + ","):
        depth += (letter == "<") - (letter == ">")
        if letter == "," and depth == 0:
            text = " ".join(ddl[start:position].split())
            if text:
                name, kind = text.split(between, 1)
                fields.append((name.strip(), kind.strip()))
            start = position + 1
    return fields


def _type(kind: str) -> pa.DataType:
    if kind.startswith("array<"):
        return pa.list_(pa.field("element", _type(kind.removeprefix("array<")[:-1].strip())))
    if kind.startswith("struct<"):
        inside = split_columns(kind.removeprefix("struct<")[:-1], ":")
        return pa.struct([pa.field(name, _type(inner)) for name, inner in inside])
    return _PLAIN[kind]
