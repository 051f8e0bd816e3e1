"""Profile the staged facts of a run: three small Spark actions, then pandas only.

The gate needs numbers of two kinds: how many rows and keys each table has a day, and sums that must agree between
tables. Each kind is one union of grouped aggregates, so Spark runs it as one job; the raw input is not read again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import reduce
from typing import TYPE_CHECKING

import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.contracts import LINK_SUMS, table
from jobs.quality.facts_frames import facts_frames

if TYPE_CHECKING:
    from jobs.reference import Reference

TABLES = (
    "events", "duplicates", "quarantine", "ingest_log", "user_days", "user_link_days", "unit_link_days",
    "baseline_daily", "engagement_daily", "sampling_audit",
)  # fmt: skip
"""The staged tables a facts profile reads."""

# Parts of a key that may be null: a kept line has no reason, an unknown platform stays unknown.
NULLABLE_KEYS = frozenset({"reason", "client_platform_family"})
# Two identical lines in one file, or three copies of an event, are legal: their keys repeat.
REPEATABLE = frozenset({"duplicates", "quarantine"})
LINK_MEASURES = tuple(column.split()[0] for column in LINK_SUMS.split(",") if column.strip())
LOAD_MEASURES = ("n_loads", "n_review_clicks")
MEASURES = (*LINK_MEASURES, *LOAD_MEASURES, "n_events", "n_lines")
LABELS = {
    "event_date": "date", "wiki_db": "string", "instrument_name": "string", "element_friendly_name": "string",
    "fate": "string", "reason": "string", "hour": "int",
}  # fmt: skip
LINK_TABLES = ("user_link_days", "unit_link_days", "engagement_daily")
AUDIT_COLUMNS = (
    "event_date", "wiki_db", "instrument_name", "sample_unit", "declared_rate", "n_ids", "n_impossible_pageviews",
    "ks_p_value", "verdict", "likely_rate",
)  # fmt: skip


def facts_profile(
    frames: Mapping[str, DataFrame],
    *,
    days: Sequence[date],
    reference: Reference,
    lines_read: Mapping[date, int] | None = None,
) -> dict[str, pd.DataFrame]:
    """Profile the staged facts of some days for the facts gate.

    Args:
        frames: the tables named in `TABLES`, as staged by the run.
        days: the UTC days to look at; every one of them gets a row in `fates`, whether it has input or not.
        reference: the run's wikis, vocabulary and instruments.
        lines_read: lines the ingest read, by day. A day that is not in it (one that was only deduplicated again) is not
            compared with the lines read.

    Returns:
        the profiles of `facts_frames`, by name.

    Raises:
        KeyError: a table is missing.
    """
    missing = sorted(set(TABLES) - set(frames))
    if missing:
        raise KeyError(f"the facts profile needs the tables {', '.join(missing)}")
    scoped = {name: frames[name].where(F.col("event_date").isin(sorted(set(days)))) for name in TABLES}
    return facts_frames(
        keys=_keys(scoped).toPandas(),
        sums=_sums(scoped).toPandas(),
        audit=scoped["sampling_audit"].select(*AUDIT_COLUMNS).toPandas(),
        days=sorted(set(days)),
        reference=reference,
        lines_read=lines_read,
        link_measures=LINK_MEASURES,
    )


def _keys(scoped: Mapping[str, DataFrame]) -> DataFrame:
    """Count rows, distinct keys and rows with a hole in the key, per table (`source`) and day.

    The tables are laid over each other first and grouped once: one aggregation to plan and compile instead of nine.
    """
    return (
        _union(_key_rows(name, scoped[name]) for name in TABLES)
        .groupBy("source", "event_date")
        .agg(
            F.count(F.lit(1)).alias("n_rows"),
            F.count_distinct("key").alias("n_distinct"),
            F.count_if("has_hole").alias("n_null_keys"),
        )
        .select("source", "event_date", "n_rows", _n_keys().alias("n_keys"), "n_null_keys")
    )


def _key_rows(name: str, frame: DataFrame) -> DataFrame:
    """Reduce a table to its source, day, hashed key, and whether the key has a hole.

    Distinct 64-bit hashes stand for distinct keys: at five million rows a day the chance that two keys share one is
    below 1e-6, and hashes are a quarter of the bytes to shuffle.
    """
    grain = table(name).grain
    required = [column for column in grain if column not in NULLABLE_KEYS]
    has_hole = reduce(lambda left, right: left | right, (F.col(column).isNull() for column in required))
    # xxhash64 skips nulls, so (null, 'a') and ('a', null) would be one key without a stand-in.
    key = F.xxhash64(*(F.coalesce(F.col(column).cast("string"), F.lit("\u0000")) for column in grain))
    return frame.select(
        F.lit(name).alias("source"),
        "event_date",
        (F.lit(0).cast("bigint") if name in REPEATABLE else key).alias("key"),
        has_hole.alias("has_hole"),
    )


def _n_keys() -> Column:
    """The distinct keys of a table; where keys may repeat, every row counts as one."""
    return F.when(F.col("source").isin(*sorted(REPEATABLE)), F.col("n_rows")).otherwise(F.col("n_distinct"))


def _sums(scoped: Mapping[str, DataFrame]) -> DataFrame:
    """Sum what must agree between the tables, in one long frame with a column `source`; grouped once, like `_keys`."""
    rows = [
        _event_rows(scoped["events"]),
        _log_rows(scoped["ingest_log"]),
        *(_rows(name, scoped[name], LOAD_MEASURES) for name in ("user_days", "baseline_daily")),
        *(_rows(name, scoped[name], LINK_MEASURES) for name in LINK_TABLES),
    ]
    return _union(rows).groupBy("source", *LABELS).agg(*(F.sum(measure).alias(measure) for measure in MEASURES))


def _event_rows(events: DataFrame) -> DataFrame:
    """Lay out events: each is one event, and a load, an impression or a click."""
    actions = {"n_loads": "pageview", "n_impressions": "impression", "n_clicks": "click"}
    counted = {name: (F.col("action") == action).cast("bigint") for name, action in actions.items()}
    return _rows("events", events.withColumns({**counted, "n_events": F.lit(1).cast("bigint")}), (*counted, "n_events"))


def _log_rows(ingest_log: DataFrame) -> DataFrame:
    """Lay out the ingest log; the hour is told only of hours that are not whole."""
    is_partial = (F.col("fate") == "missing_hour") | (F.col("reason") == "unreadable_file")
    return _rows("ingest_log", ingest_log.withColumn("hour", F.when(is_partial, F.col("event_hour"))), ("n_lines",))


def _rows(name: str, frame: DataFrame, measures: Sequence[str]) -> DataFrame:
    """Lay a table out as source, labels and measures; what it does not have is null."""
    columns = set(frame.columns)
    return frame.select(
        F.lit(name).alias("source"),
        *(
            (F.col(label) if label in columns else F.lit(None)).cast(kind).alias(label)
            for label, kind in LABELS.items()
        ),
        *(
            (F.col(measure) if measure in measures else F.lit(None)).cast("bigint").alias(measure)
            for measure in MEASURES
        ),
    )


def _union(frames: Iterable[DataFrame]) -> DataFrame:
    return reduce(DataFrame.unionByName, frames)
