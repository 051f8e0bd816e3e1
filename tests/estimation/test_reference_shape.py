"""Users with the law of visits of a 100 % window: what it gains, what it survives, and when it gives way."""

import numpy as np
import pytest

from jobs.estimation import reference_shape
from jobs.estimation.fits import ESTIMATORS
from jobs.estimation.people import users_estimate
from jobs.estimation.reference_shape import reference_fit, reference_users_estimate

WINDOW = "1 to 28 March 2026"


def at_least_one(rng, mean):
    units = rng.poisson(mean)
    while not units.all():
        units = np.where(units == 0, rng.poisson(mean), units)
    return units


def gamma(rng, n, mean=6.0):
    return at_least_one(rng, rng.gamma(0.6, mean / 0.6, n) + 0.01)


def lognormal(rng, n, mean=1.0):
    return at_least_one(rng, np.exp(rng.normal(mean, 1.0, n)))


def table(units):
    return np.unique(units[units > 0], return_counts=True)


def test_a_reference_window_makes_a_number_of_what_was_bounds():
    rng = np.random.default_rng(1)
    k, m = table(rng.binomial(gamma(rng, 3000), 0.1))
    plain = users_estimate(k, m, 0.1)
    answer = reference_users_estimate(k, m, 0.1, *table(gamma(rng, 3000)), WINDOW)
    assert (plain.status, answer.status, answer.estimator) == ("bounds_only", "caution", "npmle_reference")
    assert answer.lower <= 3000 <= answer.upper
    assert answer.upper - answer.lower < 0.5 * (plain.upper - plain.lower)
    assert WINDOW in answer.status_reason
    assert "15 % more one-time visitors" in answer.status_reason
    assert f"not {answer.estimate:.0f}" in answer.status_reason
    assert answer.naive == plain.naive
    assert answer.remedy


def drifted(law, drift):
    rng = np.random.default_rng(2)
    worlds = [(table(rng.binomial(law(rng, 2000, drift), 0.1)), table(law(rng, 2000))) for _ in range(8)]
    return [reference_fit(*seen, 0.1, *reference, 30.0) for seen, reference in worlds]


@pytest.mark.parametrize(("law", "drift"), [(gamma, 6 * np.exp(0.5)), (gamma, 6 * np.exp(-0.5)), (lognormal, 0.5)])
def test_a_drift_of_the_mean_is_covered(law, drift):
    fits = drifted(law, drift)
    assert sum(fit.lower <= 2000 <= fit.upper for fit in fits) >= 6
    assert np.mean([fit.estimate for fit in fits]) == pytest.approx(2000, rel=0.06)


def test_without_the_tilt_a_drift_is_a_bias(monkeypatch):
    monkeypatch.setattr(reference_shape, "DRIFT", 1e-3)
    assert np.mean([fit.estimate for fit in drifted(lognormal, 0.5)]) < 0.9 * 2000


def test_counts_of_another_kind_refute_the_law_and_bounds_stand():
    rng = np.random.default_rng(3)
    k, m = table(rng.binomial(np.minimum(rng.zipf(2.0, 3000), 2000), 0.1))
    reference = table(gamma(rng, 3000))
    assert reference_fit(k, m, 0.1, *reference, 30.0).conflicts
    assert reference_users_estimate(k, m, 0.1, *reference, WINDOW) == users_estimate(k, m, 0.1)


def test_a_tilt_no_drift_explains_refutes_the_law():
    """Light visitors against a gamma law: at 10 % the tilted law meets the counts, but has to be bent too far."""
    rng = np.random.default_rng(8)
    k, m = table(rng.binomial(rng.geometric(0.5, 3000), 0.1))
    fit = reference_fit(k, m, 0.1, *table(gamma(rng, 3000)), 30.0)
    assert fit.agreement > 0.01
    assert fit.conflicts


def test_counts_of_the_same_law_do_not_refute_it():
    rng = np.random.default_rng(4)
    for _ in range(6):
        k, m = table(rng.binomial(gamma(rng, 2000), 0.1))
        assert not reference_fit(k, m, 0.1, *table(gamma(rng, 2000)), 30.0).conflicts


@pytest.mark.parametrize(("n", "rate", "status"), [(3000, 0.5, "publish"), (3000, 1.0, "publish"), (20, 0.5, None)])
def test_what_the_counts_alone_allow_stands(n, rate, status):
    """A firm number needs no assumption; of a handful no law helps."""
    rng = np.random.default_rng(5)
    k, m = table(rng.binomial(gamma(rng, n), rate))
    answer = reference_users_estimate(k, m, rate, *table(gamma(rng, 3000)), WINDOW)
    assert answer == users_estimate(k, m, rate)
    assert status is None or answer.status == status


def test_a_wider_gate_than_the_law_allows_leaves_bounds():
    rng = np.random.default_rng(6)
    k, m = table(rng.binomial(gamma(rng, 3000), 0.1))
    reference = table(gamma(rng, 3000))
    assert reference_users_estimate(k, m, 0.1, *reference, WINDOW, n0=0.1).status == "bounds_only"
    empty = np.array([], dtype=np.int64)
    assert reference_users_estimate(k, m, 0.1, empty, empty, WINDOW) == users_estimate(k, m, 0.1)


def test_more_one_time_users_mean_more_users():
    rng = np.random.default_rng(7)
    fit = reference_fit(*table(rng.binomial(gamma(rng, 3000), 0.1)), 0.1, *table(gamma(rng, 3000)), 30.0)
    assert fit.estimate < fit.more_once < 1.15 * fit.estimate


def test_a_fit_can_name_it():
    assert ESTIMATORS["reference_users_estimate"] is reference_users_estimate
