"""Profile-likelihood intervals: the values whose best log-likelihood lies within a threshold of the maximum."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Point:
    """A point of a profile, in nats.

    Attributes:
        upper: proven upper limit of the log-likelihood with the functional held at this value.
        reached: log-likelihood of the weights found there.
        slope: derivative of the profile by the functional.
    """

    upper: float
    reached: float
    slope: float


Profile = Callable[[float], Point]

MAX_EVALUATIONS = 25
ROOT_TOLERANCE = 0.02  # in standard deviations: an end is off by at most 1 % of the half-width


def profile_interval(
    profile: Profile, peak: float, maximum: float, limits: tuple[float, float], step: float, cut: float
) -> tuple[float, float]:
    """Find both ends of a profile interval.

    Args:
        profile: the log-likelihood with the functional held at a value.
        peak: value at the maximum; the search starts here.
        maximum: log-likelihood at the maximum (a value reached, not a limit, so that doubt widens the interval).
        limits: smallest and largest possible value.
        step: first step of the search, in the functional's unit.
        cut: the deviance at either end.

    Returns:
        Lower and upper end; an end is its limit where even the limit cannot be excluded.
    """
    lower = profile_end(profile, peak, maximum, limits[0], -step, cut)
    upper = profile_end(profile, peak, maximum, limits[1], step, cut)
    return lower, upper


def profile_end(profile: Profile, peak: float, maximum: float, limit: float, step: float, cut: float) -> float:
    """Find where the deviance, 2 (maximum - profile), equals `cut` on one side: Newton's steps inside a bracket.

    The deviance's root is nearly a straight line in the functional, so that three or four evaluations do.

    Args:
        profile: as in `profile_interval`, as are `peak` and `maximum`.
        limit: the farthest possible value on this side.
        step: first step of the search, negative for the lower end.
        cut: the deviance sought.

    Returns:
        The end; `limit` where even that cannot be excluded.
    """
    reach = float(np.sqrt(cut))
    direction = 1.0 if step > 0 else -1.0
    inside, outside = peak, float("nan")
    x = peak + step
    for _ in range(MAX_EVALUATIONS):
        x = min(x, limit) if direction > 0 else max(x, limit)
        point = profile(x)
        root = float(np.sqrt(max(2 * (maximum - point.upper), 0.0)))
        if root < reach:
            if x == limit:
                return limit
            inside = x
        else:
            outside = x
        if abs(root - reach) < ROOT_TOLERANCE or abs(outside - inside) < 0.01 * abs(step):
            break
        rise = -point.slope * direction / root if root > 1e-6 else 0.0  # of the root, per unit away from the peak
        newton = x + direction * (reach - root) / rise if rise > 0 else float("nan")
        x = _next(newton, inside, outside, peak, abs(step), direction)
    # Where the bracket is all there is, its outer end is the safe one.
    return x if np.isnan(outside) or abs(root - reach) < ROOT_TOLERANCE else outside


def _next(newton: float, inside: float, outside: float, peak: float, step: float, direction: float) -> float:
    """Choose the next value: Newton's where it stays in the bracket, else bisection, or a doubled step without one."""
    if np.isnan(outside):
        farthest = max(4 * abs(inside - peak), 2 * step)
        ahead = (newton - inside) * direction
        # Slightly beyond Newton's, so that the bracket closes soon.
        return inside + direction * (min(1.05 * ahead, farthest) if ahead > 0 else farthest)
    low, high = min(inside, outside), max(inside, outside)
    margin = 0.02 * (high - low)
    return newton if low + margin < newton < high - margin else (low + high) / 2
