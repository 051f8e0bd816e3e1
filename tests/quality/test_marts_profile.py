"""Each rule of the marts profile on rows that keep it and on one that breaks it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from jobs.contracts import table
from jobs.quality.marts_profile import marts_profile
from jobs.quality.marts_sql import BROKEN_RULES
from jobs.schemas import duckdb_types

D = date(2026, 3, 28)
WEEK = date(2026, 3, 22)
Profile = Callable[..., dict[str, pd.DataFrame]]

VISITORS: dict[str, Any] = {
    "metric": "dashboard_visitors", "metric_version": 1, "wiki_db": "trwiki", "window_kind": "rolling",
    "metric_date": WEEK, "as_of_date": D, "window_days": 7, "element_friendly_name": "all",
    "client_platform_family": "all", "edit_count_bucket": "all", "inference": "realised",
    "estimate": 20.0, "lower": 20.0, "upper": 20.0, "observed_numerator": 20.0, "observed_denominator": None,
    "n_users_observed": 20.0, "n_effective": 20.0, "estimator": "count", "sampling_unit": "pageview",
    "sampling_rate_min": 1.0, "sampling_rate_max": 1.0, "status": "publish", "status_reason": None, "remedy": None,
    "series_break": None, "is_complete": True,
}  # fmt: skip
RATE = {
    **VISITORS, "metric": "two_day_review_rate", "estimate": 0.25, "lower": 0.25, "upper": 0.25,
    "observed_numerator": 5.0, "observed_denominator": 20.0, "estimator": "ratio",
}  # fmt: skip
SAMPLED = {
    **VISITORS, "wiki_db": "enwiki", "estimate": 200.0, "lower": 150.0, "upper": 260.0, "estimator": "npmle_users",
    "sampling_rate_min": 0.5, "status": "caution", "status_reason": "wide",
}  # fmt: skip
NOTHING = {
    "estimate": None, "lower": None, "upper": None, "observed_numerator": None, "observed_denominator": None,
    "n_users_observed": None, "n_effective": None, "status_reason": "fewer than 10 users",
}  # fmt: skip
SUPPRESSED = {**VISITORS, **NOTHING, "wiki_db": "thwiki", "status": "suppressed"}
BOUNDS = {**SAMPLED, "wiki_db": "thwiki", "metric": "reviewers", "estimate": None, "status": "bounds_only"}
QUARTER = {**VISITORS, "window_kind": "quarter_to_date", "window_days": None}
OVERALL_CTR = {**RATE, "metric": "link_click_through_rate", "estimate": 1.5, "lower": 1.5, "upper": 1.5}
CLEAN = [VISITORS, RATE, {**RATE, "inference": "process", "lower": 0.1, "upper": 0.5}, SAMPLED, SUPPRESSED, BOUNDS]


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    """Write rows into a marts file and profile it."""

    def write(
        rows: list[dict[str, Any]],
        *,
        log: list[tuple[date, int, str, str | None]] | None = None,
        wikis: list[tuple[str, date]] | None = None,
        as_of: list[date] | None = None,
        min_users: int = 10,
    ) -> dict[str, pd.DataFrame]:
        file = tmp_path / "personal_dashboard.duckdb"
        week = [date(2026, 3, day) for day in range(22, 29)]
        hours = log if log is not None else [(day, hour, "kept", None) for day in week for hour in range(24)]
        with duckdb.connect(str(file)) as connection:
            connection.execute("create schema marts")
            columns = ", ".join(" ".join(pair) for pair in duckdb_types(table("metric_values").columns).items())
            connection.execute(f"create table marts.fct_metric_values ({columns})")
            names = ", ".join(VISITORS)
            slots = ", ".join("?" for _ in VISITORS)
            connection.executemany(
                f"insert into marts.fct_metric_values ({names}) values ({slots})",
                [[row[name] for name in VISITORS] for row in rows],
            )
            connection.execute("create table marts.fct_ingest_log (ingest_date date, hour int, fate text, reason text)")
            connection.executemany("insert into marts.fct_ingest_log values (?, ?, ?, ?)", hours)
            connection.execute("create table marts.dim_wiki (wiki_db text, visible_from date)")
            connection.executemany("insert into marts.dim_wiki values (?, ?)", wikis or [("trwiki", WEEK)])
        return marts_profile(file, as_of=as_of, min_users=min_users)

    return write


def broken(frames: dict[str, pd.DataFrame]) -> dict[str, int]:
    """The rules that some row breaks, with the number of rows that do."""
    sums = frames["rows"][["n_duplicate_keys", *(f"n_{rule}" for rule in BROKEN_RULES)]].sum()
    return {name.removeprefix("n_"): int(value) for name, value in sums.items() if value}


def test_good_rows_break_no_rule(profile: Profile) -> None:
    frames = profile([*CLEAN, QUARTER, OVERALL_CTR])
    assert broken(frames) == {}
    assert frames["rows"]["n_rows"].sum() == 8
    assert not any(frame.duplicated(["event_date", "subject"]).any() for frame in frames.values())
    assert set(frames["rows"]["event_date"]) == {D}


@pytest.mark.parametrize(
    ("row", "rules"),
    [
        (VISITORS | {"edit_count_bucket": None}, {"null_keys"}),
        (SAMPLED | {"lower": 210.0}, {"interval_broken"}),
        (BOUNDS | {"lower": 300.0}, {"interval_broken"}),
        (SAMPLED | {"upper": float("inf")}, {"not_finite"}),
        (SAMPLED | {"n_effective": float("nan")}, {"not_finite"}),
        (VISITORS | {"status": "ok", "status_reason": "?"}, {"status_unknown"}),
        (SAMPLED | {"status": "not_estimable"}, {"refused_with_number"}),
        (SAMPLED | {"estimate": None}, {"given_without_number"}),
        (SAMPLED | {"status": "bounds_only"}, {"bounds_wrong"}),
        (BOUNDS | {"upper": None}, {"bounds_wrong"}),
        (BOUNDS | {"status_reason": " "}, {"no_reason"}),
        (VISITORS | {"n_users_observed": 9.0}, {"not_suppressed"}),
        (SUPPRESSED | {"status": "not_estimable", "n_users_observed": 1.0}, {"not_suppressed"}),
        (SUPPRESSED | {"observed_numerator": 4.0}, {"suppressed_with_number"}),
        (VISITORS | {"upper": 21.0}, {"inexact"}),
        (BOUNDS | {"sampling_rate_min": 1.0}, {"inexact"}),
        (VISITORS | {"inference": "process"}, {"count_not_realised"}),
        (VISITORS | {"observed_denominator": 20.0}, {"count_with_denominator"}),
        (SAMPLED | {"lower": -1.0}, {"negative"}),
        (RATE | {"inference": "process", "upper": 1.01}, {"share_above_one"}),
        (RATE | {"observed_numerator": 21.0}, {"numerator_above_denominator"}),
        (VISITORS | {"window_days": 6}, {"window_days_wrong"}),
        (VISITORS | {"window_days": None}, {"window_days_wrong"}),
        (QUARTER | {"window_days": 7}, {"window_days_wrong"}),
        (VISITORS | {"metric_date": date(2026, 3, 29), "window_days": 0, "is_complete": False, "status": "caution",
                     "status_reason": "?"}, {"window_backwards", "completeness_wrong"}),
        (VISITORS | {"is_complete": False}, {"completeness_wrong", "incomplete_published"}),
    ],
)  # fmt: skip
def test_a_bad_row_breaks_its_rule_and_no_other(profile: Profile, row: dict[str, Any], rules: set[str]) -> None:
    frames = profile([row])
    assert broken(frames) == dict.fromkeys(rules, 1)
    assert {str(kind) for name, kind in frames["rows"].dtypes.items() if name.startswith("n_")} == {"int64"}
    examples = frames["rows"][[f"eg_{rule}" for rule in rules]].iloc[0]
    assert rules == {"null_keys"} or all(row["metric"] in example for example in examples)


def test_zero_users_are_not_suppressed_and_the_limit_is_the_setting(profile: Profile) -> None:
    zero = VISITORS | dict.fromkeys(("estimate", "lower", "upper", "observed_numerator", "n_users_observed"), 0.0)
    ten = VISITORS | {"wiki_db": "idwiki", "n_users_observed": 10.0}
    assert broken(profile([zero, ten], min_users=10)) == {}


def test_ten_users_are_too_few_where_the_setting_says_eleven(profile: Profile) -> None:
    assert broken(profile([VISITORS | {"n_users_observed": 10.0}], min_users=11)) == {"not_suppressed": 1}


def test_a_repeated_key_is_counted(profile: Profile) -> None:
    assert broken(profile([VISITORS, VISITORS])) == {"duplicate_keys": 1}


@pytest.mark.parametrize("reason", ["missing", "missing from one of two streams", "unreadable"])
def test_an_hour_that_is_missing_or_unreadable_makes_its_windows_incomplete(profile: Profile, reason: str) -> None:
    log = [(date(2026, 3, day), hour, "kept", None) for day in range(22, 29) for hour in range(24)]
    if reason == "missing":
        log.remove((D, 5, "kept", None))
        log.append((D, 5, "missing_hour", None))
    elif reason == "missing from one of two streams":
        log.append((D, 5, "missing_hour", None))
    else:
        log.append((D, 5, "quarantined", "unreadable_file"))
    week_before = VISITORS | {"metric_date": WEEK, "as_of_date": date(2026, 3, 27), "window_days": 6}
    frames = profile([VISITORS, week_before], log=log)
    assert broken(frames) == {"completeness_wrong": 1}
    assert frames["rows"].set_index("event_date").loc[D, "n_completeness_wrong"] == 1


def test_only_the_dates_of_the_run_are_looked_at(profile: Profile) -> None:
    bad = VISITORS | {"as_of_date": date(2026, 3, 27), "upper": 1.0}
    frames = profile([VISITORS, bad], as_of=[D])
    assert broken(frames) == {}
    assert set(frames["rows"]["event_date"]) == {D}


def test_every_visible_wiki_is_asked_for_on_every_date(profile: Profile) -> None:
    loads = VISITORS | {"metric": "dashboard_pageviews", "metric_date": D, "window_days": 1}
    wikis = [("trwiki", WEEK), ("idwiki", D), ("enwiki", date(2026, 3, 29))]
    frame = profile([loads], wikis=wikis, as_of=[date(2026, 3, 27), D])["wikis"]
    assert {(row.event_date.day, row.subject): row.n_dashboard_rows for row in frame.itertuples()} == {
        (27, "trwiki"): 0,
        (28, "trwiki"): 1,
        (28, "idwiki"): 0,
    }


def test_subsets_are_shown_by_their_limits(profile: Profile) -> None:
    reviewers = SAMPLED | {"metric": "reviewers", "lower": 100.0, "estimate": 120.0, "upper": 140.0}
    frame = profile([SAMPLED, reviewers, SUPPRESSED])["subsets"]
    assert frame[["part", "whole", "part_lower", "whole_upper"]].values.tolist() == [
        ["reviewers", "dashboard_visitors", 100.0, 260.0]
    ]


def test_margins_are_set_against_their_total(profile: Profile) -> None:
    clicks = VISITORS | {"metric": "link_clicks", "element_friendly_name": "diff link"}
    desktop = clicks | {"client_platform_family": "desktop_browser", "observed_numerator": 15.0}
    mobile = clicks | {"client_platform_family": "mobile_browser", "observed_numerator": 4.0}
    low = clicks | {"edit_count_bucket": "100-999 edits", "observed_numerator": 18.0}
    hidden = clicks | NOTHING | {"edit_count_bucket": "1000+ edits", "status": "suppressed"}
    frame = profile([clicks, desktop, mobile, low, hidden])["margins"]
    shown = {row.subject.split(" by ")[1].split(" ")[0]: (row.n_parts, row.n_total) for row in frame.itertuples()}
    assert shown == {"buckets": (18.0, 20.0), "platforms": (19.0, 20.0)}


def test_buckets_of_the_menu_link_belong_to_its_desktop_row(profile: Profile) -> None:
    desktop = VISITORS | {
        "metric": "link_clicks",
        "element_friendly_name": "menu link",
        "client_platform_family": "desktop_browser",
    }
    bucket = desktop | {"edit_count_bucket": "100-999 edits", "observed_numerator": 30.0}
    frame = profile([desktop, bucket])["margins"]
    assert frame[["n_parts", "n_total"]].values.tolist() == [[30.0, 20.0]]


def test_all_wikis_are_set_against_their_sum(profile: Profile) -> None:
    loads = VISITORS | {"metric": "dashboard_pageviews"}
    idwiki = loads | {"wiki_db": "idwiki", "estimate": 11.0, "lower": 11.0, "upper": 11.0}
    total = loads | {"wiki_db": "all", "estimate": 31.0, "lower": 31.0, "upper": 31.0}
    frame = profile([loads, idwiki, total])["wiki_all"]
    assert frame[["all_wikis", "wikis_sum", "wikis_sum_if_whole"]].values.tolist() == [[31.0, 31.0, 31.0]]


def test_a_suppressed_wiki_leaves_no_sum_to_compare(profile: Profile) -> None:
    loads = VISITORS | {"metric": "dashboard_pageviews"}
    hidden = loads | NOTHING | {"wiki_db": "idwiki", "status": "suppressed"}
    frame = profile([loads, hidden, loads | {"wiki_db": "all"}])["wiki_all"]
    assert frame["wikis_sum"].tolist() == [20.0]
    assert frame["wikis_sum_if_whole"].isna().all()


def test_sampled_totals_of_all_wikis_are_left_alone(profile: Profile) -> None:
    loads = VISITORS | {"metric": "dashboard_pageviews"}
    frame = profile([loads, loads | {"wiki_db": "all", "sampling_rate_min": 0.5, "upper": 40.0}])["wiki_all"]
    assert frame.empty
