"""A report's frames, small and made by hand: a wiki of each kind, every status, a name that would break a page."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pandas as pd

from jobs.report.about import About
from jobs.report.cells_audience import CHANGE, COLUMNS, COUNTS, GROWTH, hide_audience
from jobs.report.leaving import Leaving

MONDAY = pd.Timestamp("2026-04-06")
WEEK = pd.Timedelta(days=7)
BREAKING = "</script><b>& broken</b>"  # as the name of a link, or in a reason
CELL = {
    "metric_version": 1, "window_kind": "rolling", "window_days": 7, "element_friendly_name": "all",
    "client_platform_family": "all", "edit_count_bucket": "all", "inference": "realised",
    "estimate": None, "lower": None, "upper": None, "estimator": "count",
    "sampling_unit": "pageview", "sampling_rate_min": 1.0, "sampling_rate_max": 1.0, "status": "publish",
    "status_reason": None, "remedy": None, "series_break": None, "is_complete": True, "link_group": None,
}  # fmt: skip


def cell(metric: str, wiki: str = "idwiki", start: pd.Timestamp = MONDAY, **other: Any) -> dict[str, Any]:
    """Return a row of `Leaving.cells`; `exact` gives estimate and limits at once."""
    if "exact" in other:
        exact = other.pop("exact")
        other = {"estimate": exact, "lower": exact, "upper": exact, **other}
    days = other.get("window_days", 7)
    ends = {"window_start": start, "window_end": start + pd.Timedelta(days=days - 1)}
    return {"metric": metric, "wiki_db": wiki, **CELL, **ends, **other}


def cells(*rows: dict[str, Any]) -> pd.DataFrame:
    """Return rows as a frame; without any, an empty one with all columns."""
    columns = list(cell("dashboard_visitors"))
    frame = pd.DataFrame(list(rows), columns=columns)
    numbers = ["estimate", "lower", "upper"]
    dates = dict.fromkeys(("window_start", "window_end"), "datetime64[us]")
    return frame.astype({**dict.fromkeys(numbers, float), **dates})


def usual_cells() -> pd.DataFrame:
    """Return cells of two wikis: one kept whole, one sampled, in all statuses."""
    before = MONDAY - WEEK
    refused = {"status_reason": "too few were kept", "remedy": "Keep usage at 100 %; at 50 %: ±5 pp",
               "sampling_unit": "session", "sampling_rate_min": 0.1, "sampling_rate_max": 0.1}  # fmt: skip
    link = {"element_friendly_name": BREAKING, "link_group": "other links"}
    return cells(
        cell("dashboard_visitors", exact=748.0),
        cell("dashboard_visitors", start=before, exact=744.0),
        cell("dashboard_visitors", start=MONDAY, window_days=1, exact=120.0),
        cell("two_day_review_rate", exact=0.1243),
        cell("two_day_review_rate", inference="process", estimate=0.1243, lower=0.103, upper=0.15, status="caution",
             status_reason="The share is known to ±3 pp only."),
        cell("two_week_return_rate", start=before, window_kind="cohort", window_days=14, exact=0.571),
        cell("two_week_return_rate", start=before, window_kind="cohort", window_days=14, inference="process",
             status="suppressed", status_reason="fewer than 10 users"),
        cell("link_clicks", exact=12.0, **link),
        cell("dashboard_pageviews", "enwiki", estimate=11150.0, lower=9954.0, upper=12508.0),
        cell("dashboard_visitors", "enwiki", lower=1608.0, upper=3823.5, status="bounds_only", **refused),
        cell("two_day_review_rate", "enwiki", status="not_estimable", **refused),
        cell("reviewers", "enwiki", status="not_measured", status_reason=f"no {BREAKING} is measured"),
        cell("link_click_through_rate_unique", "enwiki", status="not_estimable", **(refused | link)),
        cell("dashboard_pageviews", "all", estimate=13758.0, lower=12562.0, upper=15116.0),
    )  # fmt: skip


def usual_leaving() -> Leaving:
    """Return what a report of two wikis, and of one without a number yet, is made of."""
    day, verdict = pd.Timestamp("2026-04-12"), {"gate": "raw", "severity": "warning", "run_id": "run_1", "attempt": 1}
    return Leaving(
        cells=usual_cells(),
        changes=pd.DataFrame([{"metric": "dashboard_visitors", "wiki_db": "idwiki", "window_start": MONDAY,
                               "change": 4.0, "change_lower": -33.0, "change_upper": 41.0, "change_reason": None}]),
        lines=pd.DataFrame([
            {"ingest_date": day, "hour": None, "fate": "came"},
            {"ingest_date": pd.Timestamp("2026-03-04"), "hour": 13, "fate": "missing_hour"},
        ]).astype({"hour": "Int64"}),
        sampling=audit(("as declared", 1.0), ("too few ids", None)),
        self_validation=pd.DataFrame([
            {"metric": "dashboard_visitors", "window_days": 28, "sample_unit": "pageview", "rate": 0.1, "n": 6,
             "n_shown": 0, "n_intervals": 6, "n_covered": 6, "median_error": None, "median_naive_error": 0.64},
        ]),
        gates=pd.DataFrame([
            {"event_date": day, "check_id": "missing_hours", "subject": "day", "success": True, "message": "checked",
             "is_latest": True, **verdict},
            {"event_date": pd.Timestamp("2026-03-04"), "check_id": "missing_hours", "subject": "day", "success": False,
             "message": "day: what it counted stays inside the house", "is_latest": True, **verdict},
        ]),
        milestones=pd.DataFrame([milestone()]),
        audience=usual_audience(),
        config=pd.DataFrame([{"wiki_db": "idwiki", "setting": "minimum_edits", "value": "100",
                              "valid_from": pd.Timestamp("2026-03-02"), "valid_to": pd.NaT}]),
        wikis=pd.DataFrame({"wiki_db": ["enwiki", "idwiki", "trwiki"], "pilot": [False, True, True]}).assign(
            visible_from=pd.Timestamp("2026-03-02"), enabled_from=pd.Timestamp("2026-03-02")),
    )  # fmt: skip


def nothing_yet() -> Leaving:
    """Return what there is before the first week has closed."""
    usual = usual_leaving()
    frames = ("changes", "lines", "sampling", "self_validation", "gates", "milestones", "audience")
    return replace(usual, cells=cells(), **{name: getattr(usual, name).head(0) for name in frames})


def eligible(wiki: str, month: int, n: float, **other: Any) -> dict[str, Any]:
    """Return a row as `marts.fct_audience` and `rpt_audience_month` have it: 28 days to the end of a month of 2026."""
    days = other.get("window_days", 28)
    first = pd.Timestamp(2026, month, 1)
    as_of = first + pd.offsets.MonthEnd(0)
    usual: dict[str, Any] = {
        "as_of_date": as_of, "wiki_db": wiki, "band": "100-500", "window_days": days,
        "window_start": as_of - pd.Timedelta(days=days - 1), "snapshot": f"2026-{month:02}",
        "n_editors": n, "n_new_to_band": 40.0, "n_left_band": 25.0, "growth_exponent": None, "projected_days": None,
        "projected": None, "projected_lower": None, "projected_upper": None, "month": first,
        "change_from_month_before": None, "snapshot_before": None,
    }  # fmt: skip
    return usual | other


def eligibles(*rows: dict[str, Any], min_users: int = 10) -> pd.DataFrame:
    """Return rows as they leave."""
    frame = pd.DataFrame(list(rows), columns=list(COLUMNS))
    frame = frame.astype(dict.fromkeys((*COUNTS, *GROWTH, CHANGE), float))
    return hide_audience(frame.sort_values(["wiki_db", "band", "window_days", "as_of_date"]), min_users)


def usual_audience() -> pd.DataFrame:
    """Return three months of two pilots and one month of another wiki, in two bands and windows."""
    growth = {"growth_exponent": 0.68, "projected_days": 56, "projected": 2560.0, "projected_lower": 2230.4,
              "projected_upper": 3190.9}  # fmt: skip
    short = {"window_days": 14}
    return eligibles(
        eligible("idwiki", 2, 1540.0, **growth), eligible("idwiki", 2, 960.0, **short),
        eligible("idwiki", 3, 1600.0, change_from_month_before=60.0, **growth), eligible("idwiki", 3, 1000.0, **short),
        eligible("idwiki", 4, 1580.0, change_from_month_before=-20.0, **growth), eligible("idwiki", 4, 980.0, **short),
        eligible("idwiki", 4, 1100.0, band="100-300", n_new_to_band=4.0),
        eligible("idwiki", 4, 700.0, band="100-300", **short),
        eligible("trwiki", 3, 820.0), eligible("trwiki", 3, 510.0, **short),
        eligible("trwiki", 4, 810.0, change_from_month_before=-10.0), eligible("trwiki", 4, 7.0, **short),
        eligible("enwiki", 4, 25100.0),
    )  # fmt: skip


def audit(*days: tuple[str, float | None], declared: float = 1.0) -> pd.DataFrame:
    """Return the sampling audit of one wiki: a verdict and a seen rate for each day from 2026-04-06 on."""
    return pd.DataFrame([
        {"event_date": MONDAY + pd.Timedelta(days=n), "wiki_db": "idwiki", "sample_unit": "pageview",
         "instrument_name": "personal-dashboard-health-metrics", "declared_rate": declared, "likely_rate": seen,
         "verdict": verdict}
        for n, (verdict, seen) in enumerate(days)
    ]).astype({"likely_rate": float})  # fmt: skip


def milestone(**other: Any) -> dict[str, Any]:
    """Return a row of `Leaving.milestones` that is on track."""
    usual = {
        "milestone": "Editors who come back", "wiki_db": "idwiki", "metric": "two_week_return_rate",
        "window_kind": "cohort", "window_days": 14, "target": 0.6, "due_date": pd.Timestamp("2026-04-27"),
        "source": "simulated", "as_of_date": pd.Timestamp("2026-04-12"), "status": "on track", "is_overdue": False,
        "reached_on": pd.NaT, "window_start": pd.Timestamp("2026-03-30"), "window_end": pd.Timestamp("2026-04-12"),
        "estimate": 0.571, "lower": 0.535, "upper": 0.606, "share_reached": 0.9521,
        "expected_from": pd.Timestamp("2026-04-20"), "expected_to": pd.NaT, "reason": "It grows.", "remedy": None,
    }  # fmt: skip
    return usual | other


def about(**other: Any) -> About:
    """Return what a site says of itself, with the revisions of one run."""
    revisions = pd.DataFrame([
        {"run_id": "run_2", "published_at": "2026-04-13T01:10:00+00:00", "first_day": "2026-04-12",
         "last_day": "2026-04-12", "first_as_of": "2026-04-12", "last_as_of": "2026-04-12", "metric": metric,
         "n_before": 1000, "n_now": 1200, "n_new": 200, "n_gone": 0, "n_changed": moved, "n_status": 2,
         "status_changes": "publish to caution: 2", "n_moved": moved, "median_move": median, "largest_move": largest}
        for metric, moved, median, largest in (("dashboard_visitors", 28, 0.004, 0.12), ("link_clicks", 3, None, None))
    ])  # fmt: skip
    usual: dict[str, Any] = {"run_id": "run_2", "as_of": date(2026, 4, 12), "version": "1.2.3", "min_users": 10,
                             "built_at": datetime(2026, 4, 13, 1, 11, tzinfo=UTC), "revisions": revisions}  # fmt: skip
    return About(**(usual | other))
