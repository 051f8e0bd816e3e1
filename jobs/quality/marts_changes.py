"""Compare the marts of a run with the published ones, and its dates with those before: DuckDB, then tiny pandas frames.

Every profile has the columns `event_date` (a date of the run) and `subject` (unique together). What can be seen in the
new file alone, but for the dates before, is asked by `marts_profile`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd

from jobs.catalogue import load_catalogue
from jobs.quality.marts_changes_sql import (
    AUDIENCE,
    BESIDE_AUDIENCE,
    COMPARED,
    DERIVED,
    FRESHNESS,
    OF_DUMPS,
    RECOMPUTED,
    ComparedMart,
    published,
)
from jobs.quality.marts_dates_sql import KEYS, STATUSES
from jobs.quality.two_versions import attach_versions, name_metrics_of_dumps

MIN_STATUS_ROWS = 10  # of fewer, one row that changes its status would be a large share
QUESTIONS = {"keys": KEYS, "statuses": STATUSES.format(min_rows=MIN_STATUS_ROWS), "freshness": FRESHNESS}
PUBLISHED_COLUMNS = (
    "event_date", "subject", "n_published", "n_missing", "n_new", "n_rehidden", "n_changed", "n_differing",
    "eg_differing", "eg_rehidden",
)  # fmt: skip
RECOMPUTED_COLUMNS = ("event_date", "subject", "n_same_days", "n_unexplained", "n_explained", "eg_unexplained")


def marts_changes(
    next_file: Path,
    live_file: Path,
    *,
    as_of: Sequence[date],
    changed: Sequence[date],
    removed: Sequence[date] = (),
) -> dict[str, pd.DataFrame]:
    """Profile what a run of days would change in the marts, for the marts gate.

    Args:
        next_file: the DuckDB file, as built beside the published one.
        live_file: the published one; where there is none, nothing was published before, and what needs it is empty.
        as_of: the as-of dates whose rows the run computed, one at least.
        changed: the days whose facts it wrote anew.
        removed: as-of dates whose rows it takes away, as a rollback does.

    Returns:
        `published` (subject a mart; its rows of days that the run did not touch, and of eligible editors all: as
        published, missing, new, changed, and those that only one version hides), `recomputed` (subject a metric;
        published rows of dates of the run that differ, apart by whether a day of their window changed), `keys` (subject
        a metric; keys of the date before that have no row, apart by whether the vocabulary knows their link),
        `statuses` (subject wiki, family and window; shares of rows against the same weekday last week), `freshness`
        (one row; days that the newest as-of date lies behind the published one and behind the newest ingested day).

    Raises:
        duckdb.Error: a file or a mart cannot be read.
    """
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        attach_versions(connection, next_file, live_file)
        has_live = live_file.exists()
        _insert(connection, "asked (day date)", [(day,) for day in sorted(set(as_of))])
        _insert(connection, "changed (day date)", [(day,) for day in sorted(set(changed))])
        _insert(connection, "removed (day date)", [(day,) for day in sorted(set(removed))])
        name_metrics_of_dumps(connection)
        _show_published(connection, has_live=has_live)
        _show_catalogue(connection)
        frames = {name: connection.execute(sql).df() for name, sql in QUESTIONS.items()}
        frames["published"] = _published(connection, (*COMPARED, *AUDIENCE)) if has_live else _empty(PUBLISHED_COLUMNS)
        frames["recomputed"] = connection.execute(RECOMPUTED).df() if has_live else _empty(RECOMPUTED_COLUMNS)
    return {name: _with_dates(frame) for name, frame in frames.items()}


def beside_audience(next_file: Path, live_file: Path, as_of: Sequence[date]) -> pd.DataFrame:
    """Profile what the counting of an audience would change beside its own rows, which is to be nothing.

    Args:
        next_file, live_file: as for `marts_changes`.
        as_of: the as-of dates that were counted, one at least.

    Returns:
        `published`, as `marts_changes` has it, of all rows but those of editors as of these dates.

    Raises:
        duckdb.Error: a file or a mart cannot be read.
    """
    if not live_file.exists():
        return _empty(PUBLISHED_COLUMNS)
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        attach_versions(connection, next_file, live_file)
        _insert(connection, "asked (day date)", [(day,) for day in sorted(set(as_of))])
        for name in ("changed", "removed"):
            _insert(connection, f"{name} (day date)", [])
        name_metrics_of_dumps(connection)
        _show_published(connection, has_live=True)
        return _with_dates(_published(connection, BESIDE_AUDIENCE))


def _published(connection: duckdb.DuckDBPyConnection, marts: Sequence[ComparedMart]) -> pd.DataFrame:
    """Ask for the published rows of each mart that was published."""
    lines = []
    for mart in marts:
        columns = _common_columns(connection, mart)
        if columns:
            lines.append(connection.execute(published(mart, columns)).df())
    return pd.concat(lines, ignore_index=True) if lines else _empty(PUBLISHED_COLUMNS)


def _common_columns(connection: duckdb.DuckDBPyConnection, mart: ComparedMart) -> list[str]:
    """Return the columns of a mart that both versions have, in the order of the new one; none if it is new."""
    found = connection.execute(
        "select column_name from duckdb_columns() where schema_name = 'marts' and table_name = ?"
        " group by column_name having count(distinct database_name) = 2 order by min(column_index), column_name",
        [mart.name],
    ).fetchall()
    return [name for (name,) in found if name not in DERIVED]


def _show_published(connection: duckdb.DuckDBPyConnection, *, has_live: bool) -> None:
    """Create `published_dates`, as-of dates with published rows, and `versions`, of metrics, that both files have."""
    if not has_live:
        connection.execute("create temp table published_dates (day date)")
        return
    connection.execute(
        "create temp table published_dates as select distinct as_of_date as day from live.marts.fct_metric_values"
        f" where as_of_date not in (select day from removed) and not {OF_DUMPS}"
    )
    connection.execute(
        "create temp table versions as select metric, metric_version from live.marts.dim_metric"
        " intersect select metric, metric_version from built.marts.dim_metric"
    )


def _show_catalogue(connection: duckdb.DuckDBPyConnection) -> None:
    """Create `due`, what the catalogue says now: metrics by window and inference."""
    rows = [
        (m.metric, m.family, m.all_wikis, m.weekday is not None, m.elements if w.kind == "cohort" else None, w.kind,
         w.days, inference)
        for m in load_catalogue().metrics.values()
        for w in m.windows
        for inference in m.inference
    ]  # fmt: skip
    _insert(
        connection,
        "due (metric text, family text, all_wikis boolean, is_weekly boolean, cohort_of text, window_kind text,"
        " window_days int, inference text)",
        rows,
    )


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[tuple[object, ...]]) -> None:
    """Create a table of a few rows."""
    connection.execute(f"create temp table {table}")
    if rows:
        connection.executemany(f"insert into {table.split()[0]} values ({', '.join('?' for _ in rows[0])})", rows)


def _empty(columns: Sequence[str]) -> pd.DataFrame:
    """Return a frame without a row, its dates as DuckDB gives them."""
    return pd.DataFrame(columns=list(columns)).astype({"event_date": "datetime64[us]"})


def _with_dates(frame: pd.DataFrame) -> pd.DataFrame:
    """DuckDB gives timestamps for dates; the gate wants days."""
    return frame.assign(event_date=frame["event_date"].dt.date.astype(object))
