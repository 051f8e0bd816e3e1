"""How many users there were, if they come as often as in a window where nothing was sampled (`npmle_reference`).

At a low rate the counts alone say next to nothing of how many users were missed. A 100 % window of the same wiki shows
the law of visits; it is declared to hold here as well, up to a tilt that is fitted to what was seen. The likelihood of
`users.py` is then joined by n0 pseudo-users of that law, each of whom shows its n exactly:

    l(U) + n0 sum_n pi_n log w_n,    pi_n ~ reference_n n^a exp(b n / mean).

A lognormal law whose mean drifts is tilted by n^a, a gamma one by exp(b n); by n^a alone an estimate of a gamma law
with a mean 1.65 times larger is 12 % too low. Both are held near 0 (`DRIFT`), else few counts would bend the law at
will. The more the counts say, the less the pseudo-users weigh. The assumption can be refuted where the law is of
another kind: the counts of those seen do not fit (deviance at `CONFLICT`), or only with a tilt no drift explains
(`FARTHEST`). It cannot where only one-time users became more, or habits at the same mean (everyone thrice): what 15 %
more one-time users would do is therefore told with every such number, which is never more than `caution`.

No share of users is estimated so: there the bias is -20 to +15 points, which no test sees.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from jobs.estimation.answers import Counts, PeopleEstimate, Weights, as_allowed
from jobs.estimation.bounds import users_bounds
from jobs.estimation.kernels import users_types
from jobs.estimation.limits import DEFAULT_LIMITS, Interval, Limits, Verdict, percent
from jobs.estimation.misfit import MISFIT, misfit_probability
from jobs.estimation.mixture import TINY
from jobs.estimation.people import users_estimate
from jobs.estimation.remedy import remedy
from jobs.estimation.users import users_interval, users_table

Array = NDArray[np.float64]

CONFLICT = 0.01
"""Counts this improbable under the tilted law refute it (statistics R2, reference shape)."""

DRIFT = 0.3
"""Standard deviation of both parameters of the tilt: of what changes between two windows of one wiki."""

FARTHEST = 2.5
"""Length of the tilt, in `DRIFT`, from which it refutes the law: means 1.65 times larger or smaller need up to 2, a
light law for a gamma one at least 3 (3,000 users, 10 %)."""

MORE_ONCE = 0.15
"""How many more one-time users the sensitivity line supposes, relative to those of the reference window."""


@dataclass(frozen=True)
class ReferenceFit:
    """A fit of the number of users under a declared law of visits.

    Attributes:
        estimate: users at the maximum of the likelihood with the pseudo-users.
        lower: lower end of the interval.
        upper: upper end.
        agreement: probability of counts as far from the tilted law as these.
        tilt: length of the tilt, in `DRIFT`.
        more_once: the estimate, had the reference window 15 % more one-time users.
    """

    estimate: float
    lower: float
    upper: float
    agreement: float
    tilt: float
    more_once: float

    @property
    def conflicts(self) -> bool:
        """Whether the counts refute the law."""
        return self.agreement < CONFLICT or self.tilt > FARTHEST


def reference_fit(
    k: Counts, m: Weights, rate: float, reference_n: Counts, reference_m: Weights, n0: float
) -> ReferenceFit:
    """Fit the number of users with the law of visits of a 100 % window.

    Args:
        k: kept units per user, distinct and at least 1.
        m: users with so many kept units.
        rate: sampling rate, above 0 and below 1.
        reference_n: units per user in the 100 % window, distinct and at least 1.
        reference_m: users with so many units.
        n0: number of pseudo-users; the larger, the more the law counts.
    """
    types = users_types("int", rate, int(k.max()))
    kernel, cells = users_table(k, m.astype(np.float64), types, rate)
    law = _on_types(reference_n, reference_m, types)
    more = np.where(types == 1, (1 + MORE_ONCE) * law, law)
    n_reference = float(reference_m.sum())
    fit = _with_law(kernel, cells, types, law, n_reference, rate, n0)
    return replace(fit, more_once=_with_law(kernel, cells, types, more / more.sum(), n_reference, rate, n0).estimate)


def reference_users_estimate(
    k: Counts,
    m: Weights,
    rate: float,
    reference_n: Counts,
    reference_m: Weights,
    reference_window: str,
    noun: str = "visitors",
    limits: Limits = DEFAULT_LIMITS,
    n0: float = 30.0,
) -> PeopleEstimate:
    """Estimate how many distinct users there were, if need be with the law of visits of a 100 % window.

    Where the counts alone allow an estimate that stands; where they contradict the law, or the number is not known
    to a quarter with it either, so does what the counts alone allow.

    Args:
        k: kept units per user, at least 1.
        m: users with so many kept units.
        rate: sampling rate.
        reference_n: units per user in the 100 % window, at least 1.
        reference_m: users with so many units.
        reference_window: the 100 % window in words, such as "1 to 28 March 2026".
        noun: what the users are called in sentences, in the plural.
        limits: thresholds.
        n0: number of pseudo-users, set by self-validation.

    Returns:
        The number of users; estimator `npmle_reference` and status `caution`, or the answer of `users_estimate`.
    """
    plain = users_estimate(k, m, rate, noun=noun, limits=limits)
    if plain.estimate is not None or plain.estimator == "bounds" or plain.misfit < MISFIT or reference_m.sum() <= 0:
        return plain
    fit = reference_fit(k, m, rate, reference_n, reference_m, n0)
    interval = Interval(fit.estimate, fit.lower, fit.upper)
    if fit.conflicts or interval.relative > limits.users_caution:
        return plain
    reason = (
        f"The number of {noun} rests on the assumption that people came as in the 100 % window {reference_window}; "
        f"with {percent(MORE_ONCE)} more one-time {noun} there it would be {fit.more_once:.0f}, "
        f"not {fit.estimate:.0f}."
    )
    advice = remedy("users", rate, fit.estimate, limits)
    return as_allowed(Verdict("caution", reason), interval, replace(plain, estimator="npmle_reference"), advice)


def _on_types(n: Counts, m: Weights, types: Array) -> Array:
    """Give the share of users at each type of a fit, every user counted at the nearest one."""
    nearest = np.searchsorted((types[1:] + types[:-1]) / 2, n)
    return np.bincount(nearest, weights=m, minlength=len(types)) / float(m.sum())


def _with_law(
    kernel: Array, cells: Array, types: Array, law: Array, n_reference: float, rate: float, n0: float
) -> ReferenceFit:
    """Tilt the law to the counts, and fit the number of users with its pseudo-users; `more_once` is left open."""
    n_seen = float(cells.sum())
    features = np.stack([np.log(types), types / float(law @ types)])

    def badness(tilt: Array) -> float:
        share = kernel @ _tilted(law, features, tilt)
        likelihood = float(cells[1:] @ np.log(np.maximum(share[1:] / (1 - share[0]), TINY)))
        return float(tilt @ tilt) / (2 * DRIFT**2) - likelihood

    best = optimize.minimize(badness, np.zeros(2), method="L-BFGS-B")
    tilted = _tilted(law, features, best.x)
    share = kernel @ tilted
    users = n_seen / (1 - float(share[0]))
    expected = n_seen * share[1:] / (1 - float(share[0]))
    # The law is known from so many users only: its own chance adds to that of the counts.
    weight = 1 / (1 + users / n_reference)
    agreement = misfit_probability(weight * cells[1:], weight * expected)
    there = tilted > 0
    joined = np.vstack([kernel, np.eye(len(types))[there]])
    known = np.concatenate([cells, n0 * tilted[there]])
    ceiling = users_bounds(n_seen, rate)[1]
    estimate, lower, upper = users_interval(joined, known, n_seen, users, ceiling)
    return ReferenceFit(estimate, lower, upper, agreement, float(np.linalg.norm(best.x)) / DRIFT, estimate)


def _tilted(law: Array, features: Array, tilt: Array) -> Array:
    """Multiply a law by exp(tilt . features); a user of no type of it stays impossible."""
    exponent = np.where(law > 0, tilt @ features, -np.inf)
    weights = law * np.exp(exponent - exponent.max())
    return np.asarray(weights / weights.sum())
