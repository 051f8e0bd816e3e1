"""The limits, threshold by threshold, and the remedies."""

import re

import pytest

from jobs.estimation.limits import (
    Interval,
    Limits,
    percent,
    points,
)
from jobs.estimation.remedy import expected_half_width, remedy
from jobs.estimation.share_limits import share_verdict, share_without_fit
from jobs.estimation.users_limits import users_verdict, users_without_fit


def users_interval(relative, sensitivity=1000.0):
    return Interval(1000.0, 1000 * (1 - relative), 1000 * (1 + relative), sensitivity)


def share_interval(half, share=0.4, sensitivity=None):
    return Interval(share, share - half, share + half, share if sensitivity is None else sensitivity)


@pytest.mark.parametrize(
    ("relative", "status"), [(0.099, "publish"), (0.101, "caution"), (0.249, "caution"), (0.251, "bounds_only")]
)
def test_users_are_gated_by_relative_width(relative, status):
    assert users_verdict(users_interval(relative), "visitors").status == status


@pytest.mark.parametrize(
    ("half", "status"),
    [
        (0.0299, "publish"),
        (0.0301, "caution"),
        (0.0699, "caution"),
        (0.0701, "bounds_only"),
        (0.1499, "bounds_only"),
        (0.1501, "not_estimable"),
    ],
)
def test_shares_are_gated_by_points(half, status):
    assert share_verdict(share_interval(half)).status == status


@pytest.mark.parametrize(
    ("half", "share", "status"), [(0.02, 0.079, "caution"), (0.02, 0.081, "publish"), (0.02, 0.039, "bounds_only")]
)
def test_small_shares_are_gated_relative_to_themselves(half, share, status):
    assert share_verdict(share_interval(half, share)).status == status


def test_a_second_model_outside_the_interval_forbids_publishing():
    verdict = users_verdict(users_interval(0.05, sensitivity=1100.0), "visitors")
    assert verdict.status == "caution"
    assert "1100 visitors" in str(verdict.reason)
    assert share_verdict(share_interval(0.02, sensitivity=0.5)).status == "caution"


@pytest.mark.parametrize("rate", [0.01, 0.1])
def test_at_ten_percent_nothing_is_estimated(rate):
    users, share = users_without_fit(10**6, rate, "visitors"), share_without_fit(10**6, rate, "visitors")
    assert users is not None
    assert share is not None
    assert (users.status, share.status) == ("bounds_only", "not_estimable")
    assert percent(rate) in str(users.reason)


def test_under_thirty_seen_nothing_is_estimated():
    assert users_without_fit(30, 0.5, "visitors") is None
    assert share_without_fit(30, 0.5, "visitors") is None
    verdict = users_without_fit(29, 0.5, "reviewers")
    assert verdict is not None
    assert verdict.status == "bounds_only"
    assert "29 reviewers" in str(verdict.reason)
    refused = share_without_fit(29, 0.5, "visitors")
    assert refused is not None
    assert refused.status == "not_estimable"


def test_gates_are_settings():
    strict = Limits(users_publish=0.02, fewest_seen=50)
    assert users_verdict(users_interval(0.05), "visitors", strict).status == "caution"
    assert users_without_fit(40, 0.5, "visitors", strict) is not None


def test_published_verdicts_need_no_reason_and_others_are_one_sentence():
    assert users_verdict(users_interval(0.05), "visitors").reason is None
    for verdict in (
        users_verdict(users_interval(0.2), "visitors"),
        users_verdict(users_interval(0.5), "visitors"),
        share_verdict(share_interval(0.05)),
        share_verdict(share_interval(0.1)),
        share_verdict(share_interval(0.2)),
        share_without_fit(10, 0.5, "visitors"),
        users_without_fit(10, 0.05, "visitors"),
    ):
        assert re.fullmatch(r"[A-Z].*[^.]\.", str(verdict.reason)), verdict
        assert ". " not in str(verdict.reason)


@pytest.mark.parametrize(
    ("share", "text"), [(0.5, "50 %"), (0.1, "10 %"), (0.025, "2.5 %"), (0.02, "2 %"), (0.123, "12 %")]
)
def test_percentages_read_well(share, text):
    assert percent(share) == text
    assert points(0.06) == "6 pp"
    assert points(0.0003) == "0.1 pp"


def test_map_narrows_with_rate_and_users_and_is_exact_at_one():
    for family in ("users", "share"):
        by_rate = [expected_half_width(family, rate, 2000) for rate in (0.1, 0.22, 0.5, 0.7, 0.9, 1.0)]
        by_users = [expected_half_width(family, 0.5, n) for n in (150, 1000, 40_000)]
        assert by_rate == sorted(by_rate, reverse=True)
        assert by_users == sorted(by_users, reverse=True)
        assert by_rate[-1] == 0.0


def test_map_agrees_with_the_study_it_stands_for():
    """Half-widths of an earlier study, other code: 1,000 light visitors at 50 %: ±6 %; 20,000 at 10 %: ±39 %."""
    assert expected_half_width("users", 0.5, 1000) == pytest.approx(0.06, abs=0.01)
    assert expected_half_width("users", 0.1, 20_000) == pytest.approx(0.39, abs=0.02)
    assert expected_half_width("share", 0.1, 5000) > 0.3


def test_remedy_names_only_rates_that_help_and_ends_with_the_exact_one():
    text = remedy("share", 0.1, 2000)
    assert text.startswith("Keep usage at 100 %")
    assert text.endswith("at 100 %: exact")
    assert re.search(r"at 50 %: ±5 pp", text)
    assert "25 %:" not in text
    assert "50 %:" not in remedy("share", 0.5, 2000)
    assert "75 %:" in remedy("users", 0.5, 2000)
