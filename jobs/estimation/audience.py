"""How many editors would be eligible over a longer window: distinct editors grow as a power of time, never linearly.

Those who edit this month are mostly those who edited last month, so twice the days bring fewer than twice the editors.
With N editors in a window of D days, `N * (days / D)^b`, where b is what the two longest shorter windows show. The
range is that of projections on real sequences (`jobs/estimation/milestones.py`), nothing is said beyond four times the
longer one, fewer than were counted are never projected, and never more than a still longer window has. Where a window
of so many days was counted, that is the number, and the projection can be held against it.

Windows that are held against each other are those of one snapshot: another one knows other bots, moves and deletions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from jobs.estimation.course import HORIZON
from jobs.estimation.milestones import FASTER, SLOWER

PROJECTED_DAYS = 56  # eight weeks, the length of a rollout's first experiment


@dataclass(frozen=True)
class Projection:
    """Editors to be expected in a longer window.

    Attributes:
        growth_exponent: b of t^b, from 0 (nobody new comes) to 1 (everybody does).
        days: of the longer window.
        projected, lower, upper: distinct editors; about nine in ten outcomes lie within the range.
    """

    growth_exponent: float
    days: int
    projected: float
    lower: float
    upper: float


def is_few(n: float, min_users: int) -> bool:
    """Return whether a number of people is hidden: there is somebody, and they are fewer than may be shown."""
    return 1 <= n < min_users


def growth(shorter: int, n_shorter: float, longer: int, n_longer: float) -> float:
    """Return b of t^b, within 0 to 1, from the editors in two windows that end on the same day.

    Args:
        shorter, longer: days of the windows.
        n_shorter, n_longer: editors in them, at least one in each.
    """
    return _within_one(math.log(n_longer / n_shorter) / math.log(longer / shorter))


def project(counts: Mapping[int, float | None], days: int = PROJECTED_DAYS) -> Projection | None:
    """Carry the number of eligible editors on to a longer window.

    Args:
        counts: editors by days of the window, windows of one snapshot that end on the same day; null where they are
            hidden. The two longest that are shorter than `days` count; of those that are longer, the smallest count
            that is not hidden is the most there can be.
        days: of the longer window.

    Returns:
        None where there is nothing to go by: fewer than two shorter windows, a hidden count, nobody in a window, a
        longer one that is not a quarter of `days`, or fewer editors in more than `days` than in it.
    """
    shorter = sorted(window for window in counts if window < days)
    if len(shorter) < 2:
        return None
    short, long = shorter[-2:]
    n_short, n_long = counts[short], counts[long]
    if not n_short or not n_long or days > HORIZON * long:
        return None
    most = min((n for window, n in counts.items() if window > days and n is not None), default=math.inf)
    if most < n_long:
        return None
    exponent = growth(short, n_short, long, n_long)
    projected, lower, upper = (
        min(n_long * (days / long) ** _within_one(exponent + error), most) for error in (0, -SLOWER, FASTER)
    )
    return Projection(exponent, days, projected, lower, upper)


def _within_one(exponent: float) -> float:
    return min(max(exponent, 0.0), 1.0)
