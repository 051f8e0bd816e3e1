"""Which hours of which days are there, as the ingest log tells."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def hours_arrived(ingest_log: DataFrame) -> DataFrame:
    """Tell of each hour whether it arrived, whether it is whole, and how many of its lines were kept.

    Grain: event_date, event_hour. An hour of which one of two streams is missing has arrived and is not whole.

    Args:
        ingest_log: the table of that name.

    Returns:
        event_date, event_hour, arrived, is_whole, n_kept (lines).
    """
    is_lost = (F.col("fate") == "missing_hour") | F.coalesce(F.col("reason") == "unreadable_file", F.lit(False))
    n_kept = F.when(F.col("fate") == "kept", F.col("n_lines")).otherwise(0)
    return ingest_log.groupBy("event_date", "event_hour").agg(
        F.max(F.col("fate") != "missing_hour").alias("arrived"),
        (~F.max(is_lost)).alias("is_whole"),
        F.sum(n_kept).alias("n_kept"),
    )
