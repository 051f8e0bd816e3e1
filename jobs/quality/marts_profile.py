"""Profile the marts of a run before they are published: a few DuckDB queries, then tiny pandas frames.

Every profile has the columns `event_date` (the `as_of_date`) and `subject` (unique together). Counts of rows that
break a rule come with the description of one of them, so that a message can name it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd

from jobs.quality.marts_sql import BROKEN_RULES, MARGINS, REVIEWER_PAIRS, ROW_EXAMPLE, SUBSETS, WIKI_ALL, WIKI_ROWS


def marts_profile(marts_file: Path, *, as_of: Sequence[date] | None, min_users: int) -> dict[str, pd.DataFrame]:
    """Profile `fct_metric_values` for the marts gate.

    Args:
        marts_file: the DuckDB file, as built beside the published one.
        as_of: the dates the run computed; None looks at every date in the file.
        min_users: rows with fewer users must be suppressed (setting `[privacy] min_users`).

    Returns:
        `rows` (subject a wiki; counts of rows that break each rule), `subsets` (a set inside another), `margins`
        (buckets and platforms against their total), `wiki_all` (wiki `all` against the sum of wikis), `wikis` (rows of
        the dashboard for each visible wiki).

    Raises:
        duckdb.Error: the file or a mart is missing or cannot be read.
    """
    with duckdb.connect(str(marts_file), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        if as_of is None:
            connection.execute("create temp view scope as select * from marts.fct_metric_values")
        else:
            # A parameter cannot stand in a view; the dates come from our own code and are dates.
            dates = ", ".join(f"date '{day:%Y-%m-%d}'" for day in sorted(set(as_of))) or "null"
            connection.execute(
                f"create temp view scope as select * from marts.fct_metric_values where as_of_date in ({dates})"
            )
        frames = {
            "rows": _rows(connection, min_users),
            "subsets": connection.execute(SUBSETS.format(pairs=REVIEWER_PAIRS)).df(),
            "margins": connection.execute(MARGINS).df(),
            "wiki_all": connection.execute(WIKI_ALL).df(),
            "wikis": _wikis(connection, as_of),
        }
    return {name: _with_dates(frame) for name, frame in frames.items()}


def _rows(connection: duckdb.DuckDBPyConnection, min_users: int) -> pd.DataFrame:
    """Count, per as-of date and wiki, the rows that break each rule, in one pass."""
    rules = ",\n".join(
        f"count(*) filter (where {condition}) as n_{name},"
        f" coalesce(min({ROW_EXAMPLE}) filter (where {condition}), '') as eg_{name}"
        for name, condition in _conditions(min_users).items()
    )
    return connection.execute(
        f"""
        with arrived as (
            select ingest_date, count(distinct hour) as n_hours
            from marts.fct_ingest_log as log
            where fate = 'kept' and not exists (
                -- An hour of which a file could not be read, or one of two streams is missing, has arrived, but is not
                -- complete.
                from marts.fct_ingest_log as bad
                where bad.ingest_date = log.ingest_date and bad.hour = log.hour
                    and (bad.reason = 'unreadable_file' or bad.fate = 'missing_hour')
            )
            group by all
        ), windows as (
            select metric_date, as_of_date, coalesce(sum(n_hours), 0) as n_arrived
            from (select distinct metric_date, as_of_date from scope) left join arrived
                on ingest_date between metric_date and as_of_date
            group by all
        )
        select as_of_date as event_date, wiki_db as subject, count(*) as n_rows,
            count(*) - count(distinct (metric, metric_version, window_kind, metric_date, element_friendly_name,
                client_platform_family, edit_count_bucket, inference)) as n_duplicate_keys,
            {rules}
        from scope join windows using (metric_date, as_of_date)
        group by all order by all
        """
    ).df()


def _conditions(min_users: int) -> dict[str, str]:
    return {name: condition.format(min_users=int(min_users)) for name, condition in BROKEN_RULES.items()}


def _wikis(connection: duckdb.DuckDBPyConnection, as_of: Sequence[date] | None) -> pd.DataFrame:
    """One row per as-of date and visible wiki: its one-day rows of dashboard pageviews, of which there must be one."""
    if as_of is None:
        days = connection.execute("select distinct as_of_date from scope").df()
    else:
        days = pd.DataFrame({"as_of_date": pd.to_datetime(sorted(set(as_of)))})
    connection.register("asked", days)
    return connection.execute(WIKI_ROWS).df()


def _with_dates(frame: pd.DataFrame) -> pd.DataFrame:
    """DuckDB gives timestamps for dates; the gate wants days."""
    return frame.assign(event_date=pd.Series([stamp.date() for stamp in frame["event_date"]], dtype="object"))
