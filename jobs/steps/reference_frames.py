"""The reference as small frames, as the transforms take it."""

from __future__ import annotations

from datetime import timedelta

from pyspark.sql import DataFrame, SparkSession

from jobs.policy.timeline import all_regimes
from jobs.reference.load import Reference
from jobs.warehouse.frames import frame_of


def instrument_frame(spark: SparkSession, reference: Reference) -> DataFrame:
    """Return instrument_name, role, has_user_id, valid_from, valid_to."""
    rows = [(r.instrument_name, r.role, r.has_user_id, r.valid_from, r.valid_to) for r in reference.instruments]
    return frame_of(
        spark, rows, "instrument_name string, role string, has_user_id boolean, valid_from date, valid_to date"
    )


def wiki_frame(spark: SparkSession, reference: Reference) -> DataFrame:
    """Return wiki_db."""
    return frame_of(spark, [(row.wiki_db,) for row in reference.wikis], "wiki_db string")


def regime_frame(spark: SparkSession, reference: Reference, grace_minutes: int) -> DataFrame:
    """Return the sampling timeline of every instrument and wiki (`policy.timeline.all_regimes`)."""
    rows = [
        (
            r.instrument_name, r.wiki_db, r.sample_unit, r.sample_rate, r.kept_rate, r.is_grace, r.is_unit_change,
            r.valid_from, r.valid_to,
        )
        for r in all_regimes(reference, timedelta(minutes=grace_minutes))
    ]  # fmt: skip
    return frame_of(
        spark,
        rows,
        "instrument_name string, wiki_db string, sample_unit string, sample_rate double, kept_rate double, "
        "is_grace boolean, is_unit_change boolean, valid_from timestamp, valid_to timestamp",
    )
