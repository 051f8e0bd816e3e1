"""How often a milestone is called reached in a year of daily looks although its truth stays just below the target.

    python benchmarks/milestones_error.py [--years 1000] [--seed 20260319]

Each world is a year of one wiki whose truth is a share of the target on every day. Every day the newest window is
looked at, with the 95 % interval that a row of `metric_values` would have. Three ways of calling it reached, on the
same looks: `naive` is the lower limit past the target on any one of them, `apart` two such windows without a common
day, and `rule` what the product does (`jobs.estimation.milestones.passing`). The figures stand in docs/milestones.md.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

from jobs.estimation.looks import Goal, Look
from jobs.estimation.milestones import passing

YEAR, START = 365, date(2026, 1, 1)
Z = float(norm.isf(0.025))
SHARES = (0.98, 0.99, 1.0)  # of the target
Floats = npt.NDArray[np.float64]
Values = tuple[Floats, Floats]  # estimates and lower limits, a row per world and a column per look
World = Callable[[np.random.Generator, int, float], Values]


def moving_sum(daily: npt.NDArray[np.int64], days: int) -> Floats:
    total = np.cumsum(np.pad(daily, ((0, 0), (1, 0))), axis=1)
    return (total[:, days:] - total[:, :-days]).astype(np.float64)


def wilson(successes: Floats, n: Floats) -> Values:
    """Share of users with its lower limit by Wilson, as of users in general."""
    share = successes / n
    middle, half = share + Z**2 / (2 * n), Z * np.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    return share, (middle - half) / (1 + Z**2 / n)


def rate(days: int, users_a_day: int, target: float) -> World:
    """A rate over a rolling window: each day has its own users."""

    def world(rng: np.random.Generator, years: int, share: float) -> Values:
        users = rng.poisson(users_a_day, (years, YEAR))
        successes = rng.binomial(users, share * target)
        return wilson(moving_sum(successes, days), moving_sum(users, days))

    return world


def cohorts(users: int, target: float) -> World:
    """A weekly cohort's share of users who come back."""

    def world(rng: np.random.Generator, years: int, share: float) -> Values:
        cohort = rng.poisson(users, (years, YEAR // 7 - 1))
        return wilson(rng.binomial(cohort, share * target).astype(np.float64), cohort.astype(np.float64))

    return world


def sampled_count(days: int, target: float, kept: float) -> World:
    """A count over a rolling window that is known by a sample: the truth itself never moves."""

    def world(rng: np.random.Generator, years: int, share: float) -> Values:
        seen = moving_sum(rng.binomial(round(share * target / days), kept, (years, YEAR)), days)
        return seen / kept, seen / kept - Z * np.sqrt(seen * (1 - kept)) / kept

    return world


def quarter_count(target: float, kept: float) -> World:
    """A count that grows as t^0.7 in each quarter, to a share of the target on its last day, known by a sample."""

    def world(rng: np.random.Generator, years: int, share: float) -> Values:
        days = np.arange(1, 92)
        truth = np.floor(share * target * (days / 91) ** 0.7).astype(np.int64)
        new = np.tile(np.diff(truth, prepend=0), 4)
        kept_new = rng.binomial(new, kept, (years, len(new))).reshape(years, 4, 91)
        seen = np.cumsum(kept_new, axis=2).reshape(years, -1).astype(np.float64)
        return seen / kept, seen / kept - Z * np.sqrt(seen * (1 - kept)) / kept

    return world


def whole_count(target: float) -> World:
    """Visitors of a week at 100 %: nothing is estimated, the number of people itself goes up and down."""

    def world(rng: np.random.Generator, years: int, share: float) -> Values:
        visitors = moving_sum(rng.poisson(share * target / 7, (years, YEAR)), 7)
        return visitors, visitors

    return world


WINDOWS = {"rate, 1 day": (1, 1), "rate, 7 days": (7, 1), "rate, 28 days": (28, 1), "cohorts of 14 days": (14, 7)}
WORLDS: dict[str, tuple[World, float]] = {
    "rate, 1 day": (rate(1, 150, 0.3), 0.3),
    "rate, 7 days": (rate(7, 150, 0.3), 0.3),
    "rate, 28 days": (rate(28, 150, 0.3), 0.3),
    "cohorts of 14 days": (cohorts(2401, 0.5), 0.5),
    "count at 50 %, 7 days": (sampled_count(7, 2401, 0.5), 2401),
    "count at 50 %, quarter to date": (quarter_count(2000, 0.5), 2000),
    "count at 100 %, 7 days (see text)": (whole_count(2401), 2401),
}


def windows(name: str, n_looks: int) -> list[tuple[date, date]]:
    """First and last day of each look's window."""
    if "quarter" in name:
        return [(START + timedelta(days=n - n % 91), START + timedelta(days=n)) for n in range(n_looks)]
    days, step = WINDOWS.get(name, (7, 1))
    firsts = [START + timedelta(days=n * step) for n in range(n_looks)]
    return [(first, first + timedelta(days=days - 1)) for first in firsts]


def apart(lasts: Sequence[tuple[date, date]]) -> bool:
    """Whether two windows have no day in common."""
    return bool(lasts) and lasts[0][1] < lasts[-1][0]


def errors(name: str, world: World, target: float, share: float, years: int, seed: int) -> tuple[float, float, float]:
    """Return how often each way calls a milestone reached, as a share of the years."""
    estimates, lowers = world(np.random.default_rng(seed), years, share)
    spans = windows(name, estimates.shape[1])
    goal = Goal(target, START, is_nested="quarter" in name)
    found = np.zeros(3)
    for estimate, lower in zip(estimates.tolist(), lowers.tolist(), strict=True):
        past = [span for span, limit in zip(spans, lower, strict=True) if limit >= target]
        if not past:  # then by no rule
            continue
        looks = [Look(*span, value, limit) for span, value, limit in zip(spans, estimate, lower, strict=True)]
        found += np.array([True, apart(past), passing(looks, goal)[1] is not None])
    naive, pairs, rule = found / years
    return naive, pairs, rule


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--years", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=20260319)
    options = parser.parse_args()
    began = time.perf_counter()
    print(f"{options.years} years each, seed {options.seed}\n")
    print("| metric | truth of target | naive | apart | rule |\n|---|---|---|---|---|")
    for name, (world, target) in WORLDS.items():
        for share in SHARES:
            figures = errors(name, world, target, share, options.years, options.seed)
            print(f"| {name} | {share:.0%} | " + " | ".join(f"{figure:.1%}" for figure in figures) + " |", flush=True)
    print(f"\n{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
