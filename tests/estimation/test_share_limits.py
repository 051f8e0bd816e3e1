"""The limits of shares of users, threshold by threshold."""

import re

import pytest

from jobs.estimation.limits import Interval, Limits
from jobs.estimation.share_limits import blind_verdict, share_verdict, share_without_fit, spanning_verdict


def share_interval(half, share=0.4):
    return Interval(share, share - half, share + half)


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


@pytest.mark.parametrize("rate", [0.01, 0.1])
@pytest.mark.parametrize(("half", "status"), [(0.02, "bounds_only"), (0.1, "bounds_only"), (0.2, "not_estimable")])
def test_at_ten_percent_nothing_is_estimated(rate, half, status):
    verdict = blind_verdict(share_verdict(share_interval(half)), rate)
    assert verdict.status == status
    assert f"{round(100 * rate)} %" in str(verdict.reason)
    assert blind_verdict(share_verdict(share_interval(0.02)), 0.11).status == "publish"


def test_bounds_are_at_most_fifty_points_apart_whatever_is_set():
    wide = Limits(share_bounds=0.4)
    assert share_verdict(share_interval(0.249), wide).status == "bounds_only"
    refused = share_verdict(share_interval(0.251), wide)
    assert refused.status == "not_estimable"
    assert "at most ±25 pp" in str(refused.reason)


@pytest.mark.parametrize(("bias", "is_refused"), [(0.0039, False), (0.0041, True)])
def test_sessions_in_both_windows_are_held_against_the_interval(bias, is_refused):
    verdict = spanning_verdict(bias, 0.12, share_interval(0.02))
    assert (verdict is not None) == is_refused
    if verdict is not None:
        assert verdict.status == "not_estimable"
        assert "12 %" in str(verdict.reason)
        assert "sessions span both windows" in str(verdict.reason)


def test_under_thirty_seen_nothing_is_estimated():
    assert share_without_fit(30, "visitors") is None
    refused = share_without_fit(29, "visitors")
    assert refused is not None
    assert refused.status == "not_estimable"


def test_verdicts_on_shares_are_one_sentence():
    for verdict in (
        share_verdict(share_interval(0.05)),
        share_verdict(share_interval(0.1)),
        share_verdict(share_interval(0.2)),
        share_without_fit(10, "visitors"),
        spanning_verdict(0.1, 0.5, share_interval(0.02)),
    ):
        assert verdict is not None
        assert re.fullmatch(r"[A-Z].*[^.]\.", str(verdict.reason)), verdict
        assert ". " not in str(verdict.reason)
