"""Worlds of wikis whose sessions have heavy tails, and the sums of their windows of 1, 7 and 28 days, for coverage.py.

A session's impressions follow a Pareto or a lognormal law, its share of clicked ones is its own (beta, correlation .2
within a session and .05 within a user). Each world has a wiki that is judged and two others of the same unit, from
which a reference may come; all end on the same day.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from totals_worlds import REPEATED_CLICKS, FloatArray, beta_parameters

TAILS = ("Pareto 1.2", "Pareto 1.6", "lognormal 1.5", "lognormal 2")
USERS = (15, 50, 200)
OTHER_WIKIS = (40, 120)
CTRS = (0.05, 0.3)
WINDOWS = (1, 7, 28)
# A setting is a sequence of (day on which the segment ends, rate in force).
SETTINGS: dict[str, tuple[tuple[float, float], ...]] = {
    **{str(rate): ((28.0, rate),) for rate in (0.05, 0.1, 0.25, 0.5, 0.75, 0.95)},
    "1 → 0.1 → 1": ((12.0, 1.0), (27.5, 0.1), (28.0, 1.0)),
    "1": ((28.0, 1.0),),
}
SESSIONS_PER_USER, ACTIVITY_SHAPE = 12.0, 0.8
WITHIN_SESSION, WITHIN_USER = 0.2, 0.05
MEDIAN_IMPRESSIONS = 2.0


@dataclass(frozen=True)
class Sessions:
    """The sessions of one wiki over 28 days: user, day in [0, 28), hash fraction and event counts."""

    n_users: int
    user: np.ndarray
    day: FloatArray
    fraction: FloatArray
    counts: dict[str, FloatArray]


def draw_wiki(rng: np.random.Generator, users: int, ctr: float, tail: str) -> Sessions:
    """Draw one wiki."""
    activity = rng.gamma(ACTIVITY_SHAPE, SESSIONS_PER_USER / ACTIVITY_SHAPE, users)
    user = np.repeat(np.arange(users), rng.poisson(activity))
    n = len(user)
    law, parameter = tail.split()
    if law == "Pareto":
        shown = np.floor((1 - rng.random(n)) ** (-1 / float(parameter)))
    else:
        shown = np.ceil(MEDIAN_IMPRESSIONS * np.exp(float(parameter) * rng.normal(size=n)))
    own = rng.beta(*beta_parameters(ctr, WITHIN_USER), users)[user]
    own = np.clip(own, 1e-9, 1 - 1e-9)
    matched = rng.binomial(shown.astype(np.int64), rng.beta(*beta_parameters(own, WITHIN_SESSION))).astype(float)
    clicks = matched + rng.poisson(REPEATED_CLICKS * matched)
    counts = {"shown": shown, "matched": matched, "clicks": clicks}
    return Sessions(users, user, 28 * rng.random(n), rng.random(n), counts)


def window_truths(wiki: Sessions) -> dict[str, FloatArray]:
    """Return what happened in each window."""
    return {
        name: np.array([value[wiki.day >= 28 - days].sum() for days in WINDOWS]) for name, value in wiki.counts.items()
    }


def window_sums(wiki: Sessions, segments: tuple[tuple[float, float], ...]) -> dict[str, FloatArray]:
    """Sample a wiki and return the sums of its windows, each an array of windows by rates; of users, by moments."""
    rate_of = np.array([rate for _, rate in segments])[
        np.searchsorted(np.array([end for end, _ in segments]), wiki.day, side="right")
    ]
    kept = wiki.fraction < rate_of
    rate, user, age = rate_of[kept], wiki.user[kept], 28 - wiki.day[kept]
    rates = np.unique([r for _, r in segments])
    since = np.searchsorted(np.array(WINDOWS), age, side="left")
    place = since * len(rates) + np.searchsorted(rates, rate)
    shape = (len(WINDOWS), len(rates))
    out = {"rate": np.broadcast_to(rates, shape)}

    def add(name: str, values: FloatArray) -> None:
        out[name] = np.bincount(place, values, shape[0] * shape[1]).reshape(shape).cumsum(axis=0)

    def of_users(values: FloatArray) -> FloatArray:
        found = np.bincount(since * wiki.n_users + user, values, len(WINDOWS) * wiki.n_users)
        return found.reshape(len(WINDOWS), wiki.n_users).cumsum(axis=0)

    x = wiki.counts["shown"][kept]
    add("units", np.ones(len(x)))
    add("x", x)
    add("xx", x * x)
    seen, user_x = (of_users(np.ones(len(x))) > 0).sum(axis=1), of_users(x / rate)
    for name in ("clicks", "matched"):
        y = wiki.counts[name][kept]
        add(name, y)
        add(f"{name}_clusters", (y > 0).astype(float))
        add(f"{name}_yy", y * y)
        add(f"{name}_xy", x * y)
        user_y, clicking = of_users(y / rate), (of_users((y > 0).astype(float)) > 0).sum(axis=1)
        products = [(a * b).sum(axis=1) for a, b in ((user_y, user_y), (user_x, user_y), (user_x, user_x))]
        out[f"{name}_users"] = np.stack([seen, user_y.sum(axis=1), user_x.sum(axis=1), *products, clicking], axis=1)
    return out
