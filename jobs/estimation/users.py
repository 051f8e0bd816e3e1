"""How many users there were, from how many kept units each seen user has (`npmle_users`).

m_k users have k kept units (pageviews or sessions, never events), each kept with probability p. With U users in all

    l(U) = log U!/(U-D)! + max_w [ (U-D) log g_0 + sum_k m_k log g_k ],    g = A w,

A binomial thinning of any law on n = 1, 2, ... (Norris & Pollock 1996; Wang & Lindsay 2005). The interval is
{U : 2 (max l - l(U)) <= 3.84}, drawn on the solver's proven upper limit of l(U).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from jobs.estimation.bounds import garwood_upper
from jobs.estimation.kernels import Law, cell_of, thin_poisson, thin_whole, users_edges, users_types
from jobs.estimation.mixture import solve
from jobs.estimation.profile import Point, Profile, profile_interval

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]


NO_GAIN = 0.01  # nats; half a percent of the threshold of the interval


@dataclass(frozen=True)
class UsersFit:
    """A fit of the number of users.

    Attributes:
        estimate: users at the maximum of the likelihood, those seen included.
        lower: lower end of the 95 % interval, never below the users seen.
        upper: upper end.
        conditional: users from the likelihood given that a user is seen (close to `estimate`; a check).
        sensitivity: the same point under mixtures of zero-truncated Poisson laws.
        certificate: nats by which the solver may have missed the maximum.
    """

    estimate: float
    lower: float
    upper: float
    conditional: float
    sensitivity: float
    certificate: float


def users_fit(k: IntArray, m: Array, rate: float, *, law: Law = "int") -> UsersFit:
    """Fit the number of users with at least one unit.

    Args:
        k: kept units per user, distinct and at least 1.
        m: users with so many kept units.
        rate: sampling rate, above 0 and below 1.
        law: `int` (any law) or `ztp` (mixtures of zero-truncated Poissons, for comparison only).

    Returns:
        Estimate, interval, sensitivity and certificate.
    """
    kernel, cells = _table(k, m, rate, law)
    n_seen = float(cells.sum())
    conditional, certificate = _conditional(kernel, cells)
    known: dict[float, Point] = {}

    def profile(users: float) -> Point:
        if users not in known:
            known[users] = _profile(kernel, cells, users)
        return known[users]

    # Every user has a unit, seen with probability p, so U <= E[D] / p; half as much again is out of reach.
    ceiling = 1.5 * garwood_upper(n_seen) / rate
    estimate, maximum = _peak(profile, conditional, n_seen, ceiling)
    step = max(1.5 * np.sqrt(max(estimate - n_seen, 1.0)), 0.02 * estimate)
    lower, upper = profile_interval(profile, estimate, maximum, (n_seen, ceiling), step)
    sensitivity = conditional if law == "ztp" else ztp_users(k, m, rate)
    return UsersFit(estimate, min(lower, estimate), max(upper, estimate), conditional, sensitivity, certificate)


def ztp_users(k: IntArray, m: Array, rate: float) -> float:
    """Give the number of users under mixtures of zero-truncated Poisson laws: the sensitivity check, no interval."""
    return _conditional(*_table(k, m, rate, "ztp"))[0]


def _table(k: IntArray, m: Array, rate: float, law: Law) -> tuple[Array, Array]:
    """Build the kernel and the counts per cell, cell 0 still empty."""
    largest = int(k.max())
    edges = users_edges(largest)
    types = users_types(law, rate, largest)
    kernel = thin_whole(types, rate, edges) if law == "int" else thin_poisson(types, rate, edges)
    return kernel, np.bincount(cell_of(k, edges), weights=m, minlength=len(edges)).astype(np.float64)


def _conditional(kernel: Array, cells: Array) -> tuple[float, float]:
    """Estimate users by the likelihood given that a user is seen; also the solver's certificate."""
    seen_share = 1 - kernel[0]
    fit = solve(kernel[1:] / seen_share, cells[1:], tolerance=1e-4)
    return float(cells.sum()) * float(np.sum(fit.weights / seen_share)), fit.gap


def _profile(kernel: Array, cells: Array, users: float) -> Point:
    """Give l(U) and its slope (by the envelope theorem the weights drop out)."""
    n_seen = float(cells.sum())
    missed = max(users - n_seen, 0.0)
    counts = cells.copy()
    counts[0] = missed
    fit = solve(kernel, counts)
    ways = float(special.gammaln(users + 1) - special.gammaln(missed + 1))
    slope = special.digamma(users + 1) - special.digamma(missed + 1) + np.log(float(kernel[0] @ fit.weights))
    return Point(fit.upper + ways, fit.loglik + ways, float(slope))


def _peak(profile: Profile, start: float, floor: float, ceiling: float) -> tuple[float, float]:
    """Find the maximum of l(U) by secant steps on its slope, beginning at the conditional estimate.

    Where the likelihood is flat the slope is small over a wide range; the search stops as soon as no gain is left.

    Returns:
        The best U and the log-likelihood reached there.
    """
    x = min(max(start, floor), ceiling)
    here = profile(x)
    best_x, best = x, here.reached
    x_next = x + np.sign(here.slope) * 0.25 * np.sqrt(max(x - floor, 1.0))
    for _ in range(6):
        x_next = min(max(x_next, floor), ceiling)
        if abs(x_next - x) < 1e-4 * x or abs(here.slope * (x_next - x)) < NO_GAIN:
            break
        there = profile(x_next)
        if there.reached > best:
            best_x, best = x_next, there.reached
        bend = (there.slope - here.slope) / (x_next - x)
        reach = 2 * abs(x_next - x) + np.sqrt(max(x - floor, 1.0))
        move = -there.slope / bend if bend < 0 else np.sign(there.slope) * reach
        x, here = x_next, there
        x_next = x + float(np.clip(move, -reach, reach))
    return best_x, best
