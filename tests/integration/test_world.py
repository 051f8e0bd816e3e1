"""A world at 100 %, with all the dirt of a real stream, through the command line: every row equals the truth."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from tests.integration import worlds

pytestmark = pytest.mark.integration
START, DAYS = "2026-03-11", 30
LAST, END = "2026-04-09", "2026-04-10"


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """The world and its warehouse, run in two chunks: four weeks whole, a day step by step."""
    folder = tmp_path_factory.mktemp("unsampled")
    world, warehouse = folder / "world", folder / "warehouse"
    worlds.simulate(world, start=START, days=DAYS, scenario="unsampled", scale=0.2)
    base = ["--warehouse", str(warehouse), "run", "--input", str(world)]
    worlds.here(*base, "--start", START, "--end", LAST)
    for step in ("ingest", "estimates,marts"):
        worlds.here(*base, "--date", LAST, "--steps", step)
    return world, warehouse


@pytest.fixture(scope="module")
def matched(published):
    world, warehouse = published
    ours = worlds.metric_rows(warehouse)
    measured = ours[(ours["inference"] == "realised") & (ours["status"] != "not_measured")]
    return worlds.truth(world).merge(measured, on=worlds.KEY, how="outer", indicator=True)


def test_rows_are_exactly_those_of_the_truth(matched):
    lonely = matched[matched["_merge"] != "both"]
    assert lonely.empty, lonely[[*worlds.KEY, "_merge", "status"]].head(20).to_string()
    assert len(matched) > 5_000


def test_every_shown_row_equals_the_truth_to_the_last_digit(matched):
    shown = matched[~matched["status"].isin(["suppressed", "not_estimable"])]
    assert len(shown) > 1_000
    wrong = shown[
        (shown["estimate"] != shown["value"]) | (shown["lower"] != shown["value"]) | (shown["upper"] != shown["value"])
    ]
    assert wrong.empty, wrong[[*worlds.KEY, "value", "estimate", "lower", "upper"]].head(20).to_string()
    assert set(shown["status"]) <= {"publish", "caution"}


def test_every_metric_is_shown_somewhere(matched):
    shown = matched[matched["status"] == "publish"]
    assert set(shown["metric"]) == {
        "dashboard_pageviews", "dashboard_visitors", "pageviews_per_visitor", "link_impressions", "link_clicks",
        "link_click_through_rate", "link_click_through_rate_matched", "link_click_through_rate_unique", "reviewers",
        "two_day_review_rate", "two_week_return_rate", "retention_14d", "retention_day_1", "retention_day_7",
        "retention_day_14", "presented_two_week_rate", "dashboard_visitors_rarefied", "visit_pairs_per_visit",
    }  # fmt: skip
    rolling = shown[shown["window_kind"] == "rolling"]
    assert set(rolling["window_days"]) == {1, 7, 28}
    assert set(shown["window_kind"]) == {"rolling", "quarter_to_date", "cohort"}


def test_counts_behind_shown_rows_equal_the_truth(matched):
    shown = matched[matched["status"] == "publish"]
    users = shown["n_users_observed"]
    assert (users == shown["n_users"]).all()
    rates = shown[shown["denominator"].notna()]
    assert (rates["observed_denominator"] == rates["denominator"]).all()
    hidden = rates["observed_numerator"].isna()
    assert (rates.loc[~hidden, "observed_numerator"] == rates.loc[~hidden, "numerator"]).all()


def test_small_cells_are_suppressed_and_only_they(matched):
    few = matched["n_users"].between(1, 9)
    assert few.any()
    assert (matched.loc[few, "status"] == "suppressed").all()
    assert (matched.loc[~few, "status"] != "suppressed").all()
    values = [
        "estimate",
        "lower",
        "upper",
        "observed_numerator",
        "observed_denominator",
        "n_users_observed",
        "n_effective",
    ]
    assert matched.loc[few, values].isna().all(axis=None)


def test_a_rate_without_a_denominator_is_not_estimable(matched):
    empty = matched["value"].isna()
    assert (matched.loc[empty & ~matched["n_users"].between(1, 9), "status"] == "not_estimable").all()


def test_process_rows_have_an_interval_around_the_realised_value(published):
    ours = worlds.metric_rows(published[1])
    process = ours[(ours["inference"] == "process") & ours["status"].isin(["publish", "caution"])]
    assert set(process["metric"]) >= {"two_day_review_rate", "link_click_through_rate", "pageviews_per_visitor"}
    assert (process["lower"] <= process["estimate"]).all()
    assert (process["estimate"] <= process["upper"]).all()
    inner = process[(process["estimate"] > 0) & (process["estimate"] < 1)]
    assert (inner["lower"] < inner["upper"]).all()
    # Of so few who come in a week, what they would do again is known between bounds, if at all.
    weekly = ours[(ours["inference"] == "process") & (ours["metric"] == "two_week_return_rate")]
    assert set(weekly["status"]) <= {"bounds_only", "not_estimable", "caution", "suppressed", "not_measured"}
    bounded = weekly[weekly["status"] == "bounds_only"]
    assert len(bounded) > 0
    assert bounded["estimate"].isna().all()
    assert (bounded["lower"] < bounded["upper"]).all()


def test_every_line_has_the_fate_the_world_planned(published):
    world, warehouse = published
    found = worlds.logged_fates(warehouse)
    assert found == worlds.fates(world)
    assert {fate for _, fate, _ in found} == {"kept", "duplicate", "out_of_scope", "quarantined"}


def test_milestones_are_followed_from_day_to_day(published, matched):
    warehouse = published[1]
    found = worlds.rows(
        warehouse, "select * replace (cast(as_of_date as varchar) as as_of_date) from fct_milestone_status"
    )
    assert set(found["as_of_date"]) == set(worlds.metric_rows(warehouse)["as_of_date"])
    editors = found[found["metric"] == "eligible_editors"]
    assert set(editors["status"]) == {"not measurable"}, "until the audience is counted"
    assert set(editors.loc[editors["is_overdue"], "as_of_date"]) == {"2026-04-08", "2026-04-09"}
    key = {"metric": "dashboard_visitors", "metric_date": "2026-04-03", "as_of_date": LAST, "window_kind": "rolling"}
    weeks = matched.loc[(matched[list(key)] == pd.Series(key)).all(axis=1)]
    (baseline,) = found[(found["metric"] == "dashboard_visitors") & (found["as_of_date"] == LAST)].to_dict("records")
    assert len(weeks) == 3
    assert (weeks["status"] == "publish").all()
    assert baseline["estimate"] == baseline["lower"] == weeks["value"].sum()
    assert baseline["status"] in ("behind", "not measurable")
    told = worlds.here("--warehouse", str(warehouse), "milestones", "--json", check=False)
    assert told.returncode == 1, "the first is overdue"
    assert [(row["metric"], row["is_overdue"]) for row in json.loads(told.stdout)] == [
        ("eligible_editors", True), ("dashboard_visitors", False),
    ]  # fmt: skip
    assert "not measurable, overdue" in worlds.here("--warehouse", str(warehouse), "milestones", check=False).stdout


def test_keys_are_unique_and_statuses_are_known(published):
    ours = worlds.metric_rows(published[1])
    assert not ours.duplicated([*worlds.KEY, "metric_version", "inference"]).any()
    assert set(ours["status"]) <= {"not_measured", "suppressed", "not_estimable", "bounds_only", "caution", "publish"}
    assert ours["is_complete"].dtype == bool
    assert np.isfinite(ours.loc[ours["status"] == "publish", "estimate"]).all()
