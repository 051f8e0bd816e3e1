"""Deduplication on `meta.id`, and the log of what became of every line.

A valid copy is a duplicate when an earlier valid copy of the same `meta.id` (by meta_dt, then line_hash) lies at most
`lookback_days` days before its own day. Whether that earlier copy was itself kept does not matter, so a verdict depends
on a bounded stretch of days, and any chunking of a backfill gives the same verdicts.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

COPY_COLUMNS = ("meta_id", "event_date", "meta_dt", "line_hash")


def mark_duplicates(candidates: DataFrame, neighbours: DataFrame, *, lookback_days: int = 7) -> DataFrame:
    """Decide which candidates of a run are duplicates.

    Args:
        candidates: COPY_COLUMNS and whatever else, the valid copies of the run's days (fate null in `events.classify`).
        neighbours: COPY_COLUMNS of the copies, kept or duplicate, of the `lookback_days` days before the run's days.
        lookback_days: how far back an earlier copy counts, in days.

    Returns:
        The rows of `candidates` with `is_duplicate`. Of copies equal in meta_dt and line_hash just one is the first.
    """
    columns = candidates.columns
    repeated = _repeated(candidates, neighbours)
    # Few ids come twice: only their rows are shuffled and sorted. They stand on the left of a join, which is the side
    # that the embedded engine holds in memory; Spark is told which side is small.
    flagged = F.broadcast(repeated).join(candidates.withColumn("_key", _key()), "_key", how="right")
    is_repeated = F.coalesce(F.col("_is_repeated"), F.lit(False))
    single = flagged.where(~is_repeated).select(*columns, F.lit(False).alias("is_duplicate"))
    known = neighbours.select(*COPY_COLUMNS, F.lit(True).alias("_is_known"))
    several = flagged.where(is_repeated).select(*columns, F.lit(False).alias("_is_known"))
    relevant = F.broadcast(repeated).join(known.withColumn("_key", _key()), "_key", how="inner").select(*known.columns)
    ordered = several.unionByName(relevant, allowMissingColumns=True)
    judged = ordered.withColumn("is_duplicate", _is_duplicate(lookback_days))
    return single.unionByName(judged.where(~F.col("_is_known")).select(*columns, "is_duplicate"))


def rejudge(following: DataFrame, context: DataFrame, *, lookback_days: int = 7) -> DataFrame:
    """Decide the published copies of the days after a run again.

    Args:
        following: COPY_COLUMNS, `is_duplicate` as published, and whatever else: all copies of the `lookback_days`
            days after the run's days.
        context: COPY_COLUMNS of the run's candidates and of the copies of the `lookback_days` days before the run.
        lookback_days: how far back an earlier copy counts, in days.

    Returns:
        The rows of `following` with the new `is_duplicate`, and `was_duplicate`, the published one.
    """
    columns = [name for name in following.columns if name != "is_duplicate"]
    repeated = _repeated(following, context)
    known = context.select(*COPY_COLUMNS, F.lit(True).alias("_is_known"))
    present = following.withColumnRenamed("is_duplicate", "was_duplicate").withColumn("_is_known", F.lit(False))
    copies = present.unionByName(known, allowMissingColumns=True).withColumn("_key", _key())
    # A copy without another is no duplicate, though it may have been one before the run took the earlier copy away.
    is_repeated = F.coalesce(F.col("_is_repeated"), F.lit(False))
    flagged = F.broadcast(repeated).join(copies, "_key", how="right").withColumn("_is_repeated", is_repeated)
    several = flagged.where("_is_repeated")
    # Among equal copies the one published as kept stays first.
    judged = several.withColumn("is_duplicate", _is_duplicate(lookback_days, F.col("was_duplicate")))
    single = flagged.where(~F.col("_is_repeated")).withColumn("is_duplicate", F.lit(False))
    decided = single.unionByName(judged).where(~F.col("_is_known"))
    return decided.select(*columns, "is_duplicate", "was_duplicate")


def with_verdict(classified: DataFrame, marked: DataFrame) -> DataFrame:
    """Put the candidates' verdicts into the fates: `kept` or `duplicate`.

    Args:
        classified: of `events.classify`.
        marked: its candidates (fate null) after `mark_duplicates`.

    Returns:
        The columns of `classified`, every row with a fate.
    """
    fate = F.when(F.col("is_duplicate"), "duplicate").otherwise("kept")
    decided = marked.withColumn("fate", fate).select(*classified.columns)
    return classified.where(F.col("fate").isNotNull()).unionByName(decided)


def ingest_log(decided: DataFrame, arrived: DataFrame, missing: DataFrame) -> DataFrame:
    """Count the lines read by hour, fate and reason.

    Grain: event_date, event_hour, fate, reason (contract table `ingest_log`).

    Args:
        decided: event_date, event_hour, fate, reason, is_clock_skewed; one row per line read, or unreadable file.
        arrived: (event_date, event_hour) with a file.
        missing: (event_date, event_hour) without.

    Returns:
        event_date, event_hour, fate, reason, n_lines. Kept rows have no reason, or `clock_skew`; every arrived hour
        has the row without one, if need be with 0 lines; a missing hour has fate `missing_hour` and 0 lines.
    """
    hour = ("event_date", "event_hour")
    is_skewed = (F.col("fate") == "kept") & F.col("is_clock_skewed")
    reason = F.when(is_skewed, "clock_skew").otherwise(F.col("reason"))
    lines = decided.select(*hour, "fate", reason.alias("reason"), F.lit(1).alias("n_lines"))
    hours = arrived.select(*hour, F.lit("kept").alias("fate")).unionByName(
        missing.select(*hour, F.lit("missing_hour").alias("fate"))
    )
    at_least = hours.select("*", F.lit(None).cast("string").alias("reason"), F.lit(0).alias("n_lines"))
    counted = lines.unionByName(at_least).groupBy(*hour, "fate", "reason")
    return counted.agg(F.sum("n_lines").cast("bigint").alias("n_lines"))


def _key() -> Column:
    """A short stand-in for an id where a false match does no harm."""
    return F.xxhash64("meta_id")


def _repeated(first: DataFrame, second: DataFrame) -> DataFrame:
    """Keys of the ids with more than one copy: `_key`, `_is_repeated` (true)."""
    keys = first.select(_key().alias("_key")).unionAll(second.select(_key().alias("_key")))
    several = keys.groupBy("_key").agg(F.count(F.lit(1)).alias("n")).where(F.col("n") > 1)
    return several.select("_key", F.lit(True).alias("_is_repeated"))


def _is_duplicate(lookback_days: int, *tie_break: Column) -> Column:
    """Whether the copy just before, which is the nearest, lies within the days that count."""
    order = Window.partitionBy("meta_id").orderBy("meta_dt", "line_hash", *tie_break)
    previous = F.lag("event_date").over(order)
    return F.coalesce(previous >= F.date_sub("event_date", lookback_days), F.lit(False))
