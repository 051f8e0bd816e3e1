"""A small random world of kept events, and the plain Python with which its windows can be recounted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame, SparkSession

from jobs.catalogue import load_catalogue
from jobs.columns import BIGINT, Array
from jobs.contracts import EVENT_COLUMNS, table
from jobs.schemas import spark_schema

DAY = timedelta(days=1)
FIRST = date(2026, 5, 1)
USAGE, ENTRY = "usage-instrument", "entry-instrument"
REVIEW = ["diff-a", "diff-b"]
MENU = "menu"
COHORT_METRICS = tuple(
    replace(metric, elements=MENU) if metric.elements else metric
    for metric in load_catalogue().of_family("retention", "presented")
)
SEGMENT = ["element_friendly_name", "client_platform_family", "edit_count_bucket"]
REGIME = ["instrument_name", "sample_unit", "sample_rate"]
_DEFAULTS: dict[str, Any] = {
    "event_date": FIRST, "event_hour": 0, "meta_id": None, "meta_dt": None, "client_dt": None, "wiki_db": "frwiki",
    "instrument_name": USAGE, "sample_unit": "pageview", "sample_rate": 1.0, "action": "pageview",
    "element_friendly_name": None, "client_platform_family": "desktop_browser", "edit_count_bucket": "5-99 edits",
    "funnel_entry_token": None, "user_hash": "ann", "session_hash": 1, "pageview_hash": 1, "session_fraction": 0.5,
    "pageview_fraction": 0.5, "is_clock_skewed": False, "line_hash": 0,
}  # fmt: skip


def events_frame(spark: SparkSession, rows: Iterable[Mapping[str, Any]]) -> DataFrame:
    """Build a frame of events; what a row leaves out is the default."""
    filled = [
        tuple(({**_DEFAULTS, "meta_id": f"m{i}", **row})[name] for name in _DEFAULTS) for i, row in enumerate(rows)
    ]
    return spark.createDataFrame(filled, spark_schema(EVENT_COLUMNS))


def table_frame(spark: SparkSession, name: str, rows: Iterable[Mapping[str, Any]]) -> DataFrame:
    """Build rows of a table of the contract; numbers left out are 0, regime and segment as in `_DEFAULTS`."""
    columns = table(name).columns
    numbers = {column: 0 for column, kind in columns.items() if kind == BIGINT}
    arrays = {column: [] for column, kind in columns.items() if isinstance(kind, Array)}
    base = {**_DEFAULTS, **numbers, **arrays, "session_hash": 1}
    return spark.createDataFrame([tuple({**base, **row}[c] for c in columns) for row in rows], spark_schema(columns))


def rows_of(frame: DataFrame, *columns: str) -> list[tuple[Any, ...]]:
    """Collect some columns, sorted."""
    return sorted((tuple(row) for row in frame.select(*columns).collect()), key=repr)


def random_events(seed: int, *, n_loads: int = 260, n_days: int = 40) -> list[dict[str, Any]]:
    """Draw kept events of four wikis with every kind of regime, and an entry instrument without user ids.

    frwiki: pageview, 1; eswiki: pageview, 1 then 0.5; jawiki: session, 0.5; trwiki: session, 1.
    """
    rng = np.random.default_rng(seed)
    events: list[dict[str, Any]] = []
    for pageview in range(n_loads):
        user, day = int(rng.integers(16)), int(rng.integers(n_days))
        wiki = ["frwiki", "eswiki", "jawiki", "trwiki"][user % 4]
        session = user * 1000 + (day // 3 if rng.random() < 0.5 else 500 + pageview)
        platform = (
            None
            if rng.random() < 0.05
            else ["desktop_browser", "mobile_browser"][(user // 4) % 2 if rng.random() < 0.85 else int(rng.integers(2))]
        )
        page = {
            "event_date": FIRST + day * DAY,
            "wiki_db": wiki,
            "sample_unit": "session" if wiki in ("jawiki", "trwiki") else "pageview",
            "sample_rate": 0.5 if wiki == "jawiki" or (wiki == "eswiki" and day >= 18) else 1.0,
            "client_platform_family": platform,
            "edit_count_bucket": "5-99 edits" if day < 5 + 3 * (user % 11) else "100-999 edits",
            "user_hash": f"user{user:02d}",
            "session_hash": session,
            "pageview_hash": pageview,
            "session_fraction": (session * 37 % 101) / 101,
            "pageview_fraction": float(rng.random()),
        }
        events += _page_events(rng, page)
        if wiki == "frwiki" and rng.random() < 0.3:
            anonymous = {**page, "instrument_name": ENTRY, "user_hash": None, "sample_unit": "session"}
            events += _link_events(rng, {**anonymous, "sample_rate": 0.5}, ["entry-link"])
    return [{**event, "meta_id": f"m{i}"} for i, event in enumerate(events)]


def _page_events(rng: np.random.Generator, page: Mapping[str, Any]) -> list[dict[str, Any]]:
    loads = [{**page, "action": "pageview"}] * int(rng.choice([0, 1, 1, 1, 2]))
    return loads + _link_events(rng, page, [*REVIEW, MENU])


def _link_events(rng: np.random.Generator, page: Mapping[str, Any], elements: Sequence[str]) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    for element in elements:
        for token in range(int(rng.integers(3))):
            on = {**page, "element_friendly_name": element, "funnel_entry_token": f"t{token}" if token else None}
            events += [{**on, "action": "impression"}] * int(rng.integers(3))
            events += [{**on, "action": "click"}] * int(rng.random() < 0.3)
            events += [{**on, "action": "hover"}] * int(rng.random() < 0.1)
    return events


def pandas_events(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Return events as pandas, with `key`: what an impression and its click have in common."""
    frame = pd.DataFrame([{**_DEFAULTS, **row} for row in rows])
    frame["event_date"] = pd.to_datetime(frame["event_date"])
    token = frame["funnel_entry_token"].fillna(frame["meta_id"])
    frame["key"] = frame["pageview_hash"].astype(str) + "/" + token
    return frame


def with_review_group(events: pd.DataFrame) -> pd.DataFrame:
    """Add the events of review links once more, under the name of their group; keys stay those of the element."""
    events = events.assign(key=events["key"] + "/" + events["element_friendly_name"].fillna(""))
    review = events[events["element_friendly_name"].isin(REVIEW)]
    return pd.concat([events, review.assign(element_friendly_name="review links")], ignore_index=True)
