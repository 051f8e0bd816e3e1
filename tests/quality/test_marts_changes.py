"""What a run would change of what is published: rows of other days, rows computed again, and the newest date."""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial
from pathlib import Path

import pandas as pd
import pytest
import yaml
from changes_cases import (
    BEFORE,
    SMALL,
    WEEK_AGO,
    D,
    Profile,
    Tables,
    audience,
    baseline,
    compare,
    editors,
    link,
    logged,
    missing,
    visitors,
    write,
)

from jobs.quality.marts_changes import PUBLISHED_COLUMNS, RECOMPUTED_COLUMNS, beside_audience
from jobs.quality.marts_changes_sql import AUDIENCE, COMPARED
from jobs.resources import shipped


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    return partial(compare, tmp_path)


def published(frames: dict[str, pd.DataFrame], mart: str) -> tuple[int, ...]:
    """Of a mart: rows compared, missing, new, changed, hidden in one version only."""
    line = frames["published"].set_index("subject").loc[mart]
    return tuple(int(line[f"n_{name}"]) for name in ("published", "missing", "new", "changed", "rehidden"))


# What was published


def test_a_run_that_adds_its_day_changes_nothing(profile: Profile) -> None:
    live = {name: [row for row in rows if D not in row.values()] for name, rows in SMALL.items()}
    frames = profile(live=live)
    assert published(frames, "fct_metric_values") == (1, 0, 0, 0, 0)
    assert published(frames, "fct_baseline_daily") == (1, 0, 0, 0, 0)
    assert published(frames, "fct_ingest_log") == (1, 0, 0, 0, 0)
    assert frames["published"]["eg_differing"].tolist() == ["", "", ""]
    assert frames["recomputed"].empty
    assert missing(frames) == {"dashboard_visitors": (0, 0)}
    assert not any(frame.duplicated(["event_date", "subject"]).any() for frame in frames.values())
    assert {day for frame in frames.values() for day in frame["event_date"]} == {D}


def test_before_the_first_run_nothing_was_published(profile: Profile) -> None:
    frames = profile(first_run=True)
    assert (frames["published"].empty, frames["recomputed"].empty) == (True, True)
    assert list(frames["published"].columns) == list(PUBLISHED_COLUMNS)
    assert list(frames["recomputed"].columns) == list(RECOMPUTED_COLUMNS)
    assert missing(frames) == {"dashboard_visitors": (0, 0)}
    assert frames["freshness"][["n_days_older", "n_days_behind"]].values.tolist() == [[0, 0]]


def test_profiles_have_their_columns_with_and_without_published_marts(profile: Profile) -> None:
    later = profile()
    assert list(later["published"].columns) == list(PUBLISHED_COLUMNS)
    assert list(later["recomputed"].columns) == list(RECOMPUTED_COLUMNS)


def test_rows_of_other_days_that_are_gone_new_or_different_are_told_apart(profile: Profile) -> None:
    earlier = [D - timedelta(days=n) for n in (2, 3, 4)]
    live = [visitors(BEFORE), *map(visitors, earlier[:2])]
    built = [visitors(BEFORE, estimate=21.0, status="caution"), visitors(earlier[0]), visitors(earlier[2]), visitors(D)]
    frames = profile({"fct_metric_values": built}, {"fct_metric_values": live})
    assert published(frames, "fct_metric_values") == (3, 1, 1, 1, 0)
    line = frames["published"].iloc[0]
    assert line["n_differing"] == 3
    assert line["eg_differing"].endswith("2026-03-24, all, all, all, realised: new")  # the first in order
    only = profile({"fct_metric_values": [built[0], visitors(D)]}, {"fct_metric_values": live[:1]})
    assert only["published"]["eg_differing"][0] == (
        "dashboard_visitors, 1, trwiki, rolling, 2026-03-21, 2026-03-27, all, all, all, realised: "
        "estimate was 20.0, is 21.0; status was publish, is caution"
    )


def test_rows_of_the_dates_of_the_run_may_differ(profile: Profile) -> None:
    built = {"fct_metric_values": [visitors(BEFORE), visitors(D, estimate=9.0)]}
    assert published(profile(built), "fct_metric_values") == (1, 0, 0, 0, 0)


def test_doubles_are_compared_exactly_and_nulls_are_equal(profile: Profile) -> None:
    almost = {"fct_metric_values": [visitors(BEFORE, estimate=0.1 + 0.2), visitors(D)]}
    exact = {"fct_metric_values": [visitors(BEFORE, estimate=0.3), visitors(D)]}
    null = {"fct_metric_values": [visitors(BEFORE, estimate=None), visitors(D)]}
    assert published(profile(almost, exact), "fct_metric_values") == (1, 0, 0, 1, 0)
    assert published(profile(almost, almost), "fct_metric_values") == (1, 0, 0, 0, 0)
    assert published(profile(null, null), "fct_metric_values") == (1, 0, 0, 0, 0)
    assert published(profile(null, exact), "fct_metric_values") == (1, 0, 0, 1, 0)


def test_a_null_in_a_key_is_a_value_like_others(profile: Profile) -> None:
    built = {"fct_ingest_log": [logged(BEFORE, n_lines=41), logged(D)]}
    frames = profile(built)
    assert published(frames, "fct_ingest_log") == (1, 0, 0, 1, 0)
    assert "2026-03-27, 3, kept: n_lines was 40, is 41" in frames["published"]["eg_differing"].tolist()


def test_a_column_or_a_mart_that_one_version_lacks_is_no_difference(profile: Profile) -> None:
    built = {
        "fct_metric_values": [{**row, "remedy": "at 50 %"} for row in SMALL["fct_metric_values"]],
        "fct_self_validation": [{"wiki_db": "trwiki", "as_of_date": BEFORE, "metric": "m", "rate": 0.1}],
    }
    frames = profile(built)
    assert published(frames, "fct_metric_values") == (1, 0, 0, 0, 0)
    assert set(frames["published"]["subject"]) == {"fct_metric_values", "fct_baseline_daily", "fct_ingest_log"}


def test_dates_that_are_taken_away_are_no_loss_and_make_no_marts_older(profile: Profile) -> None:
    built = {name: [row for row in SMALL[name] if D not in row.values()] for name in SMALL if name.startswith("fct_")}
    frames = profile(built, as_of=[BEFORE], removed=[D])
    assert published(frames, "fct_metric_values") == (0, 0, 0, 0, 0)
    assert frames["freshness"][["n_days_older", "n_days_behind"]].values.tolist() == [[0, 0]]
    frames = profile(built, as_of=[BEFORE])
    assert published(frames, "fct_metric_values") == (1, 1, 0, 0, 0)
    assert frames["freshness"]["n_days_older"].tolist() == [1]


def test_daily_marts_are_held_against_the_days_whose_facts_were_written(profile: Profile) -> None:
    built = {"fct_baseline_daily": [baseline(BEFORE, 13), baseline(D)]}
    assert published(profile(built, changed=[BEFORE]), "fct_baseline_daily") == (1, 0, 0, 0, 0)
    assert published(profile(built, as_of=[BEFORE, D]), "fct_baseline_daily") == (1, 0, 0, 1, 0)


@pytest.mark.parametrize(
    "other",
    [baseline(BEFORE, None, None, hidden=True), baseline(BEFORE, 12, None, hidden=True)],
    ids=["all of it", "a part"],
)
def test_what_only_one_version_hides_is_counted_apart_and_its_numbers_are_not_told(
    profile: Profile, other: dict[str, object]
) -> None:
    other_version = {"fct_baseline_daily": [other, baseline(D)]}
    for built, live in ((other_version, None), (None, other_version)):
        frames = profile(built, live)
        assert published(frames, "fct_baseline_daily") == (1, 0, 0, 0, 1)
        line = frames["published"].set_index("subject").loc["fct_baseline_daily"]
        assert (line["n_differing"], line["eg_differing"]) == (0, "")
        assert line["eg_rehidden"] == "2026-03-27, trwiki, health: hidden in one of them"


def test_a_row_that_hides_more_by_the_same_flag_is_no_change(profile: Profile) -> None:
    fewer = {"fct_baseline_daily": [baseline(BEFORE, None, None, hidden=True), baseline(D)]}
    more = {"fct_baseline_daily": [baseline(BEFORE, 12, None, hidden=True), baseline(D)]}
    assert published(profile(fewer, more), "fct_baseline_daily") == (1, 0, 0, 0, 1)


@pytest.mark.parametrize(
    "other", [baseline(BEFORE, 13, None, hidden=True), baseline(BEFORE, 12, None)], ids=["changed", "unflagged"]
)
def test_a_number_that_both_show_must_not_change_and_none_must_go_unhidden(
    profile: Profile, other: dict[str, object]
) -> None:
    built = {"fct_baseline_daily": [other, baseline(D)]}
    assert published(profile(built), "fct_baseline_daily") == (1, 0, 0, 1, 0)


@pytest.mark.parametrize("is_built", [True, False], ids=["shown now", "hidden now"])
def test_a_number_that_one_version_does_not_show_is_in_no_example(profile: Profile, is_built: bool) -> None:
    def told(shown: Tables, hidden: Tables) -> str:
        frames = profile(*((shown, hidden) if is_built else (hidden, shown)), changed=[])
        lines = [*frames["published"]["eg_differing"], *frames["recomputed"]["eg_unexplained"]]
        return " ".join(line for line in lines if line)

    nothing = {"estimate": None, "lower": None, "upper": None, "status": "suppressed"}
    few = {"estimate": 7.0, "lower": 6.0, "upper": 8.0}
    for day in (BEFORE, D):  # one that the run did not touch, and one that it computed again
        found = told(
            {"fct_metric_values": [visitors(day, **few), visitors(BEFORE, 28), visitors(D, 28)]},
            {"fct_metric_values": [visitors(day, **nothing), visitors(BEFORE, 28), visitors(D, 28)]},
        )
        assert "estimate is null in one of them" in found
        assert "suppressed" in found
        assert not {"7.0", "6.0", "8.0"} & set(found.replace(";", " ").replace(",", " ").split())
    mixed = told(
        {"fct_baseline_daily": [baseline(BEFORE, 7, 21), baseline(D)]},
        {"fct_baseline_daily": [baseline(BEFORE, None, 22, hidden=True), baseline(D)]},
    )
    assert "n_visitors_observed is null in one of them; n_reviewers_observed was 2" in mixed
    assert " 7" not in mixed


def test_a_version_that_the_catalogue_gave_up_takes_its_rows_with_it(profile: Profile) -> None:
    newer = [row | {"metric_version": 2} for row in SMALL["dim_metric"]]
    built = {"fct_metric_values": [visitors(D, metric_version=2)], "dim_metric": newer}
    assert published(profile(built), "fct_metric_values")[1:] == (0, 0, 0, 0)
    again = [visitors(BEFORE, metric_version=2), visitors(D, metric_version=2)]
    frames = profile(built | {"fct_metric_values": again}, as_of=[BEFORE, D], changed=[])
    assert frames["recomputed"].empty


def test_keys_of_compared_marts_are_those_that_dbt_tests() -> None:
    files = shipped("dbt_project").joinpath("models", "marts").rglob("*.yml")
    models = [model for file in files for model in yaml.safe_load(file.read_text("utf-8")).get("models", ())]
    tested = {
        model["name"]: set(test["unique_combination"]["arguments"]["columns"])
        for model in models
        for test in model.get("data_tests", ())
        if "unique_combination" in test
    }
    marts = (*COMPARED, *AUDIENCE)
    assert {mart.name: set(mart.key) for mart in marts} == {mart.name: tested[mart.name] for mart in marts}


def test_a_run_of_days_changes_no_row_of_editors_whatever_their_date(profile: Profile) -> None:
    days = (BEFORE, D, D + timedelta(days=3))
    cells = {"fct_audience": [audience(day) for day in days]}
    rows = {"fct_metric_values": [visitors(BEFORE), visitors(D), *map(editors, days)]}
    frames = profile(cells | rows, cells | rows)
    assert published(frames, "fct_metric_values") == (4, 0, 0, 0, 0)
    assert published(frames, "fct_audience") == (3, 0, 0, 0, 0)
    assert recomputed(frames) == {("dashboard_visitors", D): (0, 0, 0)}
    fewer = rows["fct_metric_values"][:-1]
    other = [*fewer[:3], editors(D, estimate=21.0)]
    frames = profile({"fct_metric_values": other, "fct_audience": [audience(D, 21)]}, cells | rows)
    assert published(frames, "fct_metric_values") == (4, 1, 0, 1, 0)
    assert published(frames, "fct_audience") == (3, 2, 0, 1, 0)
    assert set(recomputed(frames)) == {("dashboard_visitors", D)}


def test_an_audience_may_change_editors_as_of_its_dates_and_nothing_else(tmp_path: Path) -> None:
    cohort = {"metric": "a", "wiki_db": "trwiki", "metric_date": BEFORE, "as_of_date": D, "estimate": 0.5}
    live = write(tmp_path / "live.duckdb", SMALL | {
        "fct_metric_values": [visitors(D), editors(D), editors(BEFORE)],
        "fct_audience": [audience(D), audience(BEFORE)], "fct_retention": [cohort],
    })  # fmt: skip
    own = write(tmp_path / "own.duckdb", SMALL | {
        "fct_metric_values": [visitors(D), editors(D, estimate=30.0), editors(D, days=28), editors(BEFORE)],
        "fct_audience": [audience(D, 30), audience(BEFORE)], "fct_retention": [cohort],
    })  # fmt: skip
    frame = beside_audience(own, live, [D])
    assert frame["n_differing"].sum() == 0
    assert set(frame["event_date"]) == {D}
    other = write(tmp_path / "other.duckdb", SMALL | {
        "fct_metric_values": [visitors(D, estimate=21.0), editors(D), editors(BEFORE, estimate=30.0)],
        "fct_audience": [audience(D)],
        "fct_baseline_daily": [baseline(BEFORE), baseline(D, 13)], "fct_retention": [{**cohort, "estimate": 0.6}],
    })  # fmt: skip
    told = {row.subject: row.n_differing for row in beside_audience(other, live, [D]).itertuples()}
    assert told == {
        "fct_metric_values": 2, "fct_audience": 1, "fct_baseline_daily": 1, "fct_ingest_log": 0, "fct_retention": 1,
    }  # fmt: skip
    assert beside_audience(own, tmp_path / "none", [D]).empty


def test_editors_of_a_later_date_make_no_marts_newer(profile: Profile) -> None:
    later = editors(D + timedelta(days=3))
    behind = {"fct_metric_values": [visitors(BEFORE), later]}
    assert fresh(profile(behind, {"fct_metric_values": [visitors(D)]})) == [1, 1]
    assert fresh(profile(live={"fct_metric_values": [visitors(D), later]})) == [0, 0]


# What was computed again


def recomputed(frames: dict[str, pd.DataFrame]) -> dict[tuple[str, date], tuple[int, int, int]]:
    """By metric and date: rows whose days did not change, those of them that differ, and the others that differ."""
    lines = frames["recomputed"].itertuples()
    return {(x.subject, x.event_date): (x.n_same_days, x.n_unexplained, x.n_explained) for x in lines}


def test_rows_computed_again_from_the_same_days_must_be_the_same(profile: Profile) -> None:
    live = {"fct_metric_values": [visitors(D), visitors(D, 1), visitors(BEFORE)]}
    built = {"fct_metric_values": [visitors(D, upper=25.0), visitors(D, 1, status="caution"), visitors(BEFORE)]}
    frames = profile(built, live, as_of=[BEFORE, D], changed=[D - timedelta(days=3)])
    assert recomputed(frames) == {
        ("dashboard_visitors", BEFORE): (0, 0, 0),
        ("dashboard_visitors", D): (1, 1, 1),  # the day alone holds no changed day, its week does
    }
    assert frames["recomputed"]["eg_unexplained"].tolist() == [
        "",
        "dashboard_visitors, 1, trwiki, rolling, 2026-03-28, 2026-03-28, all, all, all, realised: "
        "status was publish, is caution",
    ]


def test_rows_that_lost_an_hour_follow_the_days_that_bound_it(profile: Profile) -> None:
    live = {"fct_metric_values": [visitors(D, is_complete=False, status="caution"), visitors(D, 1)]}
    built = {"fct_metric_values": [visitors(D, is_complete=False, status="caution", upper=25.0), visitors(D, 1)]}
    for back, expected in ((27, (1, 0, 1)), (28, (2, 1, 0))):
        frames = profile(built, live, changed=[D - timedelta(days=back)])
        assert recomputed(frames) == {("dashboard_visitors", D): expected}


@pytest.mark.parametrize(("unit", "expected"), [("session", (1, 0, 1)), ("pageview", (2, 1, 0))])
def test_rows_of_sampled_sessions_follow_the_days_that_lend_them_a_design_effect(
    profile: Profile, unit: str, expected: tuple[int, int, int]
) -> None:
    sampled = {"sampling_unit": unit, "sampling_rate_min": 0.1}
    live = {"fct_metric_values": [visitors(D, **sampled), visitors(D, 1)]}
    built = {"fct_metric_values": [visitors(D, **sampled, upper=25.0), visitors(D, 1)]}
    frames = profile(built, live, changed=[D - timedelta(days=20)])
    assert recomputed(frames) == {("dashboard_visitors", D): expected}


def test_rows_that_come_or_go_without_a_changed_day_are_unexplained_too(profile: Profile) -> None:
    live = {"fct_metric_values": [visitors(D), link(D)]}
    built = {"fct_metric_values": [visitors(D), link(D, "menu link")]}
    frames = profile(built, live, changed=[])
    assert recomputed(frames) == {("dashboard_visitors", D): (1, 0, 0), ("link_clicks", D): (1, 2, 0)}


def test_other_columns_may_be_told_better(profile: Profile) -> None:
    live = {"fct_metric_values": [visitors(D, status_reason="wide")]}
    built = {"fct_metric_values": [visitors(D, status_reason="the interval is wide")]}
    assert recomputed(profile(built, live, changed=[])) == {("dashboard_visitors", D): (1, 0, 0)}


def test_a_date_that_was_not_published_was_not_computed_again(profile: Profile) -> None:
    frames = profile(live={"fct_metric_values": [visitors(BEFORE)]}, changed=[])
    assert frames["recomputed"].empty


# Freshness


def fresh(frames: dict[str, pd.DataFrame]) -> list[int]:
    frame = frames["freshness"]
    assert frame["subject"].tolist() == ["fct_metric_values"]
    return frame[["n_days_older", "n_days_behind"]].iloc[0].tolist()


def test_the_newest_date_is_neither_older_nor_behind(profile: Profile) -> None:
    assert fresh(profile()) == [0, 0]
    assert fresh(profile({"fct_metric_values": [visitors(BEFORE)]})) == [1, 1]
    assert fresh(profile({"fct_metric_values": [visitors(BEFORE)]}, {"fct_metric_values": [visitors(WEEK_AGO)]})) == [
        0,
        1,
    ]


def test_only_days_of_the_run_that_had_input_must_be_reached(profile: Profile) -> None:
    built = {"fct_metric_values": [visitors(BEFORE)]}
    live = {"fct_metric_values": [visitors(BEFORE)]}
    assert fresh(profile(built, live, changed=[BEFORE])) == [0, 0]
    empty_day = built | {"fct_ingest_log": [logged(BEFORE), logged(D, fate="missing_hour")]}
    assert fresh(profile(empty_day, live)) == [0, 0]
    behind = frame_of(profile(built, live))
    assert (behind["newest_built"], behind["newest_ingested"]) == ("2026-03-27", "2026-03-28")


def frame_of(frames: dict[str, pd.DataFrame]) -> pd.Series:
    return frames["freshness"].iloc[0]
