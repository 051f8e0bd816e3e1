"""Intervals: against scipy's own, at their edges, and by exact coverage."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from jobs.estimation.intervals import Z95, binomial_inversion, log_above_floor, log_ratio_interval, wilson


def test_wilson_equals_scipy():
    hits, n = np.array([0, 1, 7, 50, 99, 100]), np.full(6, 100)
    lower, upper = wilson(hits, n)
    for i, k in enumerate(hits):
        expected = stats.binomtest(int(k), 100).proportion_ci(0.95, method="wilson")
        assert (lower[i], upper[i]) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_wilson_edges():
    lower, upper = wilson([0, 5, 0], [10, 5, 0])
    assert lower[0] == 0
    assert upper[0] == pytest.approx(Z95**2 / (10 + Z95**2))
    assert upper[1] == 1
    assert (lower[2], upper[2]) == (0, 1)


def test_wilson_with_a_design_effect_is_that_of_the_smaller_sample():
    assert wilson([30], [100], [50])[0][0] == pytest.approx(wilson([15], [50])[0][0])


def test_log_ratio_interval_edges():
    lower, upper = log_ratio_interval([0.1, 0.1, 0.0, 0.1, 1e-9], [0.01, 0.0, 0.1, np.nan, 1e9])
    assert (lower[0] * upper[0]) == pytest.approx(0.01)
    assert upper[0] == pytest.approx(0.1 * np.exp(Z95 * 0.1))
    assert (lower[1], upper[1]) == (0.1, 0.1)
    assert lower[2] == 0
    assert np.isnan(upper[[2, 3, 4]]).all()


def test_log_above_floor_edges():
    lower, upper = log_above_floor([100, 50, 100], [20, 20, 0], [10, 50, 10])
    assert 10 < lower[0] < 100 < upper[0]
    assert (lower[0] - 10) * (upper[0] - 10) == pytest.approx(90**2)
    assert (lower[1], upper[1]) == (50, 50)
    assert (lower[2], upper[2]) == (100, 100)


def test_inversion_of_nothing_kept():
    lower, upper = binomial_inversion([0], [0.1])
    assert lower[0] == 0
    assert upper[0] == pytest.approx(np.log(0.025) / np.log(0.9))


def test_inversion_at_rate_one_is_exact():
    lower, upper = binomial_inversion([7, 0], [1.0, 1.0])
    assert lower.tolist() == upper.tolist() == [7, 0]


@settings(deadline=None)
@given(st.integers(0, 80), st.sampled_from([0.001, 0.01, 0.1, 0.25, 0.5, 0.9]))
def test_inversion_limits_are_where_the_tails_are_a_fortieth(kept, rate):
    lower, upper = (float(end[0]) for end in binomial_inversion([kept], [rate]))
    inside, outside = int(np.floor(upper)), int(np.floor(upper)) + 1
    assert stats.binom.cdf(kept, inside, rate) >= 0.025 - 1e-9
    assert stats.binom.cdf(kept, outside, rate) <= 0.025 + 1e-9
    assert lower >= kept
    if lower > kept:
        assert stats.binom.sf(kept - 1, int(np.ceil(lower)), rate) >= 0.025 - 1e-9
        assert stats.binom.sf(kept - 1, int(np.floor(lower)), rate) <= 0.025 + 1e-9


@pytest.mark.parametrize("rate", [0.05, 0.1, 0.25, 0.5])
@pytest.mark.parametrize("total", [1, 3, 10, 40, 100])
def test_inversion_covers_by_exact_summation(rate, total):
    kept = np.arange(total + 1)
    lower, upper = binomial_inversion(kept, np.full(total + 1, rate))
    covered = (lower <= total) & (total <= upper)
    assert stats.binom.pmf(kept, total, rate)[covered].sum() >= 0.95
