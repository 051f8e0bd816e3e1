"""A small world of facts for explanations: rows drawn once, and plain Python that counts them again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import date, timedelta
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from jobs.columns import BIGINT, Array
from jobs.contracts import table
from jobs.explanation.explanation import MetricRow
from jobs.schemas import arrow_schema
from jobs.warehouse.lake_sql import LakeSql, View

DAY = timedelta(days=1)
FIRST, LAST = date(2026, 3, 16), date(2026, 3, 29)
USAGE = "personal-dashboard-health-metrics"
LINK, MENU = "Personal Dashboard diff link", "Personal Dashboard menu link"
REGIME = {"instrument_name": USAGE, "sample_unit": "pageview", "sample_rate": 1.0}
TABLES = ("ingest_log", "baseline_daily", "engagement_daily", "user_days", "user_link_days", "unit_link_days")
Rows = list[dict[str, Any]]


def metric_row(metric: str, **given: Any) -> MetricRow:
    """Return a row of two weeks of idwiki at 100 %; what is not given shows nothing."""
    base: dict[str, Any] = dict.fromkeys(field.name for field in fields(MetricRow))
    base |= {
        "metric": metric, "metric_version": 1, "wiki_db": "idwiki", "window_kind": "rolling", "metric_date": FIRST,
        "as_of_date": LAST, "window_days": 14, "element_friendly_name": "all", "client_platform_family": "all",
        "edit_count_bucket": "all", "inference": "realised", "estimator": "count", "sampling_unit": "pageview",
        "sampling_rate_min": 1.0, "sampling_rate_max": 1.0, "status": "publish", "is_complete": True,
    }  # fmt: skip
    return MetricRow(**(base | given))


def filled(name: str, **row: Any) -> dict[str, Any]:
    """Return a row of a table of the contract: numbers left out are 0, arrays empty, the rest null."""
    columns = table(name).columns
    empty = {
        column: 0 if kind == BIGINT else [] if isinstance(kind, Array) else None for column, kind in columns.items()
    }
    base = empty | {key: value for key, value in REGIME.items() if key in columns} | row
    return {column: base[column] for column in columns}


def facts(seed: int = 13, *, users: int = 30) -> dict[str, Rows]:
    """Draw the facts of two wikis: user days with sessions, and user days with links on two platforms."""
    rng = np.random.default_rng(seed)
    days: Rows = []
    links: Rows = []
    for user in range(users):
        wiki = "idwiki" if user % 3 else "trwiki"
        for offset in range((LAST - FIRST).days + 1):
            if rng.random() > 0.25:
                continue
            on = {"event_date": FIRST + offset * DAY, "wiki_db": wiki, "user_hash": f"u{user}"}
            loads, clicks = int(rng.integers(0, 4)), int(rng.integers(0, 2))
            loads *= user % 5 != 1  # some click links on pages whose load was lost
            if loads or clicks:
                session = {"session_hash": user * 100 + offset // 2, "session_fraction": 0.5, "n_loads": loads,
                           "n_pageviews": loads, "n_review_pageviews": clicks}  # fmt: skip
                days.append(filled("user_days", **on, n_loads=loads, n_pageviews=loads, loads_sq=loads, n_sessions=1,
                                   n_review_clicks=clicks, sessions=[session]))  # fmt: skip
            links += [_link_day(rng, on, element) for element in (LINK, MENU)]
    events: defaultdict[tuple[date, str], int] = defaultdict(int)
    for row in (*days, *links):
        events[row["event_date"], row["wiki_db"]] += row.get("n_loads", 0) + row.get("n_impressions", 0)
    daily = [filled("baseline_daily", event_date=day, wiki_db=wiki, n_events=n) for (day, wiki), n in events.items()]
    sent = [
        filled("engagement_daily", event_date=FIRST, wiki_db=w, element_friendly_name=LINK)
        for w in ("idwiki", "trwiki")
    ]
    return {"ingest_log": _log(), "baseline_daily": daily, "engagement_daily": sent, "user_days": days,
            "user_link_days": links, "unit_link_days": []}  # fmt: skip


def _link_day(rng: np.random.Generator, on: Mapping[str, Any], element: str) -> dict[str, Any]:
    impressions = int(rng.integers(0, 4))
    clicks = int(rng.integers(0, impressions + 1))
    platform = ["desktop_browser", "mobile_browser"][int(rng.integers(2))]
    bucket = ["0 edits", "5-99 edits"][int(rng.random() < 0.9)]
    return filled(
        "user_link_days", **on, element_friendly_name=element, client_platform_family=platform,
        edit_count_bucket=bucket, n_impressions=impressions, n_clicks=clicks, n_shown=impressions, n_matched=clicks,
        impressions_sq=impressions**2, clicks_sq=clicks**2, impressions_clicks=impressions * clicks,
        shown_sq=impressions**2, matched_sq=clicks**2, shown_matched=impressions * clicks,
    )  # fmt: skip


def _log() -> Rows:
    rows: Rows = []
    for offset in range((LAST - FIRST).days + 1):
        on = {"event_date": FIRST + offset * DAY}
        rows += [{**on, "event_hour": hour, "fate": "kept", "reason": None, "n_lines": 100} for hour in range(24)]
        rows.append({**on, "event_hour": 3, "fate": "quarantined", "reason": "unknown_wiki", "n_lines": 7})
        rows.append({**on, "event_hour": 3, "fate": "out_of_scope", "reason": "bot", "n_lines": 5})
        rows.append({**on, "event_hour": 4, "fate": "duplicate", "reason": None, "n_lines": 2})
    rows.append({"event_date": LAST, "event_hour": 5, "fate": "missing_hour", "reason": None, "n_lines": 0})
    return rows


def lake(found: Mapping[str, Rows]) -> LakeSql:
    """Put facts into plain tables of a database in memory, under the names that the views have."""
    connection = duckdb.connect()
    for name in TABLES:
        connection.register(
            f"given_{name}", pa.Table.from_pylist(found[name], schema=arrow_schema(table(name).columns))
        )
        connection.execute(f"create table {name} as select * from given_{name}")
    return LakeSql(connection, [View(name, 1, "here") for name in TABLES])


def per_user(rows: Iterable[Mapping[str, Any]], column: str, wikis: Sequence[str] = ("idwiki",)) -> dict[str, int]:
    """Sum a column by user of some wikis."""
    sums: defaultdict[str, int] = defaultdict(int)
    for row in rows:
        if row["wiki_db"] in wikis:
            sums[row["user_hash"]] += row[column]
    return dict(sums)
