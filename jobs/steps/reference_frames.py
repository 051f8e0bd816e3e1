"""The reference as small frames, as the transforms take it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from pyspark.sql import DataFrame, SparkSession

from jobs.columns import STRING, Columns, columns_of
from jobs.policy.timeline import Regime, all_regimes
from jobs.reference.load import Reference
from jobs.reference.rows import COLUMNS, INSTRUMENTS_CSV
from jobs.warehouse.frames import frame_of


def instrument_frame(spark: SparkSession, reference: Reference) -> DataFrame:
    """Return the columns of `instruments.csv`."""
    return _frame(spark, reference.instruments, COLUMNS[INSTRUMENTS_CSV])


def wiki_frame(spark: SparkSession, reference: Reference, salt: str) -> DataFrame:
    """Return wiki_db, and the salt beside each."""
    return frame_of(spark, [(wiki.wiki_db, salt) for wiki in reference.wikis], {"wiki_db": STRING, "salt": STRING})


def regime_frame(spark: SparkSession, reference: Reference, grace_minutes: int) -> DataFrame:
    """Return the sampling timeline of every instrument and wiki, in the columns of `policy.timeline.Regime`."""
    return _frame(spark, all_regimes(reference, timedelta(minutes=grace_minutes)), columns_of(Regime))


def _frame(spark: SparkSession, rows: Sequence[object], columns: Columns) -> DataFrame:
    return frame_of(spark, [tuple(getattr(row, name) for name in columns) for row in rows], columns)
