"""How many users there were, from how many kept units each seen user has (`npmle_users`).

m_k users have k kept units (pageviews or sessions, never events), each kept with probability p. With U users in all

    l(U) = log U!/(U-D)! + max_w [ (U-D) log g_0 + sum_k m_k log g_k ],    g = A w,

A binomial thinning of any law on n = 1, 2, ... (Norris & Pollock 1996; Wang & Lindsay 2005). The lower end is where l
lies half of `CUT` below its maximum.

The upper end is that of the deviance of the completed table, in which log U!/(U-D)! is U log U - (U-D) log(U-D) - D,
without the rest of Stirling's formula. That rest, about log sqrt(2 pi (U-D)), is what the multinomial charges for the
make-up of the unseen, which is fixed here and not drawn. Of many unseen it is the same for every U in question; of a
handful (nearly all users come often, a few once) it alone would bring the upper end too low. Where next to nobody was
seen exactly once the upper end is no lower than that of `light_users_upper`.

Both ends are drawn on the solver's proven upper limit of the likelihood. No theorem gives the threshold (the chi-square
one is refuted for such problems: Batlle, Patil, Stanley, Owhadi & Kuusela, arXiv 2310.02461): it is measured.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from jobs.estimation.bounds import light_users_upper, users_bounds
from jobs.estimation.kernels import Law, cell_of, thin_poisson, thin_whole, users_edges, users_types
from jobs.estimation.misfit import misfit_probability
from jobs.estimation.mixture import solve
from jobs.estimation.profile import Point, Profile, profile_end

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]


CUT = 4.1
"""Deviance at the ends of the interval: about 95 % coverage, measured (`benchmarks/coverage_people.py`)."""

FEW_ONCE = 10.0  # users seen exactly once below which the likelihood knows too little of the unseen (statistics R2 1)
NO_GAIN = 0.01  # nats; half a percent of the threshold of the interval


@dataclass(frozen=True)
class UsersFit:
    """A fit of the number of users.

    Attributes:
        estimate: users at the maximum of the likelihood, those seen included.
        lower: lower end of the interval that covers about 95 %, never below the users seen.
        upper: upper end.
        conditional: users from the likelihood given that a user is seen (close to `estimate`; a check).
        alternative: the same point under mixtures of zero-truncated Poisson laws: to be told, never to decide.
        misfit: probability of counts as far as these from the fit, were the fit the truth.
        certificate: nats by which the solver may have missed the maximum.
    """

    estimate: float
    lower: float
    upper: float
    conditional: float
    alternative: float
    misfit: float
    certificate: float


def users_fit(k: IntArray, m: Array, rate: float, *, law: Law = "int") -> UsersFit:
    """Fit the number of users with at least one unit.

    Args:
        k: kept units per user, distinct and at least 1.
        m: users with so many kept units.
        rate: sampling rate, above 0 and below 1.
        law: `int` (any law) or `ztp` (mixtures of zero-truncated Poissons, for comparison only).

    Returns:
        Estimate, interval, misfit, the smoother model's point and the certificate.
    """
    kernel, cells = users_table(k, m, users_types(law, rate, int(k.max())), rate, law)
    n_seen = float(cells.sum())
    conditional, expected, certificate = _conditional(kernel, cells)
    ceiling = users_bounds(n_seen, rate)[1]  # holds whatever people do
    estimate, lower, upper = users_interval(kernel, cells, n_seen, conditional, ceiling)
    once = float(m[k == 1].sum())
    if once < FEW_ONCE:
        upper = max(upper, light_users_upper(n_seen, once, rate))
    alternative = conditional if law == "ztp" else ztp_users(k, m, rate)
    misfit = misfit_probability(cells[1:], expected)
    return UsersFit(estimate, lower, upper, conditional, alternative, misfit, certificate)


def users_interval(
    kernel: Array, cells: Array, n_seen: float, start: float, ceiling: float
) -> tuple[float, float, float]:
    """Find the most likely number of users and the ends of its interval.

    Args:
        kernel: cells x types; row 0 is the cell of users not seen.
        cells: users per cell; that of cell 0 is ignored. Rows beyond those of users seen hold what else is known.
        n_seen: users seen.
        start: a number of users near the maximum.
        ceiling: the largest number of users that is possible.

    Returns:
        Estimate, lower and upper end.
    """
    best = _Best(kernel, cells, n_seen)
    estimate, maximum = _peak(best.likelihood, start, n_seen, ceiling)
    step = max(1.5 * math.sqrt(max(estimate - n_seen, 1.0)), 0.02 * estimate)
    lower = profile_end(best.likelihood, estimate, maximum, n_seen, -step, CUT)
    peak, maximum = _peak(best.completed, estimate + 0.5, n_seen, ceiling)
    upper = profile_end(best.completed, peak, maximum, ceiling, step, CUT)
    return estimate, min(lower, estimate), max(upper, estimate)


def ztp_users(k: IntArray, m: Array, rate: float) -> float:
    """Give the number of users under mixtures of zero-truncated Poisson laws: a second opinion, no interval."""
    return _conditional(*users_table(k, m, users_types("ztp", rate, int(k.max())), rate, "ztp"))[0]


def users_table(k: IntArray, m: Array, types: Array, rate: float, law: Law = "int") -> tuple[Array, Array]:
    """Build the kernel for users of these types and the counts per cell, cell 0 still empty."""
    edges = users_edges(int(k.max()))
    kernel = thin_whole(types, rate, edges) if law == "int" else thin_poisson(types, rate, edges)
    return kernel, np.bincount(cell_of(k, edges), weights=m, minlength=len(edges)).astype(np.float64)


def _conditional(kernel: Array, cells: Array) -> tuple[float, Array, float]:
    """Estimate users by the likelihood given that a user is seen; also what it expects in each cell, and its gap."""
    seen_share = 1 - kernel[0]
    given_seen = kernel[1:] / seen_share
    fit = solve(given_seen, cells[1:], tolerance=1e-4)
    n_seen = float(cells.sum())
    return n_seen * float(np.sum(fit.weights / seen_share)), n_seen * (given_seen @ fit.weights), fit.gap


class _Best:
    """The best mixture at any number of users, solved once for both likelihoods.

    By the envelope theorem the weights drop out of the slopes.
    """

    def __init__(self, kernel: Array, cells: Array, n_seen: float) -> None:
        self._kernel, self._cells, self._n_seen = kernel, cells, n_seen
        self._known: dict[float, Point] = {}

    def likelihood(self, users: float) -> Point:
        """Give l(U) and its slope."""
        missed = max(users - self._n_seen, 0.0)
        ways = float(special.gammaln(users + 1) - special.gammaln(missed + 1))
        slope = float(special.digamma(users + 1) - special.digamma(missed + 1))
        return _plus(self._mixture(users), ways, slope)

    def completed(self, users: float) -> Point:
        """Give minus half the deviance of the completed table, up to a constant, and its slope."""
        missed = max(users - self._n_seen, 0.0)
        ways = float(special.xlogy(users, users) - special.xlogy(missed, missed)) - self._n_seen
        return _plus(self._mixture(users), ways, math.log(users / max(missed, 1e-9)))

    def _mixture(self, users: float) -> Point:
        if users not in self._known:
            counts = self._cells.copy()
            counts[0] = max(users - self._n_seen, 0.0)
            fit = solve(self._kernel, counts)
            slope = math.log(float(self._kernel[0] @ fit.weights))
            self._known[users] = Point(fit.upper, fit.loglik, slope)
        return self._known[users]


def _plus(point: Point, ways: float, slope: float) -> Point:
    return Point(point.upper + ways, point.reached + ways, point.slope + slope)


def _peak(profile: Profile, start: float, floor: float, ceiling: float) -> tuple[float, float]:
    """Find the maximum of a profile by secant steps on its slope, beginning near it.

    Where the likelihood is flat the slope is small over a wide range; the search stops as soon as no gain is left.

    Returns:
        The best U and the log-likelihood reached there.
    """
    x = min(max(start, floor), ceiling)
    here = profile(x)
    best_x, best = x, here.reached
    x_next = x + float(np.sign(here.slope)) * 0.25 * math.sqrt(max(x - floor, 1.0))
    for _ in range(6):
        x_next = min(max(x_next, floor), ceiling)
        if abs(x_next - x) < 1e-4 * x or abs(here.slope * (x_next - x)) < NO_GAIN:
            break
        there = profile(x_next)
        if there.reached > best:
            best_x, best = float(x_next), there.reached
        bend = (there.slope - here.slope) / (x_next - x)
        reach = 2 * abs(x_next - x) + math.sqrt(max(x - floor, 1.0))
        move = -there.slope / bend if bend < 0 else np.sign(there.slope) * reach
        x, here = x_next, there
        x_next = x + float(np.clip(move, -reach, reach))
    return best_x, best
