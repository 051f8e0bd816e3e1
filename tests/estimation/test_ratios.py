"""Ratios: variance by enumeration, exact at rate 1, honest where nothing varied or few were kept."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from jobs.estimation.ratios import PairSums, clustered_ratio, design_ratio, with_sampling
from jobs.estimation.regimes import regime_sums
from jobs.estimation.totals_limits import ctr_reason

CLUSTERS = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 6)), max_size=60)
ENTRIES = st.lists(st.tuples(st.sampled_from([0.1, 0.25, 0.5, 1.0]), CLUSTERS), min_size=1, max_size=4)


def design(*entries, proportion=False):
    """The ratio of clusters given as (rate, [(y, x), ...])."""
    sums = PairSums(*np.array([moments(clusters) for _, clusters in entries]).reshape(len(entries), 5).T)
    return design_ratio(regime_sums([0] * len(entries), [rate for rate, _ in entries], 1, sums), proportion)


def moments(clusters):
    """Sum y, sum x, sum y^2, sum xy, sum x^2."""
    y, x = np.array(clusters, dtype=float).reshape(-1, 2).T
    return y.sum(), x.sum(), y @ y, x @ y, x @ x


def process(clusters, n=None, proportion=False):
    return clustered_ratio(n or len(clusters), PairSums(*moments(clusters)), proportion)


def test_variance_of_the_ratio_is_right_to_first_order_by_enumeration():
    # A linearisation needs many clusters: 60 of each of two kinds, over every pair of kept numbers.
    p, kinds, n = 0.5, ((0, 2), (1, 3)), 60
    kept = np.arange(n + 1)
    probability = stats.binom.pmf(kept, n, p)
    mean = second = variance = 0.0
    for a, b in product(kept, kept):
        if a + b == 0:
            continue
        clusters = [kinds[0]] * a + [kinds[1]] * b
        result = design((p, clusters))
        weight = probability[a] * probability[b]
        mean += weight * result.estimate[0]
        second += weight * result.estimate[0] ** 2
        variance += weight * result.se[0] ** 2
    assert mean == pytest.approx(1 / 5, rel=0.002)
    assert variance == pytest.approx(second - mean**2, rel=0.06)


@given(CLUSTERS)
def test_rate_one_is_exact(clusters):
    result = design((1.0, clusters))
    if not clusters:
        assert np.isnan(result.estimate[0])
    else:
        assert result.lower[0] == result.estimate[0] == result.upper[0]
        assert result.se[0] == 0


def test_one_rate_uses_the_log_interval():
    result = design((0.1, [(0, 2)] * 200 + [(1, 2)] * 60))
    assert result.lower[0] * result.upper[0] == pytest.approx(result.estimate[0] ** 2)


@settings(deadline=None)
@given(ENTRIES, st.booleans())
def test_limits_contain_the_estimate(entries, proportion):
    if proportion:
        entries = [(rate, [(min(y, x), x) for y, x in clusters]) for rate, clusters in entries]
    result = design(*entries, proportion=proportion)
    if np.isnan(result.estimate[0]):
        assert np.isnan([result.lower[0], result.upper[0], result.se[0]]).all()
    else:
        assert 0 <= result.lower[0] <= result.estimate[0] * (1 + 1e-12)
        assert result.estimate[0] <= result.upper[0] * (1 + 1e-12)
        assert not proportion or result.upper[0] <= 1 + 1e-12


@settings(deadline=None)
@given(CLUSTERS, st.sampled_from([0.1, 0.5]))
def test_one_rate_for_all_leaves_the_ratio_alone(clusters, rate):
    sampled, whole = design((rate, clusters)), design((1.0, clusters))
    assert sampled.estimate[0] == pytest.approx(whole.estimate[0], nan_ok=True)


def test_zero_numerator_has_an_upper_limit_that_covers():
    result = design((0.1, [(0, 1)] * 100))
    assert (result.estimate[0], result.lower[0]) == (0, 0)
    # Had every twentieth unit a click, 100 kept ones without any would be a one in 170 event.
    assert 0.03 < result.upper[0] < 0.06


def test_no_residuals_are_not_certainty():
    matched = design((0.1, [(1, 1)] * 40), proportion=True)
    assert (matched.estimate[0], matched.upper[0]) == (1, 1)
    assert 0.8 < matched.lower[0] < 0.95
    overall = design((0.1, [(1, 1)] * 40))
    assert overall.upper[0] > 1.05


def test_a_nearly_silent_sampled_stretch_keeps_its_uncertainty():
    # 60 clicks counted at rate 1, none among 100 pageviews kept at a tenth: the log scale alone would claim certainty.
    counted = [(1, 2)] * 60 + [(0, 2)] * 2000
    result = design((1.0, counted), (0.1, [(0, 2)] * 100))
    ratio = result.estimate[0]
    assert ratio == pytest.approx(60 / (4120 + 2000))
    # 35 clicks could have been missed.
    assert result.upper[0] > ratio * 1.4
    assert result.lower[0] > ratio * 0.8


def test_mixed_rates_cover():
    rng = np.random.default_rng(5)
    n, worlds, rate, ctr = 4000, 1500, 0.1, 0.01
    sampled = np.arange(n) < n // 3
    rows, sums = [], []
    truth = np.empty(worlds)
    for world in range(worlds):
        y = rng.random(n) < ctr
        truth[world] = y.mean()
        kept = rng.random(n) < rate
        for which in (sampled & kept, ~sampled):
            clicks, shown = y[which].sum(), which.sum()
            sums.append((clicks, shown, clicks, clicks, shown))
        rows += [world, world]
    result = design_ratio(regime_sums(rows, [rate, 1.0] * worlds, worlds, PairSums(*np.array(sums).T)))
    covered = (result.lower <= truth) & (truth <= result.upper)
    assert 0.94 < covered.mean() < 0.995


def test_user_clustering_sees_that_few_users_make_the_clicks():
    even = process([(1, 20)] * 60 + [(0, 20)] * 60)
    few = process([(20, 20)] * 3 + [(0, 20)] * 117)
    assert even.estimate[0] == few.estimate[0]
    assert few.se[0] > 3 * even.se[0]
    assert few.upper[0] / few.estimate[0] > even.upper[0] / even.estimate[0]


def test_users_with_zeros_belong_to_the_design():
    without, with_zeros = process([(1, 4), (2, 9), (0, 3)]), process([(1, 4), (2, 9), (0, 3), *[(0, 0)] * 97])
    assert with_zeros.estimate[0] == without.estimate[0]
    assert with_zeros.se[0] == pytest.approx(without.se[0] * np.sqrt((100 / 99) / (3 / 2)))


def test_process_edges():
    nobody = process([(0, 5)] * 50)
    assert (nobody.estimate[0], nobody.lower[0]) == (0, 0)
    assert nobody.upper[0] == pytest.approx(1.959963984540054**2 / (50 + 1.959963984540054**2))
    one = process([(1, 4)])
    assert np.isnan(one.se[0])
    assert one.lower[0] < 0.25 < one.upper[0]
    everyone = process([(5, 5)] * 30, proportion=True)
    assert (everyone.estimate[0], everyone.upper[0]) == (1, 1)
    assert everyone.lower[0] < 0.95
    assert np.isnan(process([(0, 0)]).estimate[0])


@settings(deadline=None)
@given(CLUSTERS.filter(bool))
def test_process_limits_contain_the_estimate(clusters):
    result = process(clusters)
    assert 0 <= result.lower[0] <= result.estimate[0] * (1 + 1e-12)
    assert result.estimate[0] <= result.upper[0] * (1 + 1e-12)


@pytest.mark.parametrize(
    ("clicks", "users", "status"),
    [(30, 10, "publish"), (29, 10, "caution"), (30, 9, "caution"), (30, np.nan, "publish"), (29, np.nan, "caution")],
)
def test_few_clicks_or_clicking_users_are_caution(clicks, users, status):
    assert bool(ctr_reason([clicks], [users])[0]) == (status == "caution")


def test_without_user_ids_clicks_decide():
    assert ctr_reason([30])[0] == ""
    assert ctr_reason([29])[0].startswith("fewer than 30 clicks")


def test_a_rate_is_caution_beyond_a_quarter_or_under_thirty_sessions():
    widths, sessions = [0.25, 0.26, np.nan, 0.1], [np.nan, np.nan, 29, 30]
    assert [bool(told) for told in ctr_reason([99] * 4, [99] * 4, widths, sessions)] == [False, True, True, False]
    reasons = ctr_reason([99, 99, 29], [99, 99, 99], [0.264, np.nan, 0.9], [np.nan, 12, 12])
    assert reasons[0] == "the interval is ±26 % wide, more than ±25 %"
    assert reasons[1] == "only 12 sessions were kept, fewer than 30: a few decide"
    assert reasons[2].startswith("fewer than 30 clicks")


def test_users_who_see_nearly_everything_cost_degrees_of_freedom():
    even = process([(1, 4), (0, 4), (1, 4), (0, 4)] * 30)
    uneven = process([(20, 900), (30, 700), *[(1, 4), (0, 4)] * 30])
    spread = [np.log(r.upper[0] / r.estimate[0]) / (r.se[0] / r.estimate[0]) for r in (even, uneven)]
    assert spread[0] < 2.05
    assert spread[1] > 3


def test_a_process_is_no_better_known_than_what_happened():
    # One kept unit of a stretch at 1 % has a hundredfold weight: had it been missed, no user would tell.
    kept = [(1.0, [(1, 2)] * 200), (0.01, [(0, 1)])]
    realised, users = design(*kept), process([(1, 2)] * 100 + [(1, 3)] * 100)
    assert realised.upper[0] > users.upper[0]
    both = with_sampling(users, realised)
    assert (both.upper[0], both.estimate[0]) == (realised.upper[0], users.estimate[0])
    assert both.lower[0] == min(realised.lower[0], users.lower[0])
