"""Shares over two margins: return, unions, sessions that span."""

import numpy as np
import pytest

from jobs.estimation.kernels import joint, known_margin, sampled_margin, spread, with_certain_cell
from jobs.estimation.retention import Side, return_problem, share_fit, share_point, spanning_problem, union_problem


def grouped(*columns):
    data = np.stack(columns)
    rows, m = np.unique(data[:, data.any(axis=0)], axis=1, return_counts=True)
    return (*rows, m.astype(float))


def cohort(rng, n=3000, chance=0.4):
    first = 1 + rng.poisson(2, n)
    return first, np.where(rng.random(n) < chance, 1 + rng.poisson(2, n), 0)


def test_joint_kernel_and_functionals_share_one_order():
    margins = [sampled_margin(0.5, 3), known_margin()]
    kernel = joint(margins)
    first, second = spread(margins, [margin.present for margin in margins])
    assert kernel.shape[1] == len(first) == len(second)
    np.testing.assert_allclose(kernel.sum(axis=0), 1.0)
    # Types absent in both windows leave no trace: all their mass is in cell 0.
    np.testing.assert_allclose(kernel[0, (first == 0) & (second == 0)], 1.0)
    # Types present in the fully kept window are never in a cell without it.
    assert kernel.reshape(-1, 2, kernel.shape[1])[:, 0, second == 1].max() == 0.0


def test_certain_cell_is_reached_by_its_type_only():
    margin = with_certain_cell(sampled_margin(0.1, 5))
    assert margin.kernel[-1, -1] == 1.0
    assert margin.kernel[-1, :-1].max() == 0.0
    assert margin.kernel[:-1, -1].max() == 0.0
    assert margin.present[-1] == 1.0


@pytest.mark.parametrize(("rate1", "rate2"), [(0.5, 0.5), (0.75, 0.5), (0.5, 1.0), (1.0, 0.5)])
def test_return_share_is_recovered(rate1, rate2):
    rng = np.random.default_rng(int(100 * rate1 + rate2))
    first, second = cohort(rng)
    k1, k2, m = grouped(rng.binomial(first, rate1), rng.binomial(second, rate2))
    fit = share_fit(return_problem(Side(k1, rate1), Side(k2, rate2), m))
    truth = float((second > 0).mean())
    assert fit.lower <= truth <= fit.upper
    assert fit.estimate == pytest.approx(truth, abs=0.05)
    assert fit.certificate < 1e-3


def test_everything_kept_in_both_windows_gives_the_plain_share():
    rng = np.random.default_rng(9)
    first, second = cohort(rng)
    k1, k2, m = grouped(first, second)
    assert share_point(return_problem(Side(k1, 1.0), Side(k2, 1.0), m)) == pytest.approx((second > 0).mean(), abs=1e-4)


def test_users_seen_for_certain_narrow_the_interval():
    """A 100 % segment in the first window tells who was there."""
    rng = np.random.default_rng(11)
    first, second = cohort(rng, 2000)
    certain = rng.random(2000) < 0.6
    k1, k2, sure, m = grouped(rng.binomial(first, 0.4), rng.binomial(second, 0.4), certain.astype(int))
    with_it = share_fit(return_problem(Side(k1, 0.4, sure > 0), Side(k2, 0.4), m))
    seen = (k1 > 0) | (k2 > 0)
    without = share_fit(return_problem(Side(k1[seen], 0.4), Side(k2[seen], 0.4), m[seen]))
    truth = float((second > 0).mean())
    assert with_it.lower <= truth <= with_it.upper
    assert with_it.upper - with_it.lower < without.upper - without.lower


def test_union_share_counts_users_with_one_and_with_two_units():
    rng = np.random.default_rng(12)
    n = 1 + rng.poisson(3, 4000)
    clicks = rng.binomial(n, 0.2)
    k1, k2, m = grouped(rng.binomial(clicks, 0.6), rng.binomial(n - clicks, 0.6))
    one = share_fit(union_problem(Side(k1, 0.6), Side(k2, 0.6), m))
    two = share_fit(union_problem(Side(k1, 0.6), Side(k2, 0.6), m, at_least=2))
    assert one.lower <= (clicks >= 1).mean() <= one.upper
    assert two.lower <= (clicks >= 2).mean() <= two.upper
    assert two.upper < one.lower


def test_sessions_in_both_windows_need_three_margins():
    """With spanning sessions the two-margin fit is far off, the three-margin fit covers."""
    rng = np.random.default_rng(13)
    n = 4000
    first, second = rng.poisson(0.7, n), np.where(rng.random(n) < 0.3, rng.poisson(1.0, n), 0)
    both = (rng.random(n) < 0.25).astype(int)
    truth = float(((both > 0) | ((first > 0) & (second > 0))).sum() / ((both > 0) | (first > 0)).sum())
    kept = [rng.binomial(part, 0.5) for part in (first, both, second)]
    a, s, b, m = grouped(*kept)
    apart = share_fit(spanning_problem(a, s, b, m, 0.5))
    pooled = share_fit(return_problem(Side(a + s, 0.5), Side(b + s, 0.5), m))
    assert apart.lower <= truth <= apart.upper
    assert pooled.lower > truth
