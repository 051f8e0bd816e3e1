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
from jobs.quality.facts_frames import LOADS, facts_frames

if TYPE_CHECKING:
    from jobs.reference.load import Reference

TABLES = (
    "events", "duplicates", "quarantine", "ingest_log", "user_days", "user_link_days", "unit_link_days",
    "baseline_daily", "engagement_daily", "sampling_audit",
)  # fmt: skip
"""The staged tables a facts profile reads."""

# Parts of a key that may be null: a kept line has no reason, an unknown platform stays unknown.
NULLABLE_KEYS = frozenset({"reason", "client_platform_family"})
# Two identical lines in one file, or three copies of an event, are legal: their keys repeat.
REPEATABLE = frozenset({"duplicates", "quarantine"})
LINK_MEASURES = tuple(LINK_SUMS)
LOAD_MEASURES = ("n_loads", "n_review_clicks")
MEASURES = (*LINK_MEASURES, *LOAD_MEASURES, "n_events", "n_lines")
LABELS = {
    "event_date": "date", "wiki_db": "string", "instrument_name": "string", "element_friendly_name": "string",
    "fate": "string", "reason": "string",
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
        _union([*(_key_rows(name, scoped[name]) for name in TABLES), _load_rows(scoped["events"])])
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
    # xxhash64 skips nulls, so (null, 'a') and ('a', null) would be one key without a stand-in.
    parts = ", ".join(f"coalesce(cast({column} as string), '\\0')" for column in grain)
    key = "cast(0 as bigint)" if name in REPEATABLE else f"xxhash64({parts})"
    has_hole = " or ".join(f"{column} is null" for column in grain if column not in NULLABLE_KEYS)
    return frame.selectExpr(f"'{name}' as source", "event_date", f"{key} as key", f"{has_hole} as has_hole")


def _load_rows(events: DataFrame) -> DataFrame:
    """Reduce loads to what tells them apart whatever their ids: a page is loaded once."""
    loads = events.where(F.col("action") == "pageview")
    key = "xxhash64(wiki_db, instrument_name, cast(pageview_hash as string)) as key"
    return loads.selectExpr(f"'{LOADS}' as source", "event_date", key, "false as has_hole")


def _n_keys() -> Column:
    """The distinct keys of a table; where keys may repeat, every row counts as one."""
    return F.when(F.col("source").isin(*sorted(REPEATABLE)), F.col("n_rows")).otherwise(F.col("n_distinct"))


def _sums(scoped: Mapping[str, DataFrame]) -> DataFrame:
    """Sum what must agree between the tables, in one long frame with a column `source`; grouped once, like `_keys`."""
    rows = [
        _event_rows(scoped["events"]),
        _log_rows(scoped["ingest_log"]),
        *(_rows(name, scoped[name], _themselves(LOAD_MEASURES)) for name in ("user_days", "baseline_daily")),
        *(_rows(name, scoped[name], _themselves(LINK_MEASURES)) for name in LINK_TABLES),
    ]
    return _union(rows).groupBy("source", *LABELS).agg(*(F.sum(measure).alias(measure) for measure in MEASURES))


def _event_rows(events: DataFrame) -> DataFrame:
    """Lay out events: each is one event, and a load, an impression or a click."""
    return _rows(
        "events",
        events,
        {
            "n_events": "cast(1 as bigint)",
            "n_loads": "cast(action = 'pageview' as bigint)",
            "n_impressions": "cast(action = 'impression' as bigint)",
            "n_clicks": "cast(action = 'click' as bigint)",
        },
    )


def _log_rows(ingest_log: DataFrame) -> DataFrame:
    return _rows("ingest_log", ingest_log, {"n_lines": "n_lines"})


def _rows(name: str, frame: DataFrame, expressions: Mapping[str, str]) -> DataFrame:
    """Lay a table out as source, labels and measures; what neither it nor the expressions have is null.

    One list of SQL expressions is one call to the engine; a hundred column objects would take longer than the query.
    """
    labels = [
        expressions.get(label, label if label in frame.columns else f"cast(null as {kind})") + f" as {label}"
        for label, kind in LABELS.items()
    ]
    measures = [f"{expressions.get(measure, 'cast(null as bigint)')} as {measure}" for measure in MEASURES]
    return frame.selectExpr(f"'{name}' as source", *labels, *measures)


def _themselves(names: Sequence[str]) -> dict[str, str]:
    return {name: name for name in names}


def _union(frames: Iterable[DataFrame]) -> DataFrame:
    return reduce(DataFrame.union, frames)
