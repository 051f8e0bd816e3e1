"""What a backfill would change, and to what that is due: two tiny marts files."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from jobs.quality.marts_difference import CAUSES, marts_difference
from tests.quality import changes_cases
from tests.quality.changes_cases import (
    BEFORE,
    LONG_AGO,
    MENU_LINK,
    SMALL,
    WEEK_AGO,
    D,
    Tables,
    baseline,
    editors,
    link,
    logged,
    metric,
    visitors,
    write,
)

OTHER_WIKI = visitors(D, wiki_db="idwiki")


def regime(start: datetime, end: datetime | None = None, rate: float = 1.0, wiki: str = "trwiki") -> dict[str, Any]:
    return {
        "instrument_name": "health", "wiki_db": wiki, "sample_unit": "pageview", "sample_rate": rate,
        "valid_from": start, "valid_to": end,
    }  # fmt: skip


def wiki(name: str, visible_from: date = LONG_AGO) -> dict[str, Any]:
    return {"wiki_db": name, "domain": f"{name}.org", "enabled_from": LONG_AGO, "visible_from": visible_from}


def life(name: str, start: date, end: date | None = None) -> dict[str, Any]:
    return {**changes_cases.life(name, start, end), "client_platform_family": "*"}


THEN = datetime(2025, 1, 1)
WORLD: Tables = SMALL | {
    "dim_sampling_policy": [regime(THEN), regime(THEN, wiki="idwiki")],
    "dim_wiki": [wiki("trwiki"), wiki("idwiki")],
    "dim_instrument_vocabulary": [life("diff link", LONG_AGO), life(MENU_LINK, LONG_AGO, D)],
}


def compared(folder: Path, built: Tables, live: Tables | None = None, *, first: bool = False) -> pd.DataFrame:
    """Write both files, the small world but for the tables given, and compare them on the day D."""
    built_file = write(folder / "run's next" / "m.duckdb", WORLD | built)
    live_file = folder / "live" / "m.duckdb"
    if not first:
        write(live_file, WORLD | (live or {}))
    frame = marts_difference(
        built_file, live_file, as_of=[D], changed=[D], lookback_days=7, grace=timedelta(minutes=15)
    )
    return frame.set_index(["mart", "metric", "wiki_db"])


def causes(frame: pd.DataFrame, name: str = "dashboard_visitors", wiki: str = "trwiki") -> dict[str, int]:
    """Which causes the rows of a metric have."""
    line = frame.loc[("fct_metric_values", name, wiki)]
    return {cause: int(line[f"n_{cause}"]) for cause in CAUSES if line[f"n_{cause}"]}


def other(*rows: dict[str, Any]) -> Tables:
    """Metric rows with another estimate."""
    return {"fct_metric_values": [{**row, "estimate": 30.0} for row in rows]}


def same(*rows: dict[str, Any]) -> Tables:
    return {"fct_metric_values": list(rows)}


def test_nothing_differs(tmp_path: Path) -> None:
    frame = compared(tmp_path, {})
    counts = [name for name in frame.columns if name.startswith("n_") and name not in ("n_before", "n_now")]
    assert (frame[counts] == 0).all(axis=None)
    assert frame.loc[("fct_metric_values", "dashboard_visitors", "trwiki"), "n_before"] == 1


def test_rows_are_counted_by_metric_and_wiki(tmp_path: Path) -> None:
    weekly, monthly = visitors(D), visitors(D, 28)
    live = same(weekly, monthly, link(D), OTHER_WIKI)
    built = same({**weekly, "estimate": 25.0}, {**monthly, "estimate": None, "status": "suppressed"}, OTHER_WIKI,
                 visitors(D, 1))  # fmt: skip
    line = compared(tmp_path, built, live).loc[("fct_metric_values", "dashboard_visitors", "trwiki")]
    told = {name: line[name] for name in ("n_before", "n_now", "n_new", "n_gone", "n_changed", "n_status", "n_moved")}
    assert told == {
        "n_before": 2, "n_now": 3, "n_new": 1, "n_gone": 0, "n_changed": 2, "n_status": 1, "n_moved": 1,
    }  # fmt: skip
    assert line["status_changes"] == "publish to suppressed: 1"
    assert (line["median_move"], line["largest_move"]) == (pytest.approx(0.25), pytest.approx(0.25))
    frame = compared(tmp_path, built, live)
    assert frame.loc[("fct_metric_values", "link_clicks", "trwiki"), "n_gone"] == 1
    assert frame.loc[("fct_metric_values", "dashboard_visitors", "idwiki"), "n_changed"] == 0


def test_dates_that_the_run_did_not_compute_are_left_out(tmp_path: Path) -> None:
    frame = compared(tmp_path, other(visitors(BEFORE), visitors(D)))
    assert frame.loc[("fct_metric_values", "dashboard_visitors", "trwiki"), "n_changed"] == 1


def test_editors_are_no_part_of_a_backfill(tmp_path: Path) -> None:
    frame = compared(tmp_path, same(visitors(D), editors(D, estimate=21.0)), same(visitors(D), editors(D)))
    assert {metric for mart, metric, _ in frame.index if mart == "fct_metric_values"} == {"dashboard_visitors"}


def test_another_number_without_a_reason_is_the_code(tmp_path: Path) -> None:
    assert causes(compared(tmp_path, other(visitors(D)), same(visitors(D)))) == {"code": 1}


@pytest.mark.parametrize(
    ("lines", "due"),
    [
        ([logged(D), logged(D, 4)], "late_data"),
        ([logged(D, n_lines=41)], "late_data"),
        ([logged(D), logged(D, 4, 0, fate="missing_hour")], "late_data"),
        ([logged(D, n_lines=39), logged(D, n_lines=1, fate="duplicate")], "code"),
        ([logged(D), logged(D - timedelta(days=7), 4)], "code"),
    ],
    ids=["an hour came", "lines came", "an hour is known to be missing", "judged otherwise", "before the window"],
)
def test_late_data_is_what_was_read_on_a_day_of_the_window(tmp_path: Path, lines: list[Any], due: str) -> None:
    live = same(visitors(D)) | {"fct_ingest_log": [logged(D)]}
    assert causes(compared(tmp_path, other(visitors(D)) | {"fct_ingest_log": lines}, live)) == {due: 1}


def test_a_late_line_can_make_a_later_one_a_duplicate(tmp_path: Path) -> None:
    before, day = D - timedelta(days=7), visitors(D, 1)
    live = same(day) | {"fct_ingest_log": [logged(before), logged(D)]}
    log = [logged(before, n_lines=41), logged(D, n_lines=39), logged(D, n_lines=1, fate="duplicate")]
    assert causes(compared(tmp_path, other(day) | {"fct_ingest_log": log}, live)) == {"late_data": 1}


def test_where_an_hour_was_lost_the_four_weeks_before_count(tmp_path: Path) -> None:
    day = visitors(D, 1, is_complete=False)
    live = same(day) | {"fct_ingest_log": [logged(WEEK_AGO), logged(D)]}
    log = {"fct_ingest_log": [logged(WEEK_AGO, n_lines=41), logged(D)]}
    assert causes(compared(tmp_path, other(day) | log, live)) == {"late_data": 1}


NOON = datetime(D.year, D.month, D.day, 12)
MIDNIGHT = datetime(D.year, D.month, D.day)
WEEK_START = MIDNIGHT - timedelta(days=6)  # of the window; a change takes a quarter of an hour


NEXT_DAY, MARCH = MIDNIGHT + timedelta(days=1), datetime(2026, 3, 1)
CASES: dict[str, tuple[list[dict[str, Any]], str]] = {
    "a rate": ([regime(THEN, rate=0.5)], "policy"),
    "in the window": ([regime(THEN, NOON), regime(NOON, rate=0.5)], "policy"),
    "ended after it": ([regime(THEN, NEXT_DAY), regime(NEXT_DAY, rate=0.5)], "code"),
    "just before it": ([regime(THEN, WEEK_START, 0.5), regime(WEEK_START)], "policy"),
    "before it": ([regime(THEN, MARCH, 0.5), regime(MARCH)], "code"),
    "own row wins": ([regime(THEN)], "code"),
    "withdrawn": ([], "policy"),
}


def test_policy_is_what_was_in_force_in_the_window(tmp_path: Path) -> None:
    """A wiki a case; every one was sampled whole, and there was nothing for all wikis."""
    rows = [visitors(D, wiki_db=name) for name in CASES]
    others = {"dim_wiki": [wiki(name) for name in CASES]}
    live = same(*rows) | others | {"dim_sampling_policy": [regime(THEN, wiki=name) for name in CASES]}
    policy = [{**row, "wiki_db": name} for name, (declared, _) in CASES.items() for row in declared]
    built = (
        other(*rows) | others | {"dim_sampling_policy": [*policy, regime(MARCH, MARCH + timedelta(days=1), wiki="*")]}
    )
    frame = compared(tmp_path, built, live)
    assert {name: causes(frame, wiki=name) for name in CASES} == {name: {due: 1} for name, (_, due) in CASES.items()}


@pytest.mark.parametrize(("rate", "due"), [(1.0, "code"), (0.5, "policy")])
def test_what_is_declared_for_all_wikis_is_declared_for_each(tmp_path: Path, rate: float, due: str) -> None:
    built = other(visitors(D)) | {"dim_sampling_policy": [regime(THEN, wiki="*", rate=rate)]}
    assert causes(compared(tmp_path, built, same(visitors(D)))) == {due: 1}


def test_policy_of_another_wiki_is_no_cause_but_of_what_is_of_all(tmp_path: Path) -> None:
    rows = (visitors(D), metric("dashboard_pageviews", D, wiki_db="all"))
    built = other(*rows) | {"dim_sampling_policy": [regime(THEN), regime(THEN, wiki="idwiki", rate=0.5)]}
    frame = compared(tmp_path, built, same(*rows))
    assert causes(frame) == {"code": 1}
    assert causes(frame, "dashboard_pageviews", "all") == {"policy": 1}


def test_the_smallest_rate_of_two_years_counts_for_what_is_rarefied(tmp_path: Path) -> None:
    rows = (visitors(D), metric("dashboard_visitors_rarefied", D))
    policy = [regime(THEN, datetime(2025, 2, 1), 0.5), regime(datetime(2025, 2, 1))]
    frame = compared(tmp_path, other(*rows) | {"dim_sampling_policy": policy}, same(*rows))
    assert causes(frame) == {"code": 1}
    assert causes(frame, "dashboard_visitors_rarefied") == {"policy": 1}


def test_the_life_of_a_link_concerns_it_and_its_group(tmp_path: Path) -> None:
    due = {"diff link": "policy", "group of diff link": "policy", "all": "policy", MENU_LINK: "code", "x": "code"}
    rows = [link(D, name, wiki_db=f"{number}") for number, name in enumerate(due)]
    lives = {"dim_instrument_vocabulary": [life("diff link", LONG_AGO, D), life(MENU_LINK, LONG_AGO, D)]}
    frame = compared(tmp_path, other(*rows) | lives, same(*rows))
    found = {name: causes(frame, "link_clicks", f"{number}") for number, name in enumerate(due)}
    assert found == {name: {cause: 1} for name, cause in due.items()}


def test_windows_that_begin_with_the_first_day_of_display_are_due_to_the_wiki(tmp_path: Path) -> None:
    old = visitors(D, 14, kind="quarter_to_date")
    new = {**old, "metric_date": WEEK_AGO}
    built = same(new) | {"dim_wiki": [wiki("trwiki", WEEK_AGO), wiki("idwiki")]}
    assert causes(compared(tmp_path, built, same(old))) == {"policy": 2}


def test_a_row_may_have_two_causes(tmp_path: Path) -> None:
    built = other(visitors(D)) | {
        "fct_ingest_log": [logged(D, n_lines=41)],
        "dim_sampling_policy": [regime(THEN, rate=0.5), regime(THEN, wiki="idwiki")],
    }
    assert causes(compared(tmp_path, built, same(visitors(D)))) == {"late_data": 1, "policy": 1}


def test_days_without_any_row_before_are_new(tmp_path: Path) -> None:
    built = other(visitors(D)) | {"fct_ingest_log": [logged(BEFORE), logged(D)]}
    frame = compared(tmp_path, built, same(visitors(BEFORE)) | {"fct_ingest_log": [logged(BEFORE)]})
    assert causes(frame) == {"new_days": 1}
    assert frame.loc[("fct_ingest_log", "", ""), "n_new_days"] == 1


def test_where_nothing_is_published_every_day_is_new(tmp_path: Path) -> None:
    frame = compared(tmp_path, {}, first=True)
    assert causes(frame) == {"new_days": 1}
    assert frame.loc[("dim_wiki", "", ""), ["n_before", "n_new"]].tolist() == [0, 2]


def test_other_marts_are_told_as_a_whole(tmp_path: Path) -> None:
    built = {"fct_baseline_daily": [baseline(BEFORE), baseline(D, 13)], "fct_ingest_log": [logged(D, n_lines=41)]}
    frame = compared(tmp_path, built, {"fct_ingest_log": [logged(D)]})
    assert frame.loc[("fct_baseline_daily", "", ""), ["n_before", "n_changed", "n_late_data"]].tolist() == [1, 1, 1]
    policy = compared(tmp_path, {"dim_sampling_policy": [regime(THEN)]}).loc[("dim_sampling_policy", "", "")]
    assert policy[["n_before", "n_new", "n_gone", "n_policy"]].tolist() == [2, 0, 1, 1]
