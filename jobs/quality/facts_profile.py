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
    """Count rows, distinct keys and rows with a hole in the key, per table and day."""
    return _union(_table_keys(name, scoped[name]) for name in TABLES)


def _table_keys(name: str, frame: DataFrame) -> DataFrame:
    """Count the rows and keys of one table.

    Distinct 64-bit hashes stand for distinct keys: at five million rows a day the chance that two keys share one is
    below 1e-6, and hashes are a quarter of the bytes to shuffle.
    """
    grain = table(name).grain
    required = [column for column in grain if column not in NULLABLE_KEYS]
    has_hole = reduce(lambda left, right: left | right, (F.col(column).isNull() for column in required))
    # xxhash64 skips nulls, so (null, 'a') and ('a', null) would be one key without a stand-in.
    key = F.xxhash64(*(F.coalesce(F.col(column).cast("string"), F.lit("\u0000")) for column in grain))
    n_rows = F.count(F.lit(1))
    n_keys = n_rows if name in REPEATABLE else F.count_distinct(key)
    return frame.groupBy("event_date").agg(
        F.lit(name).alias("source"),
        n_rows.alias("n_rows"),
        n_keys.alias("n_keys"),
        F.count_if(has_hole).alias("n_null_keys"),
    )


def _sums(scoped: Mapping[str, DataFrame]) -> DataFrame:
    """Sum what must agree between the tables, in one long frame with a column `source`."""
    return _union(
        [
            _event_sums(scoped["events"]),
            _fate_sums(scoped["ingest_log"]),
            *(_load_sums(name, scoped[name]) for name in ("user_days", "baseline_daily")),
            *(_link_table_sums(name, scoped[name]) for name in LINK_TABLES),
        ]
    )


def _event_sums(events: DataFrame) -> DataFrame:
    """Count events, loads, impressions, clicks and skewed clocks by day, wiki, instrument and element."""
    return events.groupBy("event_date", "wiki_db", "instrument_name", "element_friendly_name").agg(
        F.lit("events").alias("source"),
        F.count(F.lit(1)).alias("n_events"),
        _count_action("pageview").alias("n_loads"),
        _count_action("impression").alias("n_impressions"),
        _count_action("click").alias("n_clicks"),
        F.count_if(F.col("is_clock_skewed")).alias("n_clock_skewed"),
    )


def _fate_sums(ingest_log: DataFrame) -> DataFrame:
    """Sum lines by day, fate and reason, with the hours concerned."""
    return ingest_log.groupBy("event_date", "fate", "reason").agg(
        F.lit("ingest_log").alias("source"),
        F.sum("n_lines").alias("n_lines"),
        F.array_join(F.sort_array(F.collect_set("event_hour")), ",").alias("hours"),
    )


def _load_sums(name: str, frame: DataFrame) -> DataFrame:
    """Sum dashboard loads and review clicks by day and wiki."""
    return frame.groupBy("event_date", "wiki_db").agg(
        F.lit(name).alias("source"),
        F.sum("n_loads").alias("n_loads"),
        F.sum("n_review_clicks").alias("n_review_clicks"),
    )


def _link_table_sums(name: str, frame: DataFrame) -> DataFrame:
    """Sum every link measure by day, wiki, instrument and element."""
    return frame.groupBy("event_date", "wiki_db", "instrument_name", "element_friendly_name").agg(
        F.lit(name).alias("source"), *(F.sum(measure).alias(measure) for measure in LINK_MEASURES)
    )


def _count_action(action: str) -> Column:
    return F.count_if(F.col("action") == action)


def _union(frames: Iterable[DataFrame]) -> DataFrame:
    return reduce(lambda left, right: left.unionByName(right, allowMissingColumns=True), frames)
