"""The plan: the arithmetic of volumes, widths that are the estimators' own, and the answer for English Wikipedia."""

from __future__ import annotations

import dataclasses
import functools
import sys
from pathlib import Path

import numpy as np
import pytest

from jobs.catalogue import load_catalogue
from jobs.cli import main
from jobs.planning.people import plan_people
from jobs.planning.plan import PLANNERS, gigabytes, make_plan, plan_rates, plan_totals
from jobs.planning.scenario import ENTRY_POINT, USAGE, Expectation, Scenario, Setting
from jobs.planning.text import render_plan

ROOT = Path(__file__).parents[2]
ENWIKI = Scenario("enwiki", users=10_000, pageviews_per_hour=400_000)
SIMPLEWIKI = Scenario("simplewiki", users=300, pageviews_per_hour=4_000)


def expected(scenario, setting, metric, inference="realised"):
    found = [*plan_totals(scenario, setting), *plan_rates(scenario, setting)]
    return next(e for e in found if (e.metric, e.inference) == (metric, inference))


def test_volume_of_english_wikipedia():
    # 400,000 pageviews an hour, 24 hours, 4 % of them eligible; a click for each 200, a load for each click.
    assert ENWIKI.impressions_per_day == pytest.approx(384_000)
    assert ENWIKI.loads_per_day == pytest.approx(1_920)
    assert ENWIKI.events_per_day(ENTRY_POINT) == pytest.approx(385_920)
    assert ENWIKI.events_per_day(USAGE) == pytest.approx(13_440)
    assert gigabytes(385_920, ENWIKI) == pytest.approx(385_920 * 90 * 156 / 1e9)


def test_plan_has_every_unit_and_rate_once_and_users_kept_whole():
    plan = make_plan(ENWIKI)
    found = [(p.setting.unit, p.setting.rate, p.setting.user_rate) for p in plan.settings]
    rates = (0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0)
    of_users = [("pageview", rate, rate) for rate in (0.01, 0.05, 0.1)]
    assert found == [*((unit, rate, 0) for unit in ("pageview", "session") for rate in rates), *of_users]
    assert [p.setting.needs_client_change for p in plan.settings] == 16 * [False] + 3 * [True]


def test_what_is_kept_by_pageview_or_by_user_is_counted_once():
    kept = next(p for p in make_plan(ENWIKI).settings if p.setting.user_rate == 0.1).events_per_day
    assert kept[USAGE] == pytest.approx(13_440 * (1 - 0.9 * 0.9))


def test_what_needs_a_change_in_the_client_is_never_recommended_but_named_where_it_is_cheaper():
    def of_whole_users(scenario, setting):
        exact = setting.rate == 1 or setting.user_rate >= 0.05
        return [Expectation("reviewers", USAGE, "realised", 0.05 if exact else np.nan, "publish" if exact else "x")]

    large = dataclasses.replace(ENWIKI, loads_per_click=100)
    plan = make_plan(large, (*PLANNERS, of_whole_users))
    assert (plan.split, plan.chosen) == (True, Setting("pageview", 0.05))
    assert plan.with_change is not None
    assert plan.with_change.setting == Setting("pageview", 0.05, user_rate=0.05)
    assert "Cheaper with a change in the client: one instrument that keeps 5 % of pageviews or users*" in render_plan(
        plan
    )
    small = make_plan(ENWIKI, (*PLANNERS, of_whole_users))
    assert small.with_change is None, "usage is so small that keeping it whole costs less"
    assert "Cheaper with a change" not in render_plan(small)


def test_width_of_a_click_total_is_that_of_the_kept_clicks():
    # 10 % of 13,440 clicks: relative error sqrt(0.9 / 1344).
    width = expected(ENWIKI, Setting("pageview", 0.1), "link_clicks").half_width
    assert width == pytest.approx(1.96 * np.sqrt(0.9 / 1344), rel=0.01)


def test_sessions_cost_the_design_effect_of_their_size():
    # Geometric sessions of mean 4 have E[x^2] / E[x] = 7.
    by_pageview = expected(ENWIKI, Setting("pageview", 0.1), "link_impressions").half_width
    by_session = expected(ENWIKI, Setting("session", 0.1), "link_impressions").half_width
    assert by_session / by_pageview == pytest.approx(np.sqrt(7), rel=0.01)


def test_moments_of_a_planned_session_agree_with_drawn_ones():
    rng = np.random.default_rng(10)
    scenario = dataclasses.replace(ENWIKI, ctr=0.05)
    x = rng.geometric(1 / 4, 40_000)
    y = rng.binomial(x, 0.05)
    rate = 0.1
    impressions = scenario.impressions_per_day * scenario.window_days
    scale = impressions / x.sum()
    # Design error of the drawn sessions' ratio, for as many as the scenario has.
    residual = y - y.sum() / x.sum() * x
    se = np.sqrt((1 - rate) / rate * (residual**2).sum() * scale) / impressions
    planned = expected(scenario, Setting("session", rate), "link_click_through_rate")
    assert planned.half_width == pytest.approx(1.96 * se / 0.05, rel=0.03)


def test_sampling_never_helps():
    for metric, inference in (("link_clicks", "realised"), ("link_click_through_rate", "process")):
        for unit in ("pageview", "session"):
            widths = [
                expected(ENWIKI, Setting(unit, r), metric, inference).half_width for r in (0.001, 0.01, 0.05, 0.1, 1)
            ]
            assert widths == sorted(widths, reverse=True)


def test_process_stays_uncertain_at_rate_one_and_improves_with_users():
    few = expected(ENWIKI, Setting("pageview", 1.0), "link_click_through_rate", "process")
    many = expected(
        dataclasses.replace(ENWIKI, users=16_000), Setting("pageview", 1.0), "link_click_through_rate", "process"
    )
    assert few.status == many.status == "publish"
    assert 0.05 < many.half_width < few.half_width < 0.1


def test_english_wikipedia_is_split():
    for users in (10_000, 16_000):
        plan = make_plan(dataclasses.replace(ENWIKI, users=users))
        assert plan.split
        assert plan.chosen == Setting("pageview", 0.05)
        assert plan.events_per_day == pytest.approx(385_920 * 0.05 + 13_440)


def test_a_small_wiki_is_kept_whole():
    plan = make_plan(dataclasses.replace(SIMPLEWIKI, precision=0.07))
    assert not plan.split
    assert plan.chosen.rate == 1
    assert "everything at 100 %" in render_plan(plan)


def test_a_busy_dashboard_is_not_called_small():
    plan = make_plan(dataclasses.replace(ENWIKI, loads_per_click=10))
    assert not plan.split
    assert plan.chosen.rate == 0.05
    assert "one instrument at 5 %" in render_plan(plan)


def test_a_finer_precision_costs_more():
    rates = [make_plan(dataclasses.replace(ENWIKI, precision=x)).chosen.rate for x in (0.2, 0.1, 0.06, 0.001)]
    assert rates == [0.01, 0.05, 0.1, 1.0]


def test_only_the_asked_metrics_decide():
    plan = make_plan(ENWIKI, metrics=["link_impressions"])
    assert plan.chosen == Setting("pageview", 0.001)
    assert {e.metric for p in plan.settings for e in p.expectations} == {"link_impressions"}


def test_people_planners_join_and_force_usage_to_be_whole():
    def never_sampled(scenario, setting):
        exact = setting.rate == 1
        return [
            Expectation("dashboard_visitors", USAGE, "realised", 0.0 if exact else np.nan, "publish" if exact else "x")
        ]

    plan = make_plan(dataclasses.replace(ENWIKI, loads_per_click=10), (*PLANNERS, never_sampled))
    assert plan.cheapest[USAGE].rate == 1
    assert plan.split
    assert plan.chosen.rate == 0.05


@pytest.mark.parametrize("change", [{"ctr": 0.02}, {"loads_per_click": 10}])
def test_a_large_dashboard_is_kept_whole_for_its_people_and_the_entry_point_sampled_still(change):
    scenario = dataclasses.replace(ENWIKI, **change)
    assert scenario.events_per_day(USAGE) > 0.1 * scenario.events_per_day(ENTRY_POINT)
    plan = make_plan(scenario, (*PLANNERS, plan_people))
    assert plan.split
    assert plan.chosen == plan.cheapest[ENTRY_POINT]
    assert plan.chosen.rate < 1
    entry, usage = scenario.events_per_day(ENTRY_POINT), scenario.events_per_day(USAGE)
    assert plan.events_per_day == pytest.approx(entry * plan.chosen.rate + usage)
    text = render_plan(plan)
    assert "usage at 100 %" in text
    assert "no smaller rate meets the precision for all its numbers" in text
    assert "sends only" not in text


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("users", 0),
        ("eligible_share", 4),
        ("ctr", 0),
        ("pageviews_per_session", 0.5),
        ("frailty", 1),
        ("review_share", 0),
        ("visiting_share", 0),
        ("precision", -1),
    ],
)
def test_impossible_scenarios_are_refused(field, value):
    with pytest.raises(ValueError, match=field):
        dataclasses.replace(ENWIKI, **{field: value})


REMEMBERED = functools.cache(plan_people)  # fits of a setting take a tenth of a second, and these tests ask again


@pytest.fixture(autouse=True)
def _fits_are_made_once(monkeypatch):
    monkeypatch.setattr(
        "jobs.commands.plan_sampling.plan_people", lambda *given, **limits: REMEMBERED(*given, **limits)
    )


def printed(monkeypatch, capsys, *flags, before=()):
    """Run the command into a pipe; return its exit code and what it prints."""
    asked = ["plan-sampling", "--wiki", "enwiki", "--users", "10000", "--pageviews-per-hour", "400000"]
    monkeypatch.setattr(sys, "argv", ["pdmetrics", *before, *asked, *flags])
    with pytest.raises(SystemExit) as end:
        main()
    out, err = capsys.readouterr()
    return end.value.code, out, err


def test_piped_answer_for_english_wikipedia_is_the_golden_page(monkeypatch, capsys):
    golden = (ROOT / "tests" / "data" / "plan_enwiki.md").read_text(encoding="utf-8")
    code, out, _ = printed(monkeypatch, capsys)
    assert code == 0
    assert out == golden


def test_the_table_of_the_page_is_that_of_the_command():
    golden = (ROOT / "tests" / "data" / "plan_enwiki.md").read_text(encoding="utf-8")
    page = (ROOT / "docs" / "planning.md").read_text(encoding="utf-8")
    begin = golden.index("| kept | entry point: events a day |")
    table_and_legend = golden[begin : golden.index("\n\n| sampled by pageview", begin)]
    assert table_and_legend in page
    assert page.count("|---|") == table_and_legend.count("|---|"), "it is the only table"


def test_every_assumption_has_a_flag_and_the_flag_its_default(monkeypatch, capsys):
    seen = {}
    monkeypatch.setattr("jobs.commands.plan_sampling.plan_sampling", lambda *given: seen.update(s=given[2]))
    printed(monkeypatch, capsys)
    assert seen["s"] == ENWIKI
    changed = {"loads_per_click": 2.0, "pageviews_per_session": 6.0, "loads_per_session": 1.6, "events_per_load": 9.0}
    changed |= {
        "activity_variation": 2.0,
        "frailty": 0.1,
        "review_share": 0.5,
        "bytes_per_event": 89.0,
        "visiting_share": 0.2,
    }
    flags = [part for name, value in changed.items() for part in (f"--{name.replace('_', '-')}", str(value))]
    printed(monkeypatch, capsys, *flags)
    assert seen["s"] == dataclasses.replace(ENWIKI, **changed)


def test_the_plan_is_gated_as_the_settings_say(monkeypatch, capsys):
    seen = []
    monkeypatch.setattr("jobs.commands.plan_sampling.plan_people", lambda *_, limits: seen.append(limits) or ())
    global_flags = ["--set", "estimation.min_seen=77", "--set", "estimation.users_publish=0.2"]
    printed(monkeypatch, capsys, before=global_flags)
    assert {(limits.fewest_seen, limits.users_publish) for limits in seen} == {(77, 0.2)}


@pytest.mark.parametrize("metric", list(load_catalogue().metrics))
def test_every_metric_of_the_catalogue_has_a_plan_or_a_sentence(monkeypatch, capsys, metric):
    code, out, err = printed(monkeypatch, capsys, "--metric", metric)
    assert (code, err) == (0, "")
    assert f"| {metric} (realised) |" in out or out.startswith(f"{metric} needs no plan: ")


def test_numbers_of_people_alone_leave_the_entry_point_at_its_smallest_rate(monkeypatch, capsys):
    _, out, _ = printed(monkeypatch, capsys, "--metric", "retention_14d")
    assert "entry point sampled at 0.1 % by pageview; usage at 100 %" in out
    assert "No metric asked for is measured on the entry point" in out


def test_what_joins_both_streams_keeps_both_whole(monkeypatch, capsys):
    _, out, _ = printed(monkeypatch, capsys, "--metric", "presented_two_week_rate")
    assert "everything at 100 %" in out


def test_a_precision_in_percent_is_refused(monkeypatch, capsys):
    code, out, err = printed(monkeypatch, capsys, "--precision", "10")
    assert (code, out) == (2, "")
    assert "10 looks like a percentage: write 0.1" in err
    assert printed(monkeypatch, capsys, "--precision", "1")[0] == 0


def test_a_window_that_an_asked_metric_does_not_have_is_refused(monkeypatch, capsys):
    asked = ("--metric", "two_week_return_rate", "--metric", "two_day_review_rate")
    code, out, err = printed(monkeypatch, capsys, "--window-days", "1", *asked)
    assert (code, out) == (2, "")
    assert "two_day_review_rate: no window of 1 day." in err
    assert "two_day_review_rate has rolling 7, 28; quarter_to_date" in err
    assert "two_week_return_rate" not in err
    code, out, _ = printed(monkeypatch, capsys, "--window-days", "60", *asked)
    assert code == 0, "a quarter to date may be that long"
    assert "Measured over windows of their own, whatever --window-days says: two_week_return_rate (14 days)." in out
    assert printed(monkeypatch, capsys, "--window-days", "93", *asked)[0] == 2


def test_metrics_without_the_window_are_left_out_and_named(monkeypatch, capsys):
    code, out, _ = printed(monkeypatch, capsys, "--window-days", "1")
    assert code == 0
    assert out.startswith("Sampling plan for enwiki: windows of 1 day, intervals")
    assert "| dashboard_visitors (realised)" in out
    assert "| two_day_review_rate (realised)" not in out
    (left_out,) = (line for line in out.splitlines() if line.startswith("- Not planned for"))
    assert {"two_day_review_rate", "reviewers", "pageviews_per_visitor"} <= set(
        left_out.strip(".").split(": ")[1].split(", ")
    )
    assert "retention_14d (15 days)" in out
    code, _, err = printed(monkeypatch, capsys, "--window-days", "14")
    assert code == 2
    assert "dashboard_pageviews has rolling 1, 7, 28" in err


def test_an_unknown_metric_is_refused_with_the_list(monkeypatch, capsys):
    code, _, err = printed(monkeypatch, capsys, "--metric", "edits")
    assert code == 2
    assert "There is no metric edits" in err
    assert "eligible_editors" in err
