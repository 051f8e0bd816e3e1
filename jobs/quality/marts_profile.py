"""Profile the marts of a run before they are published: a few DuckDB queries, then tiny pandas frames.

Every profile has the columns `event_date` (the `as_of_date`) and `subject` (unique together). What is wrong with a row
by itself is found by dbt's tests while the marts are built; here are the questions that take several rows or tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd

from jobs import catalogue
from jobs.quality.marts_sql import MARGINS, ROWS, SUBSETS, WIKI_ALL, WIKIS

FROM_EVENTS = "metric not in (select metric from metrics where family = 'audience')"
QUESTIONS = {"rows": ROWS, "subsets": SUBSETS, "margins": MARGINS, "wiki_all": WIKI_ALL, "wikis": WIKIS}


def marts_profile(marts_file: Path, *, as_of: Sequence[date] | None) -> dict[str, pd.DataFrame]:
    """Profile `fct_metric_values` for the marts gate, but for eligible editors, which come from dumps.

    Args:
        marts_file: the DuckDB file, as built beside the published one.
        as_of: the dates the run computed; None looks at every date in the file.

    Returns:
        `rows` (subject a wiki; its rows, and those whose `is_complete` the ingest log contradicts), `subsets` (a set
        inside another), `margins` (buckets and platforms against their total), `wiki_all` (wiki `all` against the sum
        of wikis), `wikis` (rows of the totals for each visible wiki and window).

    Raises:
        duckdb.Error: the file or a mart is missing or cannot be read.
    """
    with duckdb.connect(str(marts_file), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        _show_catalogue(connection)
        _show_scope(connection, as_of)
        frames = {name: connection.execute(sql).df() for name, sql in QUESTIONS.items()}
    return {name: _with_dates(frame) for name, frame in frames.items()}


def _show_scope(connection: duckdb.DuckDBPyConnection, as_of: Sequence[date] | None) -> None:
    """Create `scope`, the rows of the dates, and `asked`, the dates. Eligible editors have a gate of their own."""
    rows = f"create temp view scope as select * from marts.fct_metric_values where {FROM_EVENTS}"
    if as_of is None:
        connection.execute(rows)
        connection.execute("create temp view asked as select distinct as_of_date from scope")
        return
    connection.execute("create temp table asked (as_of_date date)")
    _insert(connection, "asked", [(day,) for day in sorted(set(as_of))])
    connection.execute(f"{rows} and as_of_date in (select as_of_date from asked)")


def _show_catalogue(connection: duckdb.DuckDBPyConnection) -> None:
    """Create `metrics` and `metric_windows`, what the catalogue says now."""
    metrics = catalogue.load_catalogue().metrics.values()
    connection.execute(
        "create temp table metrics (metric text, kind text, family text, all_wikis boolean, part_of text)"
    )
    _insert(connection, "metrics", [(m.metric, m.kind, m.family, m.all_wikis, m.part_of) for m in metrics])
    connection.execute("create temp table metric_windows (metric text, window_kind text, window_days int)")
    _insert(connection, "metric_windows", [(m.metric, w.kind, w.days) for m in metrics for w in m.windows])


def _insert(connection: duckdb.DuckDBPyConnection, name: str, rows: Sequence[tuple[object, ...]]) -> None:
    if rows:
        connection.executemany(f"insert into {name} values ({', '.join('?' for _ in rows[0])})", rows)


def _with_dates(frame: pd.DataFrame) -> pd.DataFrame:
    """DuckDB gives timestamps for dates; the gate wants days."""
    return frame.assign(event_date=pd.Series([stamp.date() for stamp in frame["event_date"]], dtype="object"))
