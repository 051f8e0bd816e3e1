"""Bounds that need no fit."""

import numpy as np
import pytest
from scipy import stats

from jobs.estimation.bounds import light_users_upper, two_day_bounds, users_bounds


@pytest.mark.parametrize(("seen", "rate"), [(0, 0.5), (1, 0.1), (7, 0.25), (13, 0.9), (25, 0.5)])
def test_users_bounds_leave_the_stated_chance(seen, rate):
    """Of so many users who came once, so few are seen with a chance of 2.5 %; of one fewer, more often."""
    upper = users_bounds(seen, rate)[1]
    assert stats.binom.cdf(seen, np.ceil(upper), rate) <= 0.025 <= stats.binom.cdf(seen, np.floor(upper), rate)


def test_nobody_seen_bounds_the_users():
    lower, upper = users_bounds(0, 0.5)
    assert lower == 0
    assert upper == pytest.approx(np.log(0.025) / np.log(0.5))


def test_at_a_high_rate_the_bounds_of_a_handful_are_close():
    """13 of 15 seen at 90 %: a Poisson limit would allow 24 users."""
    assert users_bounds(13, 0.9)[1] == pytest.approx(18.1, abs=0.1)
    assert users_bounds(20, 1.0) == (20, 20)


def test_users_bounds_hold_for_users_who_come_once_the_worst_case():
    rng = np.random.default_rng(1)
    held = [users_bounds(seen, 0.25)[1] >= 80 for seen in rng.binomial(80, 0.25, 4000)]
    assert np.mean(held) >= 0.975


def test_users_seen_once_bound_the_missed_ones():
    assert light_users_upper(60, 4, 0.25) == pytest.approx(56 + users_bounds(4, 0.25)[1])
    assert light_users_upper(60, 0, 1.0) == 60


def test_two_day_bounds_are_the_two_ratios():
    lower, upper = two_day_bounds(50, (400.0, 600.0), 0.5, None)
    assert lower == pytest.approx(50 / 600)
    assert upper == pytest.approx(users_bounds(50, 0.25)[1] / 400)
    assert two_day_bounds(50, (400.0, 600.0), 0.5, 0.2) == (lower, 0.2)


def test_few_seen_on_two_days_of_nearly_all_kept_are_bounded_closely():
    """18 of 20 reviewers of two days are seen on both at 95 %: a Poisson limit would allow 31, of 100 visitors."""
    assert two_day_bounds(18, (100.0, 104.0), 0.95, None)[1] < 0.25


def test_two_day_bounds_stay_within_none_and_all():
    assert two_day_bounds(0, (0.0, 0.0), 0.5, None) == (0.0, 1.0)
    assert two_day_bounds(90, (95.0, 100.0), 0.1, None)[1] == 1.0
    # A limit below the floor would be a contradiction; the floor is certain, so it wins.
    assert two_day_bounds(90, (95.0, 100.0), 0.5, 0.5) == (0.9, 0.9)
