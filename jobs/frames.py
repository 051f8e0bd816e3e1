"""Small Spark frames from rows in memory, through Arrow: a Python list would start Python workers, seconds each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StructType


def frame_of(spark: SparkSession, rows: Sequence[tuple[Any, ...]], columns: str) -> DataFrame:
    """Return rows as a frame.

    Args:
        spark: the session.
        rows: tuples in the order of the columns.
        columns: their DDL.
    """
    schema = cast(StructType, StructType.fromDDL(columns))
    arrow = to_arrow_schema(schema)
    values = [pa.array([row[place] for row in rows], type=field.type) for place, field in enumerate(arrow)]
    return spark.createDataFrame(pa.Table.from_arrays(values, schema=arrow), schema=schema)
