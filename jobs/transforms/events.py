"""From raw lines to events: every line gets its fate and the reason for it (docs/contract.md, section 3).

The checks stand in the order of the contract; the first that applies decides. What passes them all is a candidate,
and `dedup` decides whether it is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.columns import STRING, Columns
from jobs.contracts import EVENT_COLUMNS
from jobs.scope import RULES, TEMPORARY_NAME, Is
from jobs.transforms.sampling import id_fraction, is_in_sample, with_regime

IN_GRACE = "rate_change_grace"
OUT_OF_SCOPE = (*RULES, IN_GRACE)
CLASSIFIED_COLUMNS: Columns = {**EVENT_COLUMNS, "fate": STRING, "reason": STRING, "line": STRING, "file": STRING}
UNKNOWN_BUCKET = "unknown"
CLOCK_SKEW_MICROS = 10 * 60 * 1_000_000
SCHEMA_PREFIX = "/analytics/product_metrics/web/base/"
# What `scope.RULES` ask of a field, null where it cannot be told: then a case does not apply.
_HOLDS: Mapping[Is, Callable[[Column], Column]] = {
    Is.ABSENT: lambda field: field.isNull(),
    Is.TRUE: lambda field: field,
    Is.FALSE: lambda field: ~field,
    Is.NO_USER: lambda field: F.coalesce(field, F.lit(0)) <= 0,
    Is.TEMPORARY: lambda field: field.rlike(TEMPORARY_NAME),
}


def classify(lines: DataFrame, *, instruments: DataFrame, wikis: DataFrame, regimes: DataFrame) -> DataFrame:
    """Decide the fate of every line but for deduplication.

    Grain: one row per line of `lines`.

    Args:
        lines: one row per line, or per file that cannot be read, as `jobs/raw/reader.py` gives them.
        instruments: instrument_name, role, has_user_id, valid_from, valid_to (dates; `valid_to` exclusive, null while
            in force); the periods of one instrument do not overlap.
        wikis: wiki_db, unique; and salt, the key of the hashes of users, sessions and pageviews. It comes as a row:
            what stands in an expression stands in Spark's pages and logs too, which others read.
        regimes: see `sampling.with_regime`.

    Returns:
        CLASSIFIED_COLUMNS. `fate` is null for a candidate, else `out_of_scope` or `quarantined`, with its `reason`.
        `line` is the raw line of a quarantined row (bytes that are no UTF-8 replaced), else null. `sample_rate` is
        the rate that applied, lower than the one in force in the quarter of an hour after a change. Only candidates
        and `not_in_sample` rows have the hashes.
    """
    flat = _typed(lines).transform(_with_instrument, instruments)
    known = flat.transform(_with_wiki, wikis).transform(with_regime, regimes)
    judged = known.withColumn("reason", F.coalesce(*_reasons()))
    is_out_of_scope = F.col("reason").isin(*OUT_OF_SCOPE)
    fate = F.when(is_out_of_scope, "out_of_scope").when(F.col("reason").isNotNull(), "quarantined")
    return judged.withColumn("fate", fate).select(*_outputs())


def _with_instrument(flat: DataFrame, instruments: DataFrame) -> DataFrame:
    """Add `has_user_id` of the instrument in force on the day of the partition, null where there is none."""
    known = instruments.select(F.col("instrument_name").alias("_instrument"), "has_user_id", "valid_from", "valid_to")
    is_ended = F.coalesce(F.col("event_date") >= F.col("valid_to"), F.lit(False))
    is_in_force = (F.col("event_date") >= F.col("valid_from")) & ~is_ended
    is_same = F.col("instrument_name") == F.col("_instrument")
    joined = flat.join(F.broadcast(known), is_same & is_in_force, how="left")
    return joined.drop("_instrument", "valid_from", "valid_to")


def _with_wiki(flat: DataFrame, wikis: DataFrame) -> DataFrame:
    """Add `is_known_wiki`, true or null, and `_salt`."""
    known = wikis.select(
        F.col("wiki_db").alias("_wiki"), F.col("salt").alias("_salt"), F.lit(True).alias("is_known_wiki")
    )
    return flat.join(F.broadcast(known), F.col("wiki_db") == F.col("_wiki"), how="left").drop("_wiki")


def _typed(lines: DataFrame) -> DataFrame:
    """Give the columns of a line their types: the two times, and the places of its ids."""
    return lines.withColumns(
        {
            "meta_dt": _timestamp(F.col("meta_dt")),
            "client_dt": _timestamp(F.col("client_dt")),
            "session_fraction": id_fraction(F.col("session_id")),
            "pageview_fraction": id_fraction(F.col("pageview_id")),
            # A lambda is not compiled into one method with its surroundings. With all of `classify` that method would
            # be over 8,000 bytes, which HotSpot only interprets.
            "wrong_types": F.transform("wrong_types", lambda path: F.concat(F.lit("schema:"), path)),
        }
    )


def _reasons() -> list[Column]:
    """The checks in the order of the contract, each a reason or null."""
    is_at_partition = (F.to_date("meta_dt") == F.col("event_date")) & (F.hour("meta_dt") == F.col("event_hour"))
    is_lost_in_grace = F.col("is_grace") & (F.col("is_unit_change") | ~is_in_sample())
    instrument_rule, *user_rules = (_reason(rule, _is_out_of_scope(rule)) for rule in RULES)
    return [
        _reason("unreadable_file", F.col("is_unreadable")),
        _reason("malformed_json", F.col("is_malformed")),
        instrument_rule,
        *_schema_reasons(),
        _reason("missing_meta_id", F.col("meta_id").isNull()),
        _reason("partition_mismatch", ~is_at_partition),
        *user_rules,
        _reason("unknown_wiki", F.col("is_known_wiki").isNull()),
        _reason("no_sampling_policy", F.col("policy_rate").isNull()),
        _reason("sampling_rate_zero", F.col("policy_rate") == 0),
        _reason(IN_GRACE, is_lost_in_grace),
        _reason("not_in_sample", ~is_in_sample()),
    ]


def _reason(name: str, applies: Column) -> Column:
    return F.when(applies, F.lit(name))


def _is_out_of_scope(rule: str) -> Column:
    """Tell whether a scope rule applies to a line; true or not, never mind whether false or null."""
    cases = (
        reduce(Column.__and__, [_HOLDS[asked](F.col(field)) for field, asked in case.items()]) for case in RULES[rule]
    )
    return reduce(Column.__or__, cases)


def _schema_reasons() -> list[Column]:
    """`schema:<path>`: required fields in their order, a wrongly typed parent before its child, then wrong types."""
    is_bad = {
        "$schema": ~F.coalesce(F.col("schema_uri").startswith(SCHEMA_PREFIX), F.lit(False)),
        "action": F.col("action").isNull(),
        "meta.dt": F.col("meta_dt").isNull(),
        "agent": ~F.col("has_agent"),
        "mediawiki.database": F.col("wiki_db").isNull(),
        "performer.pageview_id": F.col("pageview_id").isNull(),
        "performer.session_id": F.col("session_id").isNull(),
    }
    reasons = []
    for path, condition in is_bad.items():
        parent = path.split(".")[0]
        is_wrong_parent = F.array_contains("wrong_types", f"schema:{parent}")
        name = F.when(is_wrong_parent, F.lit(f"schema:{parent}")).otherwise(F.lit(f"schema:{path}"))
        reasons.append(F.when(condition, name))
    return [*reasons, F.get("wrong_types", F.lit(0))]


def _outputs() -> list[Column]:
    """Every column of the contract, in order, then fate, reason, line and file."""
    is_quarantined = F.coalesce(F.col("fate") == "quarantined", F.lit(False))
    skew = F.coalesce(F.abs(F.unix_micros("client_dt") - F.unix_micros("meta_dt")) > CLOCK_SKEW_MICROS, F.lit(False))
    # Hashes cost a tenth of the whole; who was not counted needs none, except for the audit of the sampling.
    is_hashed = F.col("reason").isNull() | (F.col("reason") == "not_in_sample")
    has_user = is_hashed & F.col("has_user_id") & (F.col("user_id") > 0)
    made = {
        "edit_count_bucket": F.coalesce(F.col("edit_count_bucket"), F.lit(UNKNOWN_BUCKET)),
        "user_hash": F.when(has_user, F.substring(_keyed(F.col("user_id")), 1, 16)),
        "session_hash": F.when(is_hashed, _keyed_number(F.col("session_id"))),
        "pageview_hash": F.when(is_hashed, _keyed_number(F.col("pageview_id"))),
        "is_clock_skewed": skew,
        "line_hash": F.xxhash64(F.coalesce("line", "file")),
        "line": F.when(is_quarantined, F.col("line")),
    }
    return [made.get(name, F.col(name)).alias(name) for name in CLASSIFIED_COLUMNS]


def _keyed(identifier: Column) -> Column:
    """Hexadecimal keyed hash of an id, which is local to its wiki."""
    return F.sha2(F.concat_ws("|", F.col("_salt"), F.col("wiki_db"), identifier.cast("string")), 256)


def _keyed_number(identifier: Column) -> Column:
    """The keyed hash shortened to 64 bits, null without an id."""
    return F.when(identifier.isNotNull(), F.xxhash64(_keyed(identifier)))


def _timestamp(text: Column) -> Column:
    """UTC timestamp of an ISO 8601 text with date and time of day, null where it is none.

    Without an offset it is UTC. The cast alone would accept `2026`, and `T12:00` as of today.
    """
    looks_right = [
        F.length(text) >= 19,
        F.substring(text, 11, 1).isin("T", " "),
        F.substring(text, 5, 1) == "-",
        text.between("1970", "2999"),
    ]
    return F.when(reduce(lambda a, b: a & b, looks_right), text.try_cast("timestamp"))
