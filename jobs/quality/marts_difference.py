"""How the marts that a backfill built differ from the published ones, and why: from the two files alone.

Three causes are told apart. *Late data*: of a day in the row's window other lines were read, by the log of fates.
*Policy*: something else is declared for a moment of its window, of its wiki or link. *Code*: neither, and the number is
another one. What the files do not tell stands in docs/operations.md, "Backfill".
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from jobs.quality.declared import DIMENSIONS, stretches
from jobs.quality.marts_changes_sql import DERIVED
from jobs.quality.marts_difference_sql import CATALOGUE, LATE_DAYS, MARTS, declared, difference
from jobs.quality.two_versions import attach_versions, name_metrics_of_dumps

CAUSES = ("new_days", "late_data", "policy", "code")


def marts_difference(
    next_file: Path,
    live_file: Path,
    *,
    as_of: Sequence[date],
    changed: Sequence[date],
    lookback_days: int,
    grace: timedelta,
) -> pd.DataFrame:
    """Compare two versions of the marts on the days of a run.

    Args:
        next_file: the DuckDB file, as built beside the published one.
        live_file: the published one; where there is none, every row is new.
        as_of: the as-of dates whose rows the run computed, or took away.
        changed: the days whose facts it wrote.
        lookback_days: how far back an earlier copy makes a line a duplicate.
        grace: how long a change of rate takes to reach clients.

    Returns:
        A row for each `mart`; of `fct_metric_values` for each `metric` and `wiki_db`. `n_before`, `n_now`, `n_new`,
        `n_gone`, `n_changed` (in any column), `n_status` (`status_changes` says from which to which), `n_moved`
        (another estimate) with the median and the largest of their relative moves, `abs(now / before - 1)`; and of the
        rows that differ, by cause, `n_new_days` (of days without any row before), `n_late_data`, `n_policy`, `n_code`.
        A row that late data and policy may both have changed counts under both.

    Raises:
        duckdb.Error: a file cannot be read.
    """
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        attach_versions(connection, next_file, live_file, [*(mart.name for mart in MARTS), *DIMENSIONS, CATALOGUE])
        for name, days in (("asked", as_of), ("changed", changed)):
            _insert(connection, f"{name} (day date)", [(day,) for day in sorted(set(days))])
        name_metrics_of_dumps(connection)
        connection.execute(LATE_DAYS.format(lookback_days=lookback_days))
        return _compared(connection, grace)


def _compared(connection: duckdb.DuckDBPyConnection, grace: timedelta) -> pd.DataFrame:
    """Compare the attached versions, mart by mart, once it is known which days were asked for, changed and late."""
    dimensions = {name: (_rows(connection, "live", name), _rows(connection, "built", name)) for name in DIMENSIONS}
    _insert(
        connection,
        "policy_stretches (wiki_db text, element text, link_group text, first_day date, last_day date)",
        stretches(dimensions, grace),
    )
    shared = {mart: _shared_columns(connection, mart.name) for mart in MARTS}
    asked = [
        difference(mart, [name for name in columns if name not in DERIVED])
        for mart, columns in shared.items()
        if columns
    ]
    for name in (*DIMENSIONS, CATALOGUE):
        if columns := _shared_columns(connection, name):
            asked.append(declared(name, columns, "code" if name == CATALOGUE else "policy"))
    return pd.concat([connection.execute(sql).df() for sql in asked], ignore_index=True)


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[tuple[object, ...]]) -> None:
    connection.execute(f"create temp table {table}")
    if rows:
        connection.executemany(f"insert into {table.split()[0]} values ({', '.join('?' for _ in rows[0])})", rows)


def _shared_columns(connection: duckdb.DuckDBPyConnection, mart: str) -> list[str]:
    """Return the columns of a mart that both versions have, in the order of the new one."""
    live = _columns(connection, "live", mart)
    return [name for name in _columns(connection, "built", mart) if name in live]


def _columns(connection: duckdb.DuckDBPyConnection, version: str, mart: str) -> list[str]:
    found = connection.execute(
        "select column_name from duckdb_columns() where database_name = ? and schema_name = 'marts' and table_name = ?"
        " order by column_index",
        [version, mart],
    ).fetchall()
    return [name for (name,) in found]


def _rows(connection: duckdb.DuckDBPyConnection, version: str, dimension: str) -> list[dict[str, Any]]:
    """Return the rows of a dimension, which is tiny; none where one of the versions has no such dimension."""
    columns = _shared_columns(connection, dimension)
    if not columns:
        return []
    found = connection.execute(f"select {', '.join(columns)} from {version}.marts.{dimension}").fetchall()
    return [dict(zip(columns, row, strict=True)) for row in found]
