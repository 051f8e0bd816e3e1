"""Populations for the coverage study of people metrics: how often people come, in which sessions and windows.

The shapes span what is unknown, how often people come, and some are chosen against the estimators: everyone exactly
five times, two clumps, a devoted minority, nearly everyone heavy and a few who came once, absences that no amount of
visiting explains, newcomers beside sessions that last past midnight, sessions of a thousand pageviews.
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


def _few_came_once(n: int, heavy: float, visits: int) -> Ints:
    """Nearly everyone comes so often; the rest, a fixed number of users, came once."""
    return np.where(np.arange(n) < round(heavy * n), visits, 1)


USERS_SHAPES: dict[str, Callable[[Rng, int], Ints]] = {
    "light": lambda rng, n: rng.geometric(0.5, n),
    "gamma": lambda rng, n: _poisson_at_least_one(rng, rng.gamma(0.6, 10.0, n) + 1e-6),
    "lognormal": lambda rng, n: _poisson_at_least_one(rng, np.exp(rng.normal(1.0, 1.2, n))),
    "zipf": lambda rng, n: np.minimum(rng.zipf(2.0, n), 2000),
    "five": lambda rng, n: np.full(n, 5),
    "under-dispersed": lambda rng, n: np.maximum(rng.binomial(7, 0.8, n), 1),
    "bimodal": lambda rng, n: np.where(rng.random(n) < 0.7, 1 + rng.binomial(1, 0.3, n), 1 + rng.poisson(40, n)),
    "devoted minority": lambda rng, n: np.where(rng.random(n) < 0.9, 1, 1 + rng.poisson(25, n)),
    "geometric": lambda rng, n: rng.geometric(1 / 3, n),
    "exactly 3": lambda rng, n: np.full(n, 3),
    "exactly 40": lambda rng, n: np.full(n, 40),
    "one-timers": lambda rng, n: np.ones(n, dtype=np.int64),
    "90 % with 40": lambda rng, n: _few_came_once(n, 0.9, 40),
    "95 % with 20": lambda rng, n: _few_came_once(n, 0.95, 20),
    "80 % with 12": lambda rng, n: _few_came_once(n, 0.8, 12),
}
"""Visits per user, at least one."""


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


def _newcomers(rng: Rng, n: int, cohort: float, chance: float) -> tuple[Ints, Ints]:
    """A share `cohort` comes first and returns by a coin; the others come in the second window only."""
    is_first = np.arange(n) < round(cohort * n)
    first, second = rng.geometric(0.6, n), rng.geometric(0.5, n)
    return np.where(is_first, first, 0), np.where(is_first & (rng.random(n) >= chance), 0, second)


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
    "exactly 40": lambda rng, n: _returning(rng, np.full(n, 40), np.full(n, 40), 0.5),
    "one-timers": lambda rng, n: _returning(rng, np.ones(n, dtype=np.int64), np.ones(n, dtype=np.int64), 0.4),
    "rare return": lambda rng, n: _newcomers(rng, n, 0.5, 0.02),
    "newcomers": lambda rng, n: _newcomers(rng, n, 0.5, 0.3),
    "fortnight": lambda rng, n: _newcomers(rng, n, 1 / 16, 0.45),
}
"""Visits per user in two windows. `fortnight`: a day's visitors beside those of the fourteen days after it."""


LOADS: dict[str, Callable[[Rng, int], Ints]] = {
    "Pareto 1.2": lambda rng, n: np.ceil(1 + rng.pareto(1.2, n)).astype(np.int64),
    "Pareto 1.6": lambda rng, n: np.ceil(1 + rng.pareto(1.6, n)).astype(np.int64),
    "lognormal sessions": lambda rng, n: np.ceil(np.exp(rng.normal(0.5, 1.5, n))).astype(np.int64),
}
"""Pageviews per session, at least one: a few sessions hold much of everything."""


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


def span(rng: Rng, first: Ints, second: Ints, regime: str) -> tuple[Ints, Ints, Ints]:
    """Let sessions of the first window go on into the second.

    Args:
        rng: source of chance.
        first: sessions that begin in the first window, per user.
        second: sessions that begin in the second one.
        regime: `10 % spanning` (at most one session a user, about so many of all), `often spanning` (a user may have
            several), `10 % of all span` (so many of both windows' sessions, each with the same chance) or `10 % past
            midnight` (so many of the first window's).

    Returns:
        Sessions in the first window only, in both, in the second only.
    """
    once = {"1 % spanning": 0.012, "10 % spanning": 0.2, "30 % spanning": 0.6}
    if regime in once:
        spanning = ((first > 0) & (rng.random(len(first)) < once[regime])).astype(np.int64)
    elif regime == "often spanning":
        spanning = rng.binomial(first, 0.35)
    else:
        share = float(regime.split(" ")[0]) / 100
        of_first = share * (first.sum() + second.sum()) / first.sum() if regime.endswith("of all span") else share
        spanning = rng.binomial(first, min(of_first, 1.0))
    return first - spanning, spanning, second
