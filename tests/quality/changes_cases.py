"""Two small marts files, the built one and the published one, called alike, and what differs between them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from jobs import catalogue
from jobs.quality.marts_changes import marts_changes

Rows = list[dict[str, Any]]
Tables = dict[str, Rows]
Profile = Callable[..., dict[str, pd.DataFrame]]

D = date(2026, 3, 28)
BEFORE = D - timedelta(days=1)
WEEK_AGO = D - timedelta(days=7)
LONG_AGO = date(2025, 1, 1)
MENU_LINK = "Personal Dashboard menu link"


def metric(name: str, as_of: date, days: int | None = 7, *, kind: str = "rolling", **values: Any) -> dict[str, Any]:
    """A row of `fct_metric_values`, exact and published."""
    first = as_of.replace(day=1) if days is None else as_of - timedelta(days=days - 1)
    return {
        "metric": name, "metric_version": 1, "wiki_db": "trwiki", "window_kind": kind, "metric_date": first,
        "as_of_date": as_of, "window_days": days, "element_friendly_name": "all", "client_platform_family": "all",
        "edit_count_bucket": "all", "inference": "realised", "estimate": 20.0, "lower": 20.0, "upper": 20.0,
        "status": "publish", "is_complete": True, "sampling_unit": "pageview", "sampling_rate_min": 1.0,
        "sampling_rate_max": 1.0, **values,
    }  # fmt: skip


def visitors(as_of: date, days: int | None = 7, **values: Any) -> dict[str, Any]:
    return metric("dashboard_visitors", as_of, days, **values)


def editors(as_of: date, days: int = 14, **values: Any) -> dict[str, Any]:
    return metric("eligible_editors", as_of, days, edit_count_bucket="100-500", **values)


def audience(as_of: date, n_editors: int = 20) -> dict[str, Any]:
    cell = {"as_of_date": as_of, "wiki_db": "trwiki", "band": "100-500", "window_days": 14, "definition": ""}
    return {**cell, "n_editors": n_editors}


def link(as_of: date, name: str = "diff link", days: int = 7, **values: Any) -> dict[str, Any]:
    return metric("link_clicks", as_of, days, element_friendly_name=name, **values)


def life(name: str, start: date, end: date | None = None) -> dict[str, Any]:
    return {
        "element_friendly_name": name, "link_group": f"group of {name}", "measured_from": start, "measured_to": end,
    }  # fmt: skip


def baseline(
    day: date, visitors: int | None = 12, reviewers: int | None = 11, *, hidden: bool = False
) -> dict[str, Any]:
    return {
        "event_date": day, "wiki_db": "trwiki", "instrument_name": "health", "n_visitors_observed": visitors,
        "n_reviewers_observed": reviewers, "is_suppressed": hidden,
    }  # fmt: skip


def logged(day: date, hour: int = 3, n_lines: int = 40, *, fate: str = "kept") -> dict[str, Any]:
    return {"ingest_date": day, "hour": hour, "fate": fate, "reason": None, "n_lines": n_lines}


SMALL: Tables = {
    "fct_metric_values": [visitors(BEFORE), visitors(D)],
    "fct_baseline_daily": [baseline(BEFORE), baseline(D)],
    "fct_ingest_log": [logged(BEFORE), logged(D)],
    "dim_metric": [{"metric": name, "metric_version": 1} for name in catalogue.load_catalogue().metrics],
    "dim_wiki": [{"wiki_db": "trwiki", "visible_from": LONG_AGO}, {"wiki_db": "idwiki", "visible_from": LONG_AGO}],
    "dim_instrument_vocabulary": [life("diff link", LONG_AGO), life(MENU_LINK, LONG_AGO, D)],
}


def write(file: Path, tables: Tables) -> Path:
    """Write a marts file."""
    file.parent.mkdir(exist_ok=True)
    file.unlink(missing_ok=True)
    with duckdb.connect(str(file)) as connection:
        connection.execute("create schema marts")
        for name, rows in tables.items():
            types = {column: _type(column, [row[column] for row in rows]) for column in rows[0]}
            columns = ", ".join(f"{column} {of}" for column, of in types.items())
            connection.execute(f"create table marts.{name} ({columns})")
            slots = ", ".join("?" for _ in types)
            connection.executemany(f"insert into marts.{name} values ({slots})", [list(row.values()) for row in rows])
    return file


def _type(column: str, values: list[Any]) -> str:
    """Name DuckDB's type of a column that holds some values, or nulls alone."""
    words = {str: "text", float: "double", int: "int", bool: "boolean", date: "date", datetime: "timestamp"}
    found = {words[type(value)] for value in values if value is not None}
    return (
        found.pop()
        if found
        else {"window_days": "int", "measured_to": "date", "valid_to": "timestamp", "estimate": "double"}.get(
            column, "text"
        )
    )


def compare(
    folder: Path,
    built: Tables | None = None,
    live: Tables | None = None,
    *,
    first_run: bool = False,
    as_of: list[date] | None = None,
    changed: list[date] | None = None,
    removed: list[date] | None = None,
) -> dict[str, pd.DataFrame]:
    """Write both files, the small one but for the tables given, and profile what the run of the day D would change."""
    next_file = write(folder / "run's next" / "personal_dashboard.duckdb", SMALL | (built or {}))
    live_file = folder / "live" / "personal_dashboard.duckdb"
    if not first_run:
        write(live_file, SMALL | (live or {}))
    days = [D] if as_of is None else as_of
    written = [D] if changed is None else changed
    return marts_changes(next_file, live_file, as_of=days, changed=written, removed=removed or [])


def missing(frames: dict[str, pd.DataFrame]) -> dict[str, tuple[int, int]]:
    """By metric: keys that are missing, those of links outside the vocabulary apart."""
    assert not frames["keys"].duplicated(["event_date", "subject"]).any()
    lines = frames["keys"].itertuples()
    return {line.subject: (line.n_missing, line.n_missing_unlisted) for line in lines}
