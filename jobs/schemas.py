"""Column lists as types of Arrow, PySpark and DuckDB: one function each, and no engine is needed for any."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from jobs.columns import BIGINT, BOOLEAN, DATE, DOUBLE, INT, STRING, TIMESTAMP, Array, Columns, Kind, Plain, Struct

if TYPE_CHECKING:
    from pyspark.sql.types import StructType

_ARROW: dict[Plain, pa.DataType] = {
    STRING: pa.string(), INT: pa.int32(), BIGINT: pa.int64(), DOUBLE: pa.float64(), BOOLEAN: pa.bool_(),
    DATE: pa.date32(), TIMESTAMP: pa.timestamp("us", "UTC"),
}  # fmt: skip
_DUCKDB: dict[Plain, str] = {
    STRING: "varchar", INT: "integer", BIGINT: "bigint", DOUBLE: "double", BOOLEAN: "boolean", DATE: "date",
    TIMESTAMP: "timestamptz",
}  # fmt: skip


def arrow_schema(columns: Columns) -> pa.Schema:
    """Return columns as an Arrow schema; every one may be null."""
    return pa.schema([pa.field(name, _arrow(kind)) for name, kind in columns.items()])


def spark_schema(columns: Columns) -> StructType:
    """Return columns as a PySpark schema; every one may be null."""
    return spark_type_of(arrow_schema(columns))


def duckdb_types(columns: Columns) -> dict[str, str]:
    """Return columns with DuckDB's names of their types."""
    return {name: _duckdb(kind) for name, kind in columns.items()}


def spark_type_of(schema: pa.Schema) -> StructType:
    """Return the PySpark schema of an Arrow schema."""
    from pyspark.sql.pandas.types import from_arrow_schema  # here, since whoever builds marts has no use for PySpark

    return from_arrow_schema(schema)


def _arrow(kind: Kind) -> pa.DataType:
    if isinstance(kind, Array):
        return pa.list_(pa.field("element", _arrow(kind.of)))
    if isinstance(kind, Struct):
        return pa.struct([pa.field(name, _arrow(inner)) for name, inner in kind.fields.items()])
    return _ARROW[kind]


def _duckdb(kind: Kind) -> str:
    if isinstance(kind, Array):
        return f"{_duckdb(kind.of)}[]"
    if isinstance(kind, Struct):
        return f"struct({', '.join(f'{name} {_duckdb(inner)}' for name, inner in kind.fields.items())})"
    return _DUCKDB[kind]
