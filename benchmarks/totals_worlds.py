"""Synthetic worlds for coverage.py: tables of pageviews and sessions, and the sums the pipeline makes of a sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Mean = TypeVar("Mean", float, FloatArray)

USERS = (100, 300, 1000, 5000)
CTRS = (0.005, 0.05)
FRAILTIES = (0.0, 0.05)
UNITS = ("pageview", "session")
# A setting is a sequence of (end of the segment as a share of the window, rate in force).
SETTINGS: dict[str, tuple[tuple[float, float], ...]] = {
    "0.01": ((1.0, 0.01),),
    "0.1": ((1.0, 0.1),),
    "0.25": ((1.0, 0.25),),
    "0.5": ((1.0, 0.5),),
    "1 → 0.1 → 1": ((0.3, 1.0), (0.7, 0.1), (1.0, 1.0)),
    "1": ((1.0, 1.0),),
}
PAGEVIEWS_PER_USER, PAGEVIEWS_PER_SESSION, ACTIVITY_SHAPE = 20.0, 4.0, 0.8
EXTRA_IMPRESSIONS, REPEATED_CLICKS = 0.6, 0.2


@dataclass(frozen=True)
class Units:
    """Sampling units of one world: user, moment in [0, 1), hash fraction, and event counts per unit."""

    user: npt.NDArray[np.int64]
    moment: FloatArray
    fraction: FloatArray
    counts: dict[str, FloatArray]


def draw_world(rng: np.random.Generator, users: int, ctr: float, frailty: float) -> dict[str, Units]:
    """Draw one world; `frailty` is the share of a click's variance that lies between users (beta-binomial).

    Users' activity is gamma (a few make most pageviews), a session has a geometric number of pageviews, a pageview
    one impression and sometimes more, an impression a click with the user's own rate, a click sometimes repeats.
    """
    activity = rng.gamma(ACTIVITY_SHAPE, PAGEVIEWS_PER_USER / ACTIVITY_SHAPE, users)
    session_user = np.repeat(np.arange(users), rng.poisson(activity / PAGEVIEWS_PER_SESSION))
    pageviews = rng.geometric(1 / PAGEVIEWS_PER_SESSION, len(session_user))
    session = np.repeat(np.arange(len(session_user)), pageviews)
    own_rate = np.full(users, ctr) if frailty == 0 else rng.beta(*beta_parameters(ctr, frailty), users)
    user = session_user[session]
    shown = 1.0 + rng.poisson(EXTRA_IMPRESSIONS, len(session))
    matched = rng.binomial(shown.astype(np.int64), own_rate[user]).astype(np.float64)
    clicks = matched + rng.poisson(REPEATED_CLICKS * matched)
    by_pageview = {"shown": shown, "matched": matched, "clicks": clicks}
    moment = rng.random(len(session_user))
    by_session = {name: np.bincount(session, value, len(session_user)) for name, value in by_pageview.items()}
    return {
        "pageview": Units(user, moment[session], rng.random(len(session)), by_pageview),
        "session": Units(session_user, moment, rng.random(len(session_user)), by_session),
    }


def beta_parameters(mean: Mean, correlation: float) -> tuple[Mean, Mean]:
    """Return the parameters of the beta law of a share with a mean and a correlation within whoever has it."""
    size = (1 - correlation) / correlation
    return mean * size, (1 - mean) * size


def sums_of_sample(units: Units, segments: tuple[tuple[float, float], ...], users: int) -> dict[str, FloatArray]:
    """Sample a world and return its sums: per rate, over kept clusters; and over weighted user totals."""
    edges = np.array([end for end, _ in segments])
    rate_of = np.array([rate for _, rate in segments])[np.searchsorted(edges, units.moment, side="right")]
    kept = units.fraction < rate_of
    rate, user = rate_of[kept], units.user[kept]
    counts = {name: value[kept] for name, value in units.counts.items()}
    rates = np.unique([r for _, r in segments])
    which = np.searchsorted(rates, rate)
    out: dict[str, FloatArray] = {"rate": rates}

    def add(name: str, values: FloatArray) -> None:
        out[name] = np.bincount(which, values, len(rates))

    x = counts["shown"]
    add("units", np.ones(len(rate)))
    add("x", x)
    add("xx", x * x)
    seen = np.bincount(user, minlength=users) > 0
    user_x = np.bincount(user, x / rate, users)
    for name in ("clicks", "matched"):
        y = counts[name]
        add(name, y)
        add(f"{name}_clusters", (y > 0).astype(np.float64))
        add(f"{name}_yy", y * y)
        add(f"{name}_xy", x * y)
        user_y = np.bincount(user, y / rate, users)
        moments = (user_y.sum(), user_x.sum(), user_y @ user_y, user_x @ user_y, user_x @ user_x)
        out[f"{name}_users"] = np.array([seen.sum(), *moments, len(np.unique(user[y > 0]))])
    return out
