"""People in a plan follow the limits of the rows."""

import dataclasses
import math

import numpy as np
import pytest

from jobs.estimation.limits import Limits
from jobs.planning.kept_users import KeptUsers
from jobs.planning.people import plan_people, plan_presented
from jobs.planning.scenario import USAGE, Scenario, Setting

SCENARIO = Scenario("enwiki", users=30_000, pageviews_per_hour=30_000, eligible_share=0.5, ctr=0.005)


def expected(unit, rate, scenario=SCENARIO):
    return {e.metric: e for e in plan_people(scenario, Setting(unit, rate))}


@pytest.mark.parametrize("unit", ["pageview", "session"])
def test_ten_percent_promises_nothing_and_hundred_everything(unit):
    low, full = expected(unit, 0.1), expected(unit, 1.0)
    assert low["dashboard_visitors"].status == "bounds_only"
    assert low["two_week_return_rate"].status == "not_estimable"
    assert math.isnan(low["dashboard_visitors"].half_width)
    assert "10 %" in low["two_week_return_rate"].reason
    for e in full.values():
        assert (e.status, e.half_width, e.stream) == ("publish", 0.0, USAGE)


def test_widths_shrink_with_the_rate_and_with_the_wiki():
    half = expected("pageview", 0.5)["dashboard_visitors"]
    most = expected("pageview", 0.75)["dashboard_visitors"]
    assert 0 < most.half_width < half.half_width < 0.1
    small = Scenario("frwiki", users=1_000, pageviews_per_hour=1_000, eligible_share=0.5, ctr=0.005)
    assert expected("pageview", 0.5, small)["dashboard_visitors"].half_width > half.half_width


def test_a_wiki_without_variation_and_a_tiny_one_are_planned_too():
    alike = Scenario("alike", users=5_000, pageviews_per_hour=20_000, eligible_share=0.5, activity_variation=0.0)
    assert expected("pageview", 0.5, alike)["dashboard_visitors"].status == "publish"
    tiny = Scenario("tiny", users=50, pageviews_per_hour=5, eligible_share=0.5)
    assert expected("pageview", 0.5, tiny)["dashboard_visitors"].status == "not_estimable"
    assert expected("pageview", 0.001, tiny)["two_week_return_rate"].status == "not_estimable"


@pytest.mark.parametrize("unit", ["pageview", "session"])
def test_reviews_and_retention_follow_their_gates_at_ten_percent(unit):
    status = {name: e.status for name, e in expected(unit, 0.1).items()}
    assert status["reviewers"] == status["pageviews_per_visitor"] == "bounds_only"
    assert status["two_day_review_rate"] in ("bounds_only", "not_estimable")
    names = ("retention_14d", "retention_day_1", "retention_day_7", "retention_day_14")
    assert {status[name] for name in (*names, "link_click_through_rate_unique")} <= {"bounds_only", "not_estimable"}
    assert status["retention_day_1"] == "not_estimable"


def test_at_half_the_units_reviewers_are_known_less_well_than_visitors_and_review_days_never():
    half = expected("pageview", 0.5)
    assert 0 < half["dashboard_visitors"].half_width < half["reviewers"].half_width
    assert half["dashboard_visitors"].half_width < half["pageviews_per_visitor"].half_width
    assert half["two_day_review_rate"].status == "bounds_only"
    assert half["link_click_through_rate_unique"].half_width > 0


def test_more_reviews_are_easier_to_count():
    few, many = (dataclasses.replace(SCENARIO, review_share=share) for share in (0.1, 1.0))
    narrow, wide = (expected("pageview", 0.5, scenario)["reviewers"].half_width for scenario in (many, few))
    assert narrow < wide
    assert narrow == expected("pageview", 0.5, many)["dashboard_visitors"].half_width


def test_the_gates_given_are_the_gates_used():
    strict = plan_people(SCENARIO, Setting("pageview", 0.5), Limits(fewest_seen=1_000_000))
    assert {e.status for e in strict if e.metric in ("dashboard_visitors", "reviewers")} == {"bounds_only"}
    assert "1000000" in strict[0].reason


def test_the_presented_rate_is_exact_or_refused():
    (refused,), (whole,) = (plan_presented(SCENARIO, Setting("pageview", rate)) for rate in (0.5, 1.0))
    assert (refused.status, whole.status, whole.half_width) == ("not_estimable", "publish", 0.0)
    assert "50 %" in refused.reason


def kept_whole(user_rate, scenario=SCENARIO):
    return {e.metric: e for e in plan_people(scenario, Setting("pageview", user_rate, user_rate=user_rate))}


def test_of_users_kept_whole_every_number_of_people_exists():
    tenth = kept_whole(0.1)
    assert set(tenth) == set(expected("pageview", 0.1))
    assert {e.status for e in tenth.values()} <= {"publish", "caution"}
    assert all(e.half_width > 0 for e in tenth.values())
    finest = kept_whole(0.01)
    for metric in ("dashboard_visitors", "two_week_return_rate"):
        assert not finest[metric].half_width <= tenth[metric].half_width
    few = kept_whole(0.01, dataclasses.replace(SCENARIO, users=300))
    assert few["dashboard_visitors"].status in ("bounds_only", "not_estimable")
    assert "would be seen, fewer than the 30" in few["two_week_return_rate"].reason


def test_a_tenth_of_ten_thousand_users_tells_retention_to_less_than_three_points():
    kept = KeptUsers(10_000, 0.1)
    everyone, returned = np.ones(1), np.full(1, 0.3)
    retention = kept.share("retention_14d", returned, everyone)
    assert retention.half_width * 0.3 == pytest.approx(0.0284, abs=0.0002)
    assert retention.status == "publish"
    visitors = kept.count("dashboard_visitors", everyone, "visitors")
    assert visitors.half_width == pytest.approx(1.96 * math.sqrt(0.9 / 1000), rel=0.02)


def test_pages_per_kept_user_agree_with_drawn_samples():
    rng = np.random.default_rng(4)
    means = np.quantile(rng.gamma(0.8, 4 / 0.8, 100_000), (np.arange(200) + 0.5) / 200)
    planned = KeptUsers(10_000, 0.1).mean("m", means, -np.expm1(-means))
    loads = rng.poisson(np.repeat(means, 50))
    visitors = loads[loads > 0]
    drawn = [visitors[rng.random(len(visitors)) < 0.1].mean() for _ in range(2_000)]
    assert planned.half_width == pytest.approx(1.96 * np.std(drawn) / visitors.mean(), rel=0.1)


def test_the_presented_rate_exists_where_users_are_kept_whole():
    (kept,) = plan_presented(SCENARIO, Setting("pageview", 0.1, user_rate=0.1))
    assert kept.status in ("publish", "caution")
    assert 0 < kept.half_width < 0.5
