"""What is shown of a count of users, threshold by threshold."""

import re

import pytest

from jobs.estimation.limits import Interval, Limits, Verdict, beyond, percent, points
from jobs.estimation.users_limits import bounds_verdict, users_without_fit, width_verdict, with_misfit

WHAT = "The number of visitors"


def test_a_width_beyond_its_limit_never_reads_like_the_limit():
    assert beyond(0.104, 0.1, percent) == "10.4 %"
    assert beyond(0.10004, 0.1, percent) == "10.004 %"
    assert beyond(0.0312, 0.03, points) == "3.1 pp"
    assert beyond(0.2, 0.1, percent) == "20 %"
    assert beyond(0.1, 0.1, percent) == "10 %"
    assert width_verdict(Interval(100, 89.7, 110.3), "The number").reason.startswith(
        "The number is known to ±10.3 % only"
    )


def interval(relative):
    return Interval(1000.0, 1000 * (1 - relative), 1000 * (1 + relative))


@pytest.mark.parametrize(
    ("relative", "status"), [(0.099, "publish"), (0.101, "caution"), (0.249, "caution"), (0.251, "bounds_only")]
)
def test_users_are_gated_by_relative_width(relative, status):
    assert width_verdict(interval(relative), WHAT).status == status


@pytest.mark.parametrize("rate", [0.01, 0.1])
def test_at_ten_percent_no_count_is_estimated(rate):
    verdict = users_without_fit(10**6, rate, "visitors")
    assert verdict is not None
    assert verdict.status == "bounds_only"
    assert percent(rate) in str(verdict.reason)


def test_under_thirty_seen_no_count_is_estimated():
    assert users_without_fit(30, 0.5, "visitors") is None
    verdict = users_without_fit(29, 0.5, "reviewers")
    assert verdict is not None
    assert verdict.status == "bounds_only"
    assert "29 reviewers" in str(verdict.reason)


def test_gates_are_settings():
    strict = Limits(users_publish=0.02, fewest_seen=50)
    assert width_verdict(interval(0.05), WHAT, strict).status == "caution"
    assert users_without_fit(40, 0.5, "visitors", strict) is not None


@pytest.mark.parametrize(("before", "after"), [("publish", "caution"), ("caution", "caution"), ("bounds_only",) * 2])
def test_counts_no_population_explains_are_never_a_firm_number(before, after):
    told = Verdict(before, None if before == "publish" else "It is wide.")
    assert with_misfit(told, 0.0011, "visitors") == told
    lowered = with_misfit(told, 0.0009, "reviewers")
    assert lowered.status == after
    assert "No population of reviewers" in str(lowered.reason)


@pytest.mark.parametrize(
    ("upper", "status"), [(500.0, "bounds_only"), (501.0, "not_estimable"), (float("inf"), "not_estimable")]
)
def test_bounds_five_times_apart_say_nothing(upper, status):
    verdict = bounds_verdict(Verdict("bounds_only", "It is wide."), 100.0, upper, WHAT)
    assert verdict.status == status
    assert bounds_verdict(Verdict("caution", "It is wide."), 100.0, upper, WHAT).status == "caution"


def test_nobody_seen_says_nothing():
    verdict = bounds_verdict(Verdict("bounds_only", "Nobody was seen."), 0.0, 4.75, WHAT)
    assert verdict.status == "not_estimable"
    assert "between 0 and 4.8" in str(verdict.reason)


def test_published_verdicts_need_no_reason_and_others_are_one_sentence():
    assert width_verdict(interval(0.05), WHAT).reason is None
    for verdict in (
        width_verdict(interval(0.2), WHAT),
        width_verdict(interval(0.5), WHAT),
        with_misfit(Verdict("publish"), 0.0, "visitors"),
        bounds_verdict(Verdict("bounds_only"), 3.0, 80.0, WHAT),
        users_without_fit(10, 0.05, "visitors"),
    ):
        assert re.fullmatch(r"[A-Z].*[^.]\.", str(verdict.reason)), verdict
        assert ". " not in str(verdict.reason)
