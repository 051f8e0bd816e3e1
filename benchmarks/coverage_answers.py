"""Worlds with known truth, sampled, and answered as a published row would be; and what an ideal observer could do.

*Realised* is judged against what happened in the world, *process* against the law that generated it: its share in a
population of a million drawn from that law.

The ideal half-width is that of an observer who knows each user's chance of being seen (that is, the law of visits) and
divides by it: the rest is what the coin flips of sampling leave. No estimator without that knowledge can be narrower
for long; how much wider it is tells what not knowing costs.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from coverage_cells import Cell
from coverage_worlds import (
    LOADS,
    PAIR_SHAPES,
    USERS_SHAPES,
    Ints,
    Rng,
    sessions_of,
    span,
    spread_over_segments,
    tabulate,
)

from jobs.estimation.answers import as_allowed
from jobs.estimation.design_effect import Relatives, borrowed_by_total
from jobs.estimation.intervals import Z95, wilson
from jobs.estimation.limits import Interval
from jobs.estimation.people import (
    PeopleEstimate,
    pageviews_per_visitor_estimate,
    retention_estimate,
    two_day_review_bounds,
    unique_ctr_estimate,
    users_estimate,
)
from jobs.estimation.regimes import regime_sums
from jobs.estimation.share_limits import share_verdict
from jobs.estimation.totals import TotalEstimates, TotalSums, horvitz_thompson

Array = np.ndarray
MILLION = 1_000_000


@dataclass(frozen=True)
class Judged:
    """An answer and what it is held against; `ideal` is the ideal half-width, relative for counts."""

    inference: str
    truth: float
    answer: PeopleEstimate
    ideal: float


def seed_of(cell: Cell) -> int:
    """A cell's seed, from its name."""
    return int.from_bytes(hashlib.sha256(repr(cell).encode()).digest()[:8], "big")


def users_world(cell: Cell, rng: Rng) -> list[Judged]:
    """A count of visitors, with or without a 100 % segment."""
    n = _visits(cell, rng)
    inside = np.zeros_like(n)
    if cell.regime == "100 % segment":
        inside, n = spread_over_segments(rng, n, 1 / 3)
    kept = rng.binomial(n, cell.rate1)
    answer = _users(kept, inside, cell.rate1)
    return [Judged("realised", float(cell.size), answer, Z95 * math.sqrt(_unseen_variance(n[inside == 0], cell.rate1)))]


def _visits(cell: Cell, rng: Rng) -> Ints:
    n = USERS_SHAPES[cell.shape](rng, cell.size)
    return sessions_of(rng, n) if cell.unit == "session" else n


def _users(kept: Ints, inside: Ints, rate: float) -> PeopleEstimate:
    table = tabulate(kept[inside == 0])
    return users_estimate(table.columns[0], table.m, rate, int((inside > 0).sum()))


def _seen(units: Ints, rate: float) -> Array:
    """Chance that at least one of so many units is kept."""
    return 1 - (1 - rate) ** units


def _unseen_variance(n: Ints, rate: float) -> float:
    """Relative variance of users seen over their expected share."""
    seen = _seen(n, rate)
    return float((seen * (1 - seen)).sum()) / float(seen.sum()) ** 2


@dataclass(frozen=True)
class Total:
    """A total with its interval."""

    lower: float
    estimate: float | None
    upper: float


def per_visitor_world(cell: Cell, rng: Rng) -> list[Judged]:
    """Pageviews per visitor; where sessions are sampled, a session holds a number of pageviews of its own."""
    n = USERS_SHAPES[cell.shape](rng, cell.size)
    inside = np.zeros_like(n)
    if cell.unit in LOADS:
        return _by_session(cell, n, rng)
    whole = n
    if cell.regime == "100 % segment":
        inside, n = spread_over_segments(rng, n, 1 / 3)
    kept = rng.binomial(n, cell.rate1)
    total = _total(np.array([cell.rate1, 1.0]), np.array([kept.sum(), inside.sum()]))
    answer = pageviews_per_visitor_estimate(total, _users(kept, inside, cell.rate1), kept.sum() + inside.sum())
    ideal = _mean_error(n, np.ones(len(n)), inside, cell.rate1, float(whole.sum()))
    return [Judged("realised", float(whole.mean()), answer, ideal)]


def _by_session(cell: Cell, n_sessions: Ints, rng: Rng) -> list[Judged]:
    user = np.repeat(np.arange(cell.size), n_sessions)
    loads = LOADS[cell.unit](rng, len(user)).astype(np.float64)
    kept = rng.random(len(user)) < cell.rate1
    # A longer window of the same wiki, and another wiki's, show giants that this window's kept sessions may not have.
    more, others = (LOADS[cell.unit](rng, 3 * len(user)).astype(np.float64) for _ in range(2))
    longer, other = (rows[rng.random(len(rows)) < cell.rate1] for rows in (more, others))
    windows = [loads[kept], np.concatenate([loads[kept], longer]), other]
    units, y, yy = (np.array([float((rows**power).sum()) for rows in windows]) for power in (0, 1, 2))
    sums = regime_sums(np.arange(3), np.full(3, cell.rate1), 3, TotalSums(y, yy, units, units))
    relatives = Relatives(np.array([1, 1, 2]), np.zeros(3, dtype=np.int64), np.array([False, True, True]))
    total = _first(horvitz_thompson(sums, borrowed=borrowed_by_total(sums, sums, relatives)))
    none = np.zeros_like(n_sessions)
    users = _users(np.bincount(user[kept], minlength=cell.size), none, cell.rate1)
    answer = pageviews_per_visitor_estimate(total, users, float(loads[kept].sum()))
    squares = np.bincount(user, loads**2, cell.size) / np.maximum(n_sessions, 1)
    ideal = _mean_error(n_sessions, squares, none, cell.rate1, float(loads.sum()))
    return [Judged("realised", float(loads.sum()) / cell.size, answer, ideal)]


def _total(rate: Array, y: Array) -> Total:
    """Estimate a total of pageviews, each its own unit, from the numbers kept at each rate."""
    y = y.astype(np.float64)
    some = (y > 0) | (rate < 1)
    sums = TotalSums(*(y[some] for _ in range(4)))
    return _first(horvitz_thompson(regime_sums(np.zeros(some.sum()), rate[some], 1, sums)))


def _first(found: TotalEstimates) -> Total:
    """Of several totals the first, as a row hands it on: without an estimate where it shows none."""
    estimate = None if found.status[0] == "bounds_only" else float(found.estimate[0])
    return Total(float(found.lower[0]), estimate, float(found.upper[0]))


def _mean_error(n: Ints, squares: Array, inside: Ints, rate: float, total: float) -> float:
    """Ideal error of a total over users: both parts vary with the same coins, so that some of it cancels.

    `squares` is the mean square of a unit's pageviews, per user.
    """
    seen = np.where(inside > 0, 1.0, _seen(n, rate))
    of_total = float((n * squares).sum()) * (1 - rate) / rate / total**2
    of_users = float((seen * (1 - seen)).sum()) / float(seen.sum()) ** 2
    both = float((n * np.where(inside > 0, 0.0, (1 - rate) ** n)).sum()) / total / float(seen.sum())
    return Z95 * math.sqrt(max(of_total + of_users - 2 * both, 0.0))


def unique_world(cell: Cell, rng: Rng) -> list[Judged]:
    """The unique click-through rate: users differ in how readily they click."""
    clicks, others = _click_units(cell, cell.size, rng)
    n_click, rate = clicks, cell.rate1
    in_click = in_other = np.zeros_like(clicks)
    if cell.regime == "100 % segment":
        (in_click, clicks), (in_other, others) = (spread_over_segments(rng, part, 1 / 3) for part in (clicks, others))
    kept = rng.binomial(clicks, rate), rng.binomial(others, rate)
    table = tabulate(*kept, (in_click > 0).astype(int), (in_other > 0).astype(int))
    full = {}
    if cell.regime == "100 % segment":
        full = {"full_click": table.columns[2] > 0, "full_shown": table.columns[3] > 0}
    arguments = dict(zip(("n_click_units", "n_shown_only_units", "m"), (*table.columns[:2], table.m), strict=True))
    seen = np.where(in_click + in_other > 0, 1.0, _seen(clicks + others, rate))
    seen_click = np.where(in_click > 0, 1.0, _seen(clicks, rate))
    return _of_shares(cell, unique_ctr_estimate, arguments | {"rate": rate} | full, (n_click > 0, seen_click, seen))


def _click_units(cell: Cell, size: int, rng: Rng) -> tuple[Ints, Ints]:
    """Units with a click and without, per user."""
    n = USERS_SHAPES[cell.shape](rng, size)
    if cell.unit not in LOADS:
        clicks = rng.binomial(n, rng.beta(0.3, 2.0, size))
        return clicks, n - clicks
    user = np.repeat(np.arange(size), n)
    chance = rng.beta(0.3, 4.0, size)[user]
    clicked = rng.random(len(user)) < -np.expm1(LOADS[cell.unit](rng, len(user)) * np.log1p(-chance))
    clicks = np.bincount(user[clicked], minlength=size)
    return clicks, n - clicks


def two_day_world(cell: Cell, rng: Rng) -> list[Judged]:
    """Review clicks on two or more of 28 days; a user's pageviews fall on few days of their own."""
    user, day, clicked = _review_days(cell, cell.size, rng)
    kept = rng.random(len(user)) < cell.rate1
    clicks = np.bincount(user[kept & clicked], minlength=cell.size)
    others = np.bincount(user[kept & ~clicked], minlength=cell.size)
    users = _users(clicks + others, np.zeros_like(clicks), cell.rate1)
    table = tabulate(clicks, others)
    seen = _on_two_days(user, day, kept & clicked, cell.size)
    answer = two_day_review_bounds(seen, users, cell.rate1, *table.columns, table.m)
    truth = _on_two_days(user, day, clicked, cell.size) / cell.size
    return [
        Judged("realised", truth, answer, math.nan),
        Judged("process", _of_law(_law(cell)), _of_process(answer), math.nan),
    ]


def _review_days(cell: Cell, size: int, rng: Rng) -> tuple[Ints, Ints, Array]:
    n = USERS_SHAPES[cell.shape](rng, size)
    user = np.repeat(np.arange(size), n)
    clicked = rng.random(len(user)) < rng.beta(0.6, 1.5, size)[user]
    return user, rng.integers(0, 1 + rng.poisson(4, size)[user]), clicked


def _on_two_days(user: Ints, day: Ints, chosen: Array, size: int) -> int:
    pairs = np.unique(user[chosen] * 100 + day[chosen])
    return int((np.bincount(pairs // 100, minlength=size) >= 2).sum())


def retention_world(cell: Cell, rng: Rng) -> list[Judged]:
    """The share of a window's visitors who return, in any unit and regime."""
    only_first, both, only_second = _windows(cell, cell.size, rng)
    present, returned = only_first + both > 0, only_second + both > 0
    inside = np.zeros_like(both)
    if cell.regime == "100 % segment":
        inside, only_first = spread_over_segments(rng, only_first, 1 / 3)
    kept = rng.binomial(only_first, cell.rate1), rng.binomial(both, cell.rate1), rng.binomial(only_second, cell.rate2)
    first = np.where(inside > 0, 1.0, _seen(only_first + both, cell.rate1))
    # Whoever has a kept session in both windows is seen in both at once; the others by a unit in each.
    apart = np.where(inside > 0, 1.0, _seen(only_first, cell.rate1)) * _seen(only_second, cell.rate2)
    together = _seen(both, cell.rate1)
    returning = together + (1 - together) * apart
    parts = returned[present], returning[present], first[present]
    return _of_shares(cell, retention_estimate, _windows_table(cell, *kept, inside), parts)


def _windows(cell: Cell, size: int, rng: Rng) -> tuple[Ints, Ints, Ints]:
    """Units in the first window only, in both, in the second only, per user."""
    first, second = PAIR_SHAPES[cell.shape](rng, size)
    if cell.unit == "session":
        first, second = sessions_of(rng, first), sessions_of(rng, second)
    if cell.regime in ("one rate", "100 % segment"):
        return first, np.zeros_like(first), second
    return span(rng, first, second, cell.regime)


def _windows_table(cell: Cell, only_first: Ints, both: Ints, only_second: Ints, inside: Ints) -> dict[str, Any]:
    """Reduce what was kept to the arguments of the estimator."""
    table = tabulate(only_first + both, only_second + both, both, (inside > 0).astype(int))
    arguments = {"k1": table.columns[0], "k2": table.columns[1], "m": table.m}
    arguments |= {"rate1": cell.rate1, "rate2": cell.rate2}
    if cell.regime == "100 % segment":
        return arguments | {"full1": table.columns[3] > 0}
    if cell.unit == "session":
        arguments["spanning"] = table.columns[2]
    return arguments


def _of_shares(
    cell: Cell,
    estimator: Callable[..., PeopleEstimate],
    arguments: dict[str, Any],
    users: tuple[Array, Array, Array],
) -> list[Judged]:
    """Judge a share under both inferences; the process adds the chance by which these users are those they are.

    `users` are those of the denominator: whether each counts in the numerator, the chance that this is seen, and the
    chance that the user is seen at all.
    """
    counts, seen_counting, seen = users
    n, truth, law = len(counts), float(counts.mean()), _of_law(_law(cell))
    # With every chance known, z = C / P(C) - share * S / P(S) has the mean C - share, and C is seen only where S is.
    counting = 1 / np.maximum(seen_counting, 1e-12) - (2 * truth - truth**2) / seen - (1 - truth) ** 2
    variance = max(float(np.where(counts, counting, truth**2 * (1 / seen - 1)).sum()), 0.0) / n**2
    ideals = {"realised": Z95 * math.sqrt(variance), "process": Z95 * math.sqrt(variance + law * (1 - law) / n)}
    truths = {"realised": truth, "process": law}
    answer = estimator(**arguments)
    answers = {"realised": answer, "process": _of_process(answer)}
    return [Judged(name, truths[name], answers[name], ideals[name]) for name in answers]


def _of_process(answer: PeopleEstimate) -> PeopleEstimate:
    """What the row of the process states; where everything was kept, with an interval and limits of its own."""
    if answer.estimator != "ratio":
        return answer.process or answer
    lower, upper = wilson(answer.estimate * answer.n_seen, answer.n_seen)
    interval = Interval(answer.estimate, float(lower[0]), float(upper[0]))
    return as_allowed(share_verdict(interval), interval, answer, None)


def _law(cell: Cell) -> Cell:
    """What of a cell its process is made of: neither how many users came nor what was kept."""
    return replace(cell, size=0, rate1=0.0, rate2=0.0)


@cache
def _of_law(cell: Cell) -> float:
    """A share in a population of a million drawn from a law."""
    rng = np.random.default_rng([seed_of(cell), 1])
    if cell.family == "unique CTR":
        return float((_click_units(cell, MILLION, rng)[0] > 0).mean())
    if cell.family == "two-day review":
        user, day, clicked = _review_days(cell, MILLION // 5, rng)
        return _on_two_days(user, day, clicked, MILLION // 5) / (MILLION // 5)
    only_first, both, only_second = _windows(cell, MILLION, rng)
    return float((only_second + both > 0)[only_first + both > 0].mean())


WORLDS: dict[str, Callable[[Cell, Rng], list[Judged]]] = {
    "users": users_world,
    "pageviews per visitor": per_visitor_world,
    "unique CTR": unique_world,
    "two-day review": two_day_world,
    "retention": retention_world,
}
