"""What `plan-sampling` may promise of people: the fits and gates of the pipeline, on the data a scenario leads to.

How often each editor comes is taken as Poisson with a gamma-distributed mean, of the scenario's volume and variation.
The table of kept units this shows on average goes through the very functions that make published rows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from jobs.estimation.answers import PeopleEstimate
from jobs.estimation.gate import DEFAULT_GATES, Gates
from jobs.estimation.people import retention_estimate, users_estimate
from jobs.estimation.planning import USAGE, Expectation, Scenario, Setting

Array = NDArray[np.float64]

WEEK = 7
LARGEST = 200  # counts of kept units beyond it are added to it
MEANS = 200  # points that stand for the gamma law of the editors' means


def plan_people(scenario: Scenario, setting: Setting, gates: Gates = DEFAULT_GATES) -> tuple[Expectation, ...]:
    """Expect visitors of the window and the two-week return rate.

    Args:
        scenario: the wiki and what is assumed.
        setting: sampling unit and rate.
        gates: thresholds of the people metrics.

    Returns:
        One realised expectation per metric.
    """
    means = _units_per_day(scenario, setting.unit)
    visitors = _expected_visitors(means * scenario.window_days, scenario.users, setting.rate, gates)
    returning = _expected_return(means * WEEK, scenario.users, setting.rate, gates)
    answers = (("dashboard_visitors", visitors), ("two_week_return_rate", returning))
    return tuple(
        Expectation(name, USAGE, "realised", _half_width(answer), answer.status, answer.status_reason or "")
        for name, answer in answers
    )


def _units_per_day(scenario: Scenario, unit: str) -> Array:
    """Give the mean units a day (dashboard loads or sessions with one) of `MEANS` equally frequent kinds of editors."""
    size = scenario.loads_per_session if unit == "session" else 1.0
    mean = scenario.loads_per_day / size / scenario.users
    if scenario.activity_variation == 0:
        return np.full(MEANS, mean)
    shape = 1 / scenario.activity_variation
    quantiles = special.gammaincinv(shape, (np.arange(MEANS) + 0.5) / MEANS) / shape
    return np.asarray(mean * quantiles / quantiles.mean(), dtype=np.float64)


def _kept(means: Array, rate: float) -> Array:
    """Give the probability of each number of kept units, 0..LARGEST, of each kind of editor: counts x kinds."""
    pmf = stats.poisson.pmf(np.arange(LARGEST + 1)[:, None], rate * means[None, :])
    cells = np.asarray(pmf, dtype=np.float64)
    cells[-1] += 1 - cells.sum(axis=0)
    return np.maximum(cells, 0.0)


def _expected_visitors(means: Array, users: float, rate: float, gates: Gates) -> PeopleEstimate:
    """Estimate visitors from the table to be expected."""
    m = users * _kept(means, rate)[1:].mean(axis=1)
    k = np.arange(1, LARGEST + 1)
    keep = k <= max(int(np.flatnonzero(np.cumsum(m[::-1])[::-1] >= 0.5).max(initial=0)) + 1, 1)
    return users_estimate(k[keep], m[keep], rate, gates=gates)


def _expected_return(means: Array, users: float, rate: float, gates: Gates) -> PeopleEstimate:
    """Estimate the return share from the table to be expected: both weeks alike, the same kinds of editors."""
    kept = _kept(means, rate)
    table = users / MEANS * kept @ kept.T
    table[0, 0] = 0.0
    k1, k2 = np.nonzero(table > 1e-6)
    return retention_estimate(k1, k2, table[k1, k2], rate, rate, gates=gates)


def _half_width(answer: PeopleEstimate) -> float:
    """Give half of the interval's length over the estimate; NaN where none is shown."""
    if answer.estimate is None or answer.lower is None or answer.upper is None or answer.estimate <= 0:
        return float("nan")
    return (answer.upper - answer.lower) / 2 / answer.estimate
