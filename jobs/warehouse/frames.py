"""Small frames from rows in memory, through Arrow: from a Python list Spark would start Python workers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from jobs.columns import Columns
from jobs.schemas import arrow_schema, spark_schema


def frame_of(spark: SparkSession, rows: Sequence[tuple[Any, ...]], columns: Columns) -> DataFrame:
    """Return rows as a frame.

    Args:
        spark: the session.
        rows: tuples in the order of the columns.
        columns: what they hold.
    """
    arrow = arrow_schema(columns)
    values = [pa.array([row[place] for row in rows], type=field.type) for place, field in enumerate(arrow)]
    return spark.createDataFrame(pa.Table.from_arrays(values, schema=arrow), schema=spark_schema(columns))
