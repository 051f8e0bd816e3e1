"""The sampling policy on events: the rate in force, the client's in-sample rule, and the sums its audit needs.

The rule (docs/contract.md, section 2): an id is in sample at a rate when `int(id[:8], 16) / 0xFFFFFFFF < rate`, on
`performer.pageview_id` or `performer.session_id`. Samples are nested: what is in at a rate is in at every higher one.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

AUDIT_BINS = 1024
AUDIT_KEY = ("event_date", "wiki_db", "instrument_name", "sample_unit", "declared_rate")


def id_fraction(identifier: Column) -> Column:
    """Place of an id in [0, 1] by its first 8 hexadecimal digits, null where they are none."""
    head = F.substring(identifier, 1, 8)
    is_hex = (head != "") & F.unhex(head).isNotNull()
    return F.when(is_hex, F.conv(head, 16, 10).cast("bigint") / F.lit(float(0xFFFFFFFF)))


def with_regime(events: DataFrame, regimes: DataFrame) -> DataFrame:
    """Add the sampling regime in force when an event was received.

    Args:
        events: with instrument_name, wiki_db, meta_dt.
        regimes: elementary intervals that do not overlap: instrument_name, wiki_db, sample_unit, sample_rate (in
            force), kept_rate (what an id must be in at), is_grace, is_unit_change, valid_from, valid_to (exclusive,
            null while in force).

    Returns:
        The rows of `events` with sample_unit, policy_rate, sample_rate (the kept rate, the one that applied), is_grace
        and is_unit_change; all null where no policy is in force.
    """
    known = regimes.select(
        F.col("instrument_name").alias("_instrument"),
        F.col("wiki_db").alias("_wiki"),
        "sample_unit",
        F.col("sample_rate").alias("policy_rate"),
        F.col("kept_rate").alias("sample_rate"),
        "is_grace",
        "is_unit_change",
        "valid_from",
        "valid_to",
    )
    is_same_series = (F.col("instrument_name") == F.col("_instrument")) & (F.col("wiki_db") == F.col("_wiki"))
    is_ended = F.coalesce(F.col("meta_dt") >= F.col("valid_to"), F.lit(False))
    is_in_force = (F.col("meta_dt") >= F.col("valid_from")) & ~is_ended
    joined = events.join(F.broadcast(known), is_same_series & is_in_force, how="left")
    return joined.drop("_instrument", "_wiki", "valid_from", "valid_to")


def is_in_sample() -> Column:
    """Whether the id of an event's sampling unit is in at the event's sample_rate; at rate 1 every id is.

    Reads sample_unit, sample_rate, session_fraction, pageview_fraction. An id that is not hexadecimal is never in.
    """
    return (F.col("sample_rate") >= 1) | F.coalesce(_unit_fraction() < F.col("sample_rate"), F.lit(False))


def audit_sums(classified: DataFrame) -> DataFrame:
    """Reduce a day's sampled ids to what the audit of the declared rate needs.

    Grain: event_date, wiki_db, instrument_name, sample_unit, declared_rate, for regimes with a rate above 0: at rate 1
    nothing can be impossible, but a true rate below the declared one shows all the same.

    Args:
        classified: rows of `events.classify` after deduplication: fate `kept`, and reason `not_in_sample`, count.

    Returns:
        AUDIT_KEY, `n_ids` (distinct ids of the sampling unit among kept events), `largest_fraction` (of those),
        `n_impossible_pageviews` (distinct pageviews whose id could not have been sampled), and `histogram`
        (array of bin and ids_in_bin, the empty ones left out: ids by fraction / declared_rate in AUDIT_BINS bins,
        uniform on [0, 1) if the rate is right).
    """
    is_impossible = F.coalesce(F.col("reason") == "not_in_sample", F.lit(False))
    is_sampled = F.col("sample_rate") > 0
    counted = classified.where(is_sampled & ((F.col("fate") == "kept") | is_impossible)).select(
        *AUDIT_KEY[:-1],
        F.col("sample_rate").alias("declared_rate"),
        is_impossible.alias("is_impossible"),
        F.when(is_impossible, F.col("pageview_hash")).otherwise(_unit_hash()).alias("unit_hash"),
        F.when(~is_impossible, _unit_fraction()).alias("fraction"),
    )
    units = counted.groupBy(*AUDIT_KEY, "is_impossible", "unit_hash").agg(F.max("fraction").alias("fraction"))
    place = F.floor(F.col("fraction") / F.col("declared_rate") * AUDIT_BINS)
    bin_of_id = F.least(place, F.lit(AUDIT_BINS - 1)).cast("int")  # at rate 1 a fraction may be 1
    binned = units.groupBy(*AUDIT_KEY, bin_of_id.alias("bin")).agg(
        F.count_if(~F.col("is_impossible")).alias("ids_in_bin"),
        F.count_if("is_impossible").alias("n_impossible"),
        F.max("fraction").alias("largest_fraction"),
    )
    has_ids = F.col("bin").isNotNull() & (F.col("ids_in_bin") > 0)
    return binned.groupBy(*AUDIT_KEY).agg(
        F.sum("ids_in_bin").alias("n_ids"),
        F.max("largest_fraction").alias("largest_fraction"),
        F.sum("n_impossible").alias("n_impossible_pageviews"),
        F.collect_list(F.when(has_ids, F.struct("bin", "ids_in_bin"))).alias("histogram"),
    )


def _unit_fraction() -> Column:
    return F.when(F.col("sample_unit") == "session", F.col("session_fraction")).otherwise(F.col("pageview_fraction"))


def _unit_hash() -> Column:
    return F.when(F.col("sample_unit") == "session", F.col("session_hash")).otherwise(F.col("pageview_hash"))
