"""A small lake in Parquet, so that the dbt tests need no Spark: literal rows in, tables of the contract out."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb

from jobs.contracts import LINK_SUMS, TABLES
from jobs.reference.rows import COLUMNS
from jobs.schemas import duckdb_types
from jobs.warehouse.snapshots import LakeTable

Row = dict[str, Any]
MONDAY, DAY = date(2026, 6, 1), timedelta(days=1)
MENU, DIFF = "Personal Dashboard menu link", "Personal Dashboard diff link"
HEALTH = "personal-dashboard-health-metrics"

REFERENCE: dict[str, list[Row]] = {
    "wikis": [
        {"wiki_db": "idwiki", "domain": "id.wikipedia.org", "language": "id", "pilot": "true",
         "enabled_from": "2026-02-10", "visible_from": "2026-02-12"},
        {"wiki_db": "enwiki", "domain": "en.wikipedia.org", "language": "en", "pilot": "false",
         "enabled_from": "2026-03-19", "visible_from": ""},
    ],
    "wiki_config": [],
    "milestones": [],
    "sampling_policy": [
        {"instrument_name": HEALTH, "wiki_db": "*", "sample_unit": "session", "sample_rate": "1",
         "valid_from": "2026-02-10T00:00:00Z", "valid_to": ""},
        {"instrument_name": HEALTH, "wiki_db": "enwiki", "sample_unit": "session", "sample_rate": "0.1",
         "valid_from": "2026-03-19 20:36:00", "valid_to": "2026-06-02T12:00:00+00:00"},
    ],
    "instruments": [{"instrument_name": HEALTH, "role": "both", "has_user_id": "true", "valid_from": "2026-02-10"}],
    "vocabulary": [
        {"element_friendly_name": MENU, "link_group": "entry point", "client_platform_family": "*",
         "measured_from": "2026-02-10", "measured_to": "2026-04-07", "reason": "removed, \"T422512\""},
        {"element_friendly_name": DIFF, "link_group": "review links", "client_platform_family": "*",
         "measured_from": "2026-02-10"},
    ],
    "metrics": [
        {"metric": metric, "metric_version": version, "name": metric, "definition": "d", "numerator": "n",
         "kind": kind, "unit": "users", "direction": "higher", "window_kinds": "rolling 1, 7, 28", "family": "baseline"}
        for metric, version, kind in (
            ("dashboard_pageviews", 2, "count"), ("retention_14d", 1, "rate"), ("link_clicks", 1, "count"),
            ("link_impressions", 1, "count"), ("link_click_through_rate", 1, "ratio"),
            ("eligible_editors", 1, "count"),
        )
    ],
}  # fmt: skip


# Of these tables the small lake has one row.
SINGLE: dict[str, Row] = {
    "retention_windows": {
        "metric": "retention_14d", "wiki_db": "idwiki", "metric_date": MONDAY, "as_of_date": date(2026, 6, 15),
        "window_days": 15, "n_cohort": 40, "n_returned": 10,
    },
    "sampling_audit": {
        "event_date": MONDAY, "wiki_db": "enwiki", "instrument_name": HEALTH, "sample_unit": "session",
        "declared_rate": 0.1, "n_ids": 60, "largest_fraction": 0.099, "upper_limit": 0.104,
        "n_impossible_pageviews": 0, "ks_p_value": 0.4, "verdict": "as declared",
    },
    "self_validation": {
        "wiki_db": "idwiki", "as_of_date": MONDAY, "metric": "dashboard_pageviews", "metric_date": MONDAY,
        "window_days": 1, "sample_unit": "session", "rate": 0.1, "truth": 120.0, "estimate": 110.0, "lower": 80.0,
        "upper": 145.5, "naive": 11.0, "status": "publish", "is_covered": True,
    },
    "milestone_status": {
        "milestone": "Visitors", "wiki_db": "pilot", "metric": "dashboard_visitors", "window_kind": "rolling",
        "window_days": 7, "target": 400.0, "due_date": date(2026, 6, 30), "source": "a test", "as_of_date": MONDAY,
        "status": "on track", "is_overdue": False, "window_start": date(2026, 5, 26), "window_end": MONDAY,
        "estimate": 200.0, "lower": 190.0, "upper": None, "share_reached": 0.5, "expected_from": date(2026, 6, 10),
        "expected_to": None, "reason": "It grows.",
    },
    "audience": {
        "as_of_date": date(2026, 6, 15), "wiki_db": "frwiki", "band": "100-500", "window_days": 14,
        "definition": "", "window_start": date(2026, 6, 2), "snapshot": "2026-06", "read_from": date(2026, 6, 2),
        "read_to": date(2026, 6, 15), "n_editors": 150, "n_new_to_band": 12, "n_left_band": 9, "growth_exponent": 0.5,
        "projected_days": 56, "projected": 300.0, "projected_lower": 170.0, "projected_upper": 400.0,
    },
    "audience_alternatives": {
        "as_of_date": date(2026, 6, 15), "wiki_db": "frwiki", "band": "100-500", "window_days": 14, "choice": "bots",
        "alternative": "counted", "n_editors": 155,
    },
    "audience_log": {
        "as_of_date": date(2026, 6, 15), "read_from": date(2026, 6, 2), "wiki_db": "frwiki", "snapshot": "2026-06",
        "fate": "kept", "n_rows": 5000,
    },
}  # fmt: skip


def metric_value(**changes: Any) -> Row:
    """Return a row of metric_values: a published count of one unsampled day, with changes."""
    row: Row = {
        "metric": "dashboard_pageviews", "metric_version": 2, "wiki_db": "idwiki", "window_kind": "rolling",
        "metric_date": MONDAY, "as_of_date": MONDAY, "window_days": 1, "element_friendly_name": "all",
        "client_platform_family": "all", "edit_count_bucket": "all", "inference": "realised", "estimate": 120.0,
        "lower": 120.0, "upper": 120.0, "observed_numerator": 120.0, "n_users_observed": 30.0, "n_effective": 120.0,
        "estimator": "count", "sampling_unit": "session", "sampling_rate_min": 1.0, "sampling_rate_max": 1.0,
        "status": "publish", "is_complete": True,
    }  # fmt: skip
    return row | changes


def retention_value(**changes: Any) -> Row:
    """Return a row of metric_values for a cohort of retention_14d, with changes."""
    row = metric_value(
        metric="retention_14d", metric_version=1, window_kind="cohort", as_of_date=date(2026, 6, 15), window_days=15,
        estimate=0.25, lower=0.25, upper=0.25, observed_numerator=10.0, observed_denominator=40.0,
        n_users_observed=40.0, estimator="ratio",
    )  # fmt: skip
    return row | changes


def editors_value(**changes: Any) -> Row:
    """Return a row of audience_values, the one that `SINGLE` has in `audience`, with changes."""
    row = metric_value(
        metric="eligible_editors", metric_version=1, wiki_db="frwiki", metric_date=date(2026, 6, 2),
        as_of_date=date(2026, 6, 15), window_days=14, edit_count_bucket="100-500", sampling_unit=None,
        **dict.fromkeys(("estimate", "lower", "upper", "observed_numerator", "n_users_observed", "n_effective"), 150.0),
    )  # fmt: skip
    return row | changes


def weeks() -> list[Row]:
    """Return rows of metric_values that the wide marts show: two weeks of a wiki, of a sampled one, and of a link."""
    week = {"as_of_date": MONDAY + 6 * DAY, "window_days": 7}
    after = {"metric_date": MONDAY + 7 * DAY, "as_of_date": MONDAY + 13 * DAY, "window_days": 7}
    sampled = metric_value(
        wiki_db="enwiki", lower=90.0, upper=150.0, estimator="horvitz_thompson", sampling_rate_min=0.1,
        sampling_rate_max=0.1, status_reason="as seen at 10 % of sessions, the smallest", status="caution",
    )  # fmt: skip
    link = metric_value(
        metric="link_click_through_rate", metric_version=1, element_friendly_name=DIFF, estimator="ratio"
    )
    link |= {"estimate": 0.3, "lower": 0.3, "upper": 0.3, "observed_denominator": 400.0}
    changed = {"series_break": "sampling changed from 50 % of sessions to 10 % of sessions at noon"}
    return [
        metric_value(**week),
        metric_value(**after, estimate=133.0, lower=133.0, upper=133.0, series_break="since Tuesday; since Friday"),
        metric_value(**week, wiki_db="all"),
        sampled | week | changed,
        sampled | after | {"estimate": 140.0, "lower": 101.5, "upper": 190.25},
        link | week | {"series_break": "since Tuesday; since Friday"},
        link | week | {"inference": "process", "lower": 0.22, "upper": 0.37},
        link | after | {"client_platform_family": "mobile_browser", "element_friendly_name": "review links"},
        retention_value(metric_date=MONDAY + DAY, as_of_date=MONDAY + 15 * DAY),
    ]


def link_week() -> list[Row]:
    """Return rows of metric_values of one week: a link by platform and in its group, and the menu link by platform."""
    impressions = {
        (DIFF, "all"): (500.0, 80.0), (DIFF, "mobile_browser"): (300.0, 50.0), ("review links", "all"): (500.0, 80.0),
        (MENU, "desktop_browser"): (3000.0, 30.0), (MENU, "mobile_browser"): (2000.0, 20.0),
    }  # fmt: skip
    return [
        metric_value(
            metric=metric, metric_version=1, element_friendly_name=element, client_platform_family=platform,
            as_of_date=MONDAY + 6 * DAY, window_days=7, estimate=count, lower=count, upper=count,
            observed_numerator=count, series_break="since Thursday; since Friday",
        )
        for (element, platform), counts in impressions.items()
        for metric, count in zip(("link_impressions", "link_clicks"), counts, strict=True)
    ]  # fmt: skip


def baseline_day(**changes: Any) -> Row:
    """Return a row of baseline_daily that agrees with `metric_value()`, with changes."""
    row: Row = {
        "event_date": MONDAY, "wiki_db": "idwiki", "instrument_name": HEALTH, "sample_unit": "session",
        "sample_rate": 1.0, "n_events": 500, "n_loads": 120, "n_pageviews": 100, "n_sessions": 60, "n_visitors": 30,
        "n_reviewers": 12, "n_review_clicks": 25,
    }  # fmt: skip
    return row | changes


def link_day(**changes: Any) -> Row:
    """Return a row of engagement_daily, with changes."""
    sums = dict.fromkeys(LINK_SUMS, 40)
    row: Row = sums | {
        "event_date": MONDAY, "wiki_db": "idwiki", "instrument_name": HEALTH, "sample_unit": "session",
        "sample_rate": 1.0, "element_friendly_name": DIFF, "client_platform_family": "desktop_browser",
        "edit_count_bucket": "100-999 edits", "n_users": 20, "n_sessions": 30, "n_impressions": 200, "n_clicks": 40,
        "n_shown": 160, "n_matched": 32,
    }  # fmt: skip
    return row | changes


def check(**changes: Any) -> Row:
    """Return a row of data_quality_metrics: a check of the facts that holds, with changes."""
    row: Row = {
        "event_date": MONDAY, "gate": "facts", "check_id": "fates_add_up", "subject": "ingest_log",
        "severity": "critical", "success": True, "expected": "503",
    }  # fmt: skip
    return row | changes


def world() -> dict[str, list[Row]]:
    """Return a day of one wiki that is fit to publish, with a sampled wiki and a small one beside it."""
    return {
        "metric_values": [
            metric_value(),
            metric_value(metric_version=1, estimate=7.0, lower=7.0, upper=7.0),
            retention_value(),
            retention_value(inference="process", lower=0.14, upper=0.40),
        ],
        "audience_values": [editors_value()],
        "baseline_daily": [
            baseline_day(),
            baseline_day(wiki_db="enwiki", sample_rate=0.1, n_visitors=9, n_reviewers=4),
            baseline_day(wiki_db="enwiki", sample_rate=0.5, n_visitors=44, n_reviewers=4),
        ],
        "engagement_daily": [
            link_day(),
            link_day(wiki_db="enwiki", sample_rate=0.1, client_platform_family=None),
            link_day(wiki_db="enwiki", sample_rate=0.5, client_platform_family=None, n_clicks=13),
            link_day(wiki_db="enwiki", element_friendly_name="not in the vocabulary", n_users=9),
            link_day(wiki_db="enwiki", element_friendly_name="review links", n_impressions=0, n_shown=0, n_matched=0),
        ],
        "ingest_log": [
            {"event_date": MONDAY, "event_hour": 0, "fate": "kept", "n_lines": 500},
            {"event_date": MONDAY, "event_hour": 0, "fate": "kept", "reason": "clock_skew", "n_lines": 3},
        ],
        "data_quality_metrics": [
            check(observed="503", message="They do.", run_id="run_20260601_20260602_2", attempt=2),
            check(subject="idwiki", success=False, observed="502", message="They do not.",
                  run_id="run_20260601_20260602_1", attempt=1),
            {"event_date": MONDAY, "gate": "marts", "check_id": "before_runs_were_noted", "subject": "all",
             "severity": "warning", "success": True},
        ],
        **{name: [row] for name, row in SINGLE.items()},
    }  # fmt: skip


def write_reference(folder: Path, changes: Mapping[str, Sequence[Row]] | None = None) -> Path:
    """Write the CSVs of a run and return their folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in (REFERENCE | dict(changes or {})).items():
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(COLUMNS[f"{name}.csv"]), restval="")
            writer.writeheader()
            writer.writerows(rows)
    return folder


def write_tables(folder: Path, rows: Mapping[str, Sequence[Row]]) -> dict[str, LakeTable]:
    """Write tables as Parquet and return where they are; tables without rows have no file."""
    folder.mkdir(parents=True, exist_ok=True)
    tables = {name: LakeTable(name, None, None) for name in TABLES}
    with duckdb.connect() as connection:
        for name, found in rows.items():
            columns = duckdb_types(TABLES[name].columns)
            connection.execute(f"create table {name} ({', '.join(f'{c} {kind}' for c, kind in columns.items())})")
            places = ", ".join("?" for _ in columns)
            if found:
                values = [[row.get(column) for column in columns] for row in found]
                connection.executemany(f"insert into {name} values ({places})", values)
            path = folder / f"{name}.parquet"
            connection.execute(f"copy {name} to '{path}' (format parquet)")
            tables[name] = LakeTable(name, path, None)
    return tables
