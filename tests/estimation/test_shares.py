"""Shares of users: sessions in both windows, rates, what happened beside the process, fits that miss the counts."""

from dataclasses import asdict

import numpy as np
import pytest

from jobs.estimation.answers import restored
from jobs.estimation.shares import retention_estimate, unique_ctr_estimate


def grouped(*columns):
    data = np.stack(columns)
    rows, m = np.unique(data[:, data.any(axis=0)], axis=1, return_counts=True)
    return (*rows, m)


def rare_return(rng, n=12_000):
    """Newcomers, of whom 2 % return by another session and 3 % stay past midnight; others come later."""
    early = np.arange(n) < n // 2
    first = np.where(early, rng.geometric(0.6, n), 0)
    both = ((first > 0) & (rng.random(n) < 0.03)).astype(int)
    second = np.where(early & (rng.random(n) >= 0.02), 0, rng.geometric(0.5, n))
    return first - both, both, second


def kept(parts, rng, rate):
    """Thin sessions in the first window only, in both, in the second only; k1, k2, spanning, users."""
    only_first, both, only_second = (rng.binomial(part, rate) for part in parts)
    return grouped(only_first + both, only_second + both, both)


def truth_of(parts):
    only_first, both, only_second = parts
    return float((both + only_second > 0)[only_first + both > 0].mean())


@pytest.mark.parametrize("seed", range(1, 5))
def test_the_fewest_sessions_past_midnight_are_modelled(seed):
    """Under 1 % of all sessions, yet half of those who return: as two windows the fit misses them all."""
    rng = np.random.default_rng(seed)
    parts = rare_return(rng)
    k1, k2, spanning, m = kept(parts, rng, 0.5)
    assert (spanning @ m) / ((k1 + k2 - spanning) @ m) < 0.01
    answer = retention_estimate(k1, k2, m, 0.5, 0.5, spanning=spanning)
    assert answer.lower <= truth_of(parts) <= answer.upper
    apart = retention_estimate(k1, k2, m, 0.5, 0.5)
    assert apart.lower > truth_of(parts)


@pytest.mark.parametrize(("rate1", "rate2"), [(0.4, 0.4), (0.75, 0.5)])
def test_where_sessions_in_both_windows_are_not_modelled_their_bias_decides(rate1, rate2):
    rng = np.random.default_rng(6)
    k1, k2, spanning, m = kept(rare_return(rng), rng, min(rate1, rate2))
    refused = retention_estimate(k1, k2, m, rate1, rate2, spanning=spanning)
    assert refused.status == "not_estimable"
    assert "sessions span both windows" in refused.status_reason
    first, second = 1 + rng.poisson(2, 3000), np.where(rng.random(3000) < 0.4, 1 + rng.poisson(2, 3000), 0)
    k1, k2, m = grouped(rng.binomial(first, rate1), rng.binomial(second, rate2))
    k1, k2, m, one = np.append(k1, 1), np.append(k2, 1), np.append(m, 1), np.append(0 * m, 1)
    assert retention_estimate(k1, k2, m, rate1, rate2, spanning=one).status != "not_estimable"


def test_beside_a_whole_window_sessions_in_both_do_no_harm():
    rng = np.random.default_rng(7)
    parts = rare_return(rng)
    k1, k2, spanning, m = kept(parts, rng, 0.5)
    answer = retention_estimate((k1 > 0).astype(int), k2, m, 1.0, 0.5, spanning=spanning)
    assert answer.estimator == "npmle_retention"


def test_two_windows_of_different_rates_are_estimated():
    rng = np.random.default_rng(8)
    first, second = 1 + rng.poisson(2, 4000), np.where(rng.random(4000) < 0.4, 1 + rng.poisson(2, 4000), 0)
    k1, k2, m = grouped(rng.binomial(first, 0.5), rng.binomial(second, 0.75))
    answer = retention_estimate(k1, k2, m, 0.5, 0.75)
    assert answer.status in ("publish", "caution")
    assert answer.lower <= (second > 0).mean() <= answer.upper


@pytest.mark.parametrize(("n", "rate", "is_narrower"), [(2000, 0.75, True), (2000, 0.7, False), (80, 0.75, False)])
def test_what_happened_is_known_better_than_the_process(n, rate, is_narrower):
    rng = np.random.default_rng(9)
    first, second = 1 + rng.poisson(1.5, n), np.where(rng.random(n) < 0.4, 1 + rng.poisson(1.5, n), 0)
    k1, k2, m = grouped(rng.binomial(first, rate), rng.binomial(second, rate))
    answer = retention_estimate(k1, k2, m, rate, rate)
    assert answer.lower <= (second > 0).mean() <= answer.upper
    width, whole = answer.upper - answer.lower, answer.process.upper - answer.process.lower
    assert answer.process.lower <= 0.4 <= answer.process.upper
    if is_narrower:
        assert whole / 3 <= width < 0.75 * whole
    else:
        assert width == whole


def test_a_remedy_says_how_well_the_process_would_be_known_at_full_rate():
    rng = np.random.default_rng(15)
    first, second = 1 + rng.poisson(1.5, 400), np.where(rng.random(400) < 0.4, 1 + rng.poisson(1.5, 400), 0)
    k1, k2, m = grouped(rng.binomial(first, 0.5), rng.binomial(second, 0.5))
    answer = retention_estimate(k1, k2, m, 0.5, 0.5)
    assert answer.remedy.endswith("at 100 %: exact")
    assert answer.process.remedy.endswith("at 100 %: ±5 pp")


def test_where_nobody_is_missed_a_third_of_the_interval_is_kept():
    """Everybody comes twenty times: the difference of two large variances is noise."""
    rng = np.random.default_rng(10)
    second = np.where(rng.random(3000) < 0.4, 20, 0)
    k1, k2, m = grouped(rng.binomial(20, 0.9, 3000), rng.binomial(second, 0.9))
    answer = retention_estimate(k1, k2, m, 0.9, 0.9)
    assert answer.upper - answer.lower == pytest.approx((answer.process.upper - answer.process.lower) / 3)
    assert answer.lower <= (second > 0).mean() <= answer.upper


def test_a_unique_rate_of_what_happened_is_narrower_too():
    rng = np.random.default_rng(11)
    n = 1 + rng.poisson(2, 3000)
    clicks = rng.binomial(n, 0.2)
    k1, k2, m = grouped(rng.binomial(clicks, 0.8), rng.binomial(n - clicks, 0.8))
    answer = unique_ctr_estimate(k1, k2, m, 0.8)
    assert answer.upper - answer.lower < answer.process.upper - answer.process.lower
    assert answer.lower <= (clicks > 0).mean() <= answer.upper


def test_an_answer_survives_being_written_down():
    rng = np.random.default_rng(12)
    first, second = 1 + rng.poisson(2, 2000), rng.poisson(1, 2000)
    k1, k2, m = grouped(rng.binomial(first, 0.8), rng.binomial(second, 0.8))
    answer = retention_estimate(k1, k2, m, 0.8, 0.8)
    assert restored(asdict(answer)) == answer


def test_units_that_came_twice_are_noticed_however_narrow_the_interval():
    rng = np.random.default_rng(13)
    second = np.where(rng.random(6000) < 0.4, 1, 0)
    once = rng.binomial(1, 0.75, 6000), rng.binomial(second, 0.75)
    clean = retention_estimate(*grouped(*once)[:2], grouped(*once)[2], 0.75, 0.75)
    k1, k2, m = grouped(2 * once[0], 2 * once[1])
    twice = retention_estimate(k1, k2, m, 0.75, 0.75)
    assert clean.status == "publish"
    assert twice.status == "caution"
    assert twice.status_reason.startswith("No population of visitors explains")
    assert twice.misfit < 1e-3 < clean.misfit


def test_the_smoother_model_knows_people_who_come_once():
    """10,000 users with one visit a window: without them among its types it is off by several points."""
    rng = np.random.default_rng(14)
    second = (rng.random(10_000) < 0.5).astype(int)
    k1, k2, m = grouped(rng.binomial(1, 0.4, 10_000), rng.binomial(second, 0.4))
    answer = retention_estimate(k1, k2, m, 0.4, 0.4)
    assert answer.lower <= answer.alternative <= answer.upper


def test_an_odd_habit_is_no_misfit():
    """Everybody comes exactly eleven times, which is not among the types of a fit: a finer grid knows it."""
    rng = np.random.default_rng(16)
    second = np.where(rng.random(10_000) < 0.4, 11, 0)
    k1, k2, m = grouped(rng.binomial(11, 0.9, 10_000), rng.binomial(second, 0.9))
    answer = retention_estimate(k1, k2, m, 0.9, 0.9)
    assert (answer.status, answer.misfit > 1e-3) == ("publish", True)
