"""Worlds with known truth for the coverage study of people metrics: populations, sessions, sampling.

A world is a population whose true answer is known, thinned as the client does it: each unit kept independently. The
shapes span what is unknown, how often people come, and some are chosen against the estimators: everyone exactly five
times, two clumps, a devoted minority, absences that no amount of visiting explains.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Rng = np.random.Generator


def _poisson_at_least_one(rng: Rng, mean: NDArray[np.float64]) -> Ints:
    """Poisson counts known to be at least 1, by inversion of the truncated law's zero class."""
    # Time of the first event given that there is one in [0, mean], then the rest is Poisson over what remains.
    first = -np.log1p(-rng.random(len(mean)) * -np.expm1(-mean))
    return 1 + rng.poisson(np.maximum(mean - first, 0.0))


USERS_SHAPES: dict[str, Callable[[Rng, int], Ints]] = {
    "light": lambda rng, n: rng.geometric(0.5, n),
    "gamma": lambda rng, n: _poisson_at_least_one(rng, rng.gamma(0.6, 10.0, n) + 1e-6),
    "lognormal": lambda rng, n: _poisson_at_least_one(rng, np.exp(rng.normal(1.0, 1.2, n))),
    "zipf": lambda rng, n: np.minimum(rng.zipf(2.0, n), 2000),
    "five": lambda rng, n: np.full(n, 5),
    "under-dispersed": lambda rng, n: np.maximum(rng.binomial(7, 0.8, n), 1),
    "bimodal": lambda rng, n: np.where(rng.random(n) < 0.7, 1 + rng.binomial(1, 0.3, n), 1 + rng.poisson(40, n)),
    "devoted minority": lambda rng, n: np.where(rng.random(n) < 0.9, 1, 1 + rng.poisson(25, n)),
}


def sessions_of(rng: Rng, pageviews: Ints) -> Ints:
    """Sessions that hold so many pageviews: every later pageview opens a new one with probability 0.4."""
    return np.where(pageviews > 0, 1 + rng.binomial(np.maximum(pageviews - 1, 0), 0.4), 0)


def _dependent(rng: Rng, n: int, mu: float, sigma: float, drift: float, away: float) -> tuple[Ints, Ints]:
    """Two windows with correlated lognormal intensities; a share `away` is never there in the second."""
    log_mean = rng.normal(mu, sigma, n)
    second = rng.poisson(np.exp(log_mean + rng.normal(drift, 0.5, n)))
    return rng.poisson(np.exp(log_mean)), np.where(rng.random(n) < away, 0, second)


def _returning(rng: Rng, first: Ints, second: Ints, chance: float) -> tuple[Ints, Ints]:
    """Everyone comes first; who returns is a coin, whatever the size: zeros no model of sizes explains."""
    return first, np.where(rng.random(len(first)) < chance, second, 0)


def _minority(rng: Rng, n: int) -> tuple[Ints, Ints]:
    """A third comes dozens of times in both windows, the rest once and never again."""
    devoted = rng.random(n) < 0.3
    return np.where(devoted, 1 + rng.poisson(20, n), 1), np.where(devoted, 1 + rng.poisson(20, n), 0)


def _bimodal(rng: Rng, n: int) -> tuple[Ints, Ints]:
    """Few heavy visitors who mostly return, many light ones who mostly do not."""
    heavy = rng.random(n) < 0.25
    first = np.where(heavy, rng.poisson(15, n), rng.poisson(0.9, n))
    second = np.where(heavy, rng.poisson(15, n), rng.poisson(0.9, n))
    return first, np.where(rng.random(n) < np.where(heavy, 0.9, 0.35), second, 0)


PAIR_SHAPES: dict[str, Callable[[Rng, int], tuple[Ints, Ints]]] = {
    "light": lambda rng, n: _dependent(rng, n, 0.0, 0.5, 0.0, 0.3),
    "gamma": lambda rng, n: _returning(
        rng, *(lambda g: (rng.poisson(g), rng.poisson(g)))(rng.gamma(0.8, 5.0, n)), chance=0.6
    ),
    "lognormal": lambda rng, n: _dependent(rng, n, 0.8, 1.2, -0.6, 0.2),
    "zipf": lambda rng, n: _returning(rng, np.minimum(rng.zipf(2.0, n), 500), np.minimum(rng.zipf(2.0, n), 500), 0.4),
    "five": lambda rng, n: _returning(rng, np.full(n, 5), np.full(n, 5), 0.4),
    "structural zeros": lambda rng, n: _returning(
        rng,
        *(lambda g: (_poisson_at_least_one(rng, g), _poisson_at_least_one(rng, g)))(rng.gamma(2, 1.5, n)),
        chance=0.3,
    ),
    "bimodal": _bimodal,
    "devoted minority": _minority,
}


@dataclass(frozen=True)
class Table:
    """Distinct rows of counts and how many users have each."""

    columns: list[Ints]
    m: Ints


def tabulate(*columns: Ints, drop_unseen: bool = True) -> Table:
    """Group users by their counts; users whose every count is zero are not seen."""
    data = np.stack([np.asarray(column, dtype=np.int64) for column in columns])
    if drop_unseen:
        data = data[:, data.any(axis=0)]
    rows, m = np.unique(data, axis=1, return_counts=True)
    return Table(list(rows), m.astype(np.int64))


def spread_over_segments(rng: Rng, n: Ints, share: float) -> tuple[Ints, Ints]:
    """Split units over a 100 % segment and the rest; users are bursty, each with an own share."""
    own = rng.beta(0.5 * share / (1 - share), 0.5, len(n))
    inside = rng.binomial(n, own)
    return inside, n - inside


def span(rng: Rng, first: Ints, second: Ints, chance: float, *, often: bool) -> tuple[Ints, Ints, Ints]:
    """Let sessions of the first window go on into the second: at most one a user, or each with `chance`.

    Returns:
        Sessions in the first window only, in both, in the second only.
    """
    spanning = rng.binomial(first, chance) if often else ((first > 0) & (rng.random(len(first)) < chance)).astype(int)
    return first - spanning, spanning, second
