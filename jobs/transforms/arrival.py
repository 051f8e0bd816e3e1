"""Which hours of which days are there, as the ingest log tells."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def days_arrived(ingest_log: DataFrame) -> DataFrame:
    """Tell of each day whether any hour arrived, and how many hours are missing or could not be read.

    Grain: event_date. An hour of which one of two streams is missing has arrived and is incomplete.

    Args:
        ingest_log: the table of that name.

    Returns:
        event_date, arrived, incomplete (hours).
    """
    is_incomplete = (F.col("fate") == "missing_hour") | F.coalesce(F.col("reason") == "unreadable_file", F.lit(False))
    hours = ingest_log.groupBy("event_date", "event_hour").agg(
        F.max(F.col("fate") != "missing_hour").alias("arrived"), F.max(is_incomplete).alias("incomplete")
    )
    return hours.groupBy("event_date").agg(
        F.max("arrived").alias("arrived"), F.count_if(F.col("incomplete")).alias("incomplete")
    )
