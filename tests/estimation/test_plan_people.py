"""People in a plan follow the gates of the rows."""

import math

import pytest

from jobs.estimation.plan_people import plan_people
from jobs.estimation.planning import USAGE, Scenario, Setting

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
    assert expected("pageview", 0.5, tiny)["dashboard_visitors"].status == "bounds_only"
    assert expected("pageview", 0.001, tiny)["two_week_return_rate"].status == "not_estimable"
