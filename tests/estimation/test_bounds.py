"""Bounds that need no fit."""

import numpy as np
import pytest
from scipy import stats

from jobs.estimation.bounds import garwood_upper, two_day_bounds, users_bounds


@pytest.mark.parametrize("count", [0, 1, 7, 100])
def test_garwood_limit_leaves_the_stated_chance(count):
    """At a mean equal to the limit, a count this low has a chance of 2.5 %."""
    assert stats.poisson.cdf(count, garwood_upper(count)) == pytest.approx(0.025, rel=1e-6)


def test_nobody_seen_bounds_the_users_by_the_rule_of_three_point_seven():
    lower, upper = users_bounds(0, 0.5)
    assert lower == 0
    assert upper == pytest.approx(-np.log(0.025) / 0.5)


def test_users_bounds_hold_for_users_who_come_once_the_worst_case():
    rng = np.random.default_rng(1)
    held = [users_bounds(seen, 0.25)[1] >= 80 for seen in rng.binomial(80, 0.25, 4000)]
    assert np.mean(held) >= 0.975


def test_two_day_bounds_are_the_two_ratios():
    lower, upper = two_day_bounds(50, (400.0, 600.0), 0.5, None)
    assert lower == pytest.approx(50 / 600)
    assert upper == pytest.approx(garwood_upper(50) / 0.25 / 400)
    assert two_day_bounds(50, (400.0, 600.0), 0.5, 0.2) == (lower, 0.2)


def test_two_day_bounds_stay_within_none_and_all():
    assert two_day_bounds(0, (0.0, 0.0), 0.5, None) == (0.0, 1.0)
    assert two_day_bounds(90, (95.0, 100.0), 0.1, None)[1] == 1.0
    # A limit below the floor would be a contradiction; the floor is certain, so it wins.
    assert two_day_bounds(90, (95.0, 100.0), 0.5, 0.5) == (0.9, 0.9)
