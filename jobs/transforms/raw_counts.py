"""Lines counted before anything is staged: what the raw gate looks at."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

OF_KEPT = ("instrument_name", "sample_unit", "sample_rate", "action", "element_friendly_name", "client_platform_family")


def line_counts(decided: DataFrame, wikis: Sequence[str]) -> DataFrame:
    """Count the lines that were kept, and those of known wikis that were refused.

    Grain: event_date, wiki_db, fate, reason and, of kept lines, `OF_KEPT` (null of refused ones, whose fields are not
    to be trusted).

    Args:
        decided: one row per line, with its fate.
        wikis: the known ones.

    Returns:
        event_date, wiki_db, fate (`kept` or `quarantined`), reason (of a refused line), OF_KEPT, n_lines.
    """
    is_kept = F.col("fate") == "kept"
    is_refused = (F.col("fate") == "quarantined") & F.col("wiki_db").isin(list(wikis))
    key = ("event_date", "wiki_db", "fate", "reason", *OF_KEPT)
    told = decided.where(is_kept | is_refused).select(
        "event_date", "wiki_db", "fate", "reason", *(F.when(is_kept, F.col(name)).alias(name) for name in OF_KEPT)
    )
    return told.groupBy(*key).agg(F.count(F.lit(1)).alias("n_lines"))
