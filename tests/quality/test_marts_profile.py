"""What the marts gate looks at, from rows that are right and rows that contradict others, the log or the catalogue."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from jobs import catalogue
from jobs.contracts import table
from jobs.quality.marts_profile import marts_profile
from jobs.resources import shipped
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
    ) -> dict[str, pd.DataFrame]:
        file = tmp_path / "personal_dashboard.duckdb"
        file.unlink(missing_ok=True)
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
        return marts_profile(file, as_of=as_of)

    return write


def wrong(frames: dict[str, pd.DataFrame]) -> dict[date, int]:
    """By date, the rows whose completeness the log contradicts."""
    return frames["rows"].groupby("event_date")["n_completeness_wrong"].sum().loc[lambda n: n > 0].to_dict()


def test_good_rows_contradict_nothing(profile: Profile) -> None:
    frames = profile([*CLEAN, QUARTER, OVERALL_CTR])
    assert wrong(frames) == {}
    assert frames["rows"]["n_rows"].sum() == 8
    assert not any(frame.duplicated(["event_date", "subject"]).any() for frame in frames.values())
    assert set(frames["rows"]["event_date"]) == {D}
    assert {str(frames["rows"][name].dtype) for name in ("n_rows", "n_completeness_wrong")} == {"int64"}


def test_a_row_that_says_otherwise_than_the_log_is_counted_and_named(profile: Profile) -> None:
    frames = profile([VISITORS, RATE | {"is_complete": False}, QUARTER | {"is_complete": None}])
    assert wrong(frames) == {D: 2}
    assert frames["rows"]["eg_completeness_wrong"].tolist() == [
        "dashboard_visitors quarter_to_date from 2026-03-22, all, all, all, realised"
    ]


def test_rows_made_of_edits_do_not_hang_on_hours_of_events(profile: Profile) -> None:
    log = [(D, 5, "kept", None)]
    assert wrong(profile([VISITORS | {"metric": "eligible_editors"}], log=log)) == {}
    assert wrong(profile([VISITORS], log=log)) == {D: 1}


def test_a_date_of_editors_alone_is_no_date_of_events(profile: Profile) -> None:
    later = date(2026, 3, 31)
    rows = [VISITORS, VISITORS | {"metric": "eligible_editors", "as_of_date": later, "metric_date": D}]
    frames = profile(rows)
    assert {day for frame in frames.values() for day in frame["event_date"]} == {D}
    assert frames["rows"]["n_rows"].tolist() == [1]


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
    assert wrong(frames) == {D: 1}


def test_only_the_dates_of_the_run_are_looked_at(profile: Profile) -> None:
    bad = VISITORS | {"as_of_date": date(2026, 3, 27), "is_complete": False}
    frames = profile([VISITORS, bad], as_of=[D])
    assert wrong(frames) == {}
    assert set(frames["rows"]["event_date"]) == {D}


def test_every_visible_wiki_is_asked_for_each_window_it_was_visible_in(profile: Profile) -> None:
    loads = VISITORS | {"metric": "dashboard_pageviews"}
    rows = [loads | {"metric_date": D, "window_days": 1}, loads, loads | {"metric": "link_clicks"}]
    wikis = [("trwiki", WEEK), ("idwiki", D), ("enwiki", date(2026, 3, 29))]
    frame = profile(rows, wikis=wikis, as_of=[date(2026, 3, 27), D])["wikis"]
    assert {(row.event_date.day, row.wiki_db, row.window_days): row.n_rows for row in frame.itertuples()} == {
        (27, "trwiki", 1): 0,  # 28 days before nobody saw it, nor seven days before the 27th
        (28, "trwiki", 1): 1,
        (28, "trwiki", 7): 1,
        (28, "idwiki", 1): 0,
    }
    assert set(frame["metric"]) == {"dashboard_pageviews"}


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


def test_all_wikis_that_lost_an_hour_are_compared_by_what_was_kept(profile: Profile) -> None:
    loads = VISITORS | {"metric": "dashboard_pageviews", "is_complete": False, "status": "caution"}
    own = [loads | {"wiki_db": wiki, "lower": 10.0, "estimate": 12.0, "upper": 30.0} for wiki in ("trwiki", "idwiki")]
    total = loads | {"wiki_db": "all", "lower": 20.0, "estimate": 25.0, "upper": 48.0}  # the median of a sum is another
    frame = profile([*own, total])["wiki_all"]
    assert frame[["all_wikis", "wikis_sum", "wikis_sum_if_whole"]].values.tolist() == [[20.0, 20.0, 20.0]]


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


def changed(monkeypatch: pytest.MonkeyPatch, old: str, new: str) -> None:
    """Put a copy of the catalogue with one passage changed in its place."""
    text = shipped("catalogue.toml").read_text(encoding="utf-8")
    assert text.count(old) == 1
    copy = catalogue.parse_catalogue(text.replace(old, new))
    monkeypatch.setattr(catalogue, "load_catalogue", lambda: copy)


LOADS = """unit = "pageviews"
direction = "higher"
windows = [["rolling", 1], ["rolling", 7], ["rolling", 28]]"""


def test_a_window_taken_out_of_the_catalogue_is_asked_for_no_more(
    profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed(monkeypatch, LOADS, LOADS.replace('["rolling", 7], ', ""))
    frame = profile([VISITORS], as_of=[D])["wikis"]
    assert frame["window_days"].tolist() == [1]


def test_a_window_added_to_the_catalogue_is_asked_for(profile: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    changed(monkeypatch, LOADS, LOADS.replace('["rolling", 7]', '["rolling", 3], ["rolling", 7]'))
    frame = profile([VISITORS], as_of=[D])["wikis"]
    assert sorted(frame["window_days"]) == [1, 3, 7]


def test_parts_are_those_of_the_catalogue(profile: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [VISITORS, VISITORS | {"metric": "reviewers"}, VISITORS | {"metric": "dashboard_pageviews"}]
    pairs = [["dashboard_visitors", "dashboard_pageviews"], ["reviewers", "dashboard_visitors"]]
    assert profile(rows)["subsets"][["part", "whole"]].values.tolist() == pairs
    changed(monkeypatch, 'part_of = "dashboard_pageviews"\n', "")
    assert profile(rows)["subsets"][["part", "whole"]].values.tolist() == pairs[1:]


def test_counts_of_all_wikis_are_those_of_the_catalogue(profile: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    loads = VISITORS | {"metric": "dashboard_pageviews"}
    rate = OVERALL_CTR | {"element_friendly_name": "diff link"}
    rows = [one | {"wiki_db": wiki} for one in (loads, rate) for wiki in ("trwiki", "all")]
    assert [subject.split(" ")[0] for subject in profile(rows)["wiki_all"]["subject"]] == ["dashboard_pageviews"]
    changed(monkeypatch, 'family = "totals"\nall_wikis = true', 'family = "totals"\nall_wikis = false')
    assert profile(rows)["wiki_all"].empty
