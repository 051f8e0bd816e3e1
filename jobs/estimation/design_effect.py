"""Design effects of sessions that the kept ones cannot show: what a row borrows from longer windows and other wikis.

The design effect of clustering is sum y^2 / sum y over the units there were. Where a few sessions bear most events, the
kept ones do not tell: a giant that was missed is in neither sum, and exactly then the interval is short. A longer
window of the same wiki has met more sessions, and so have other wikis whose unit is the session. A row therefore takes
the largest of three: its own effect (`totals.py`), that of the longest window of its wiki that ends on the same day,
and that of the longest windows of all such wikis together, the row's own among them.

What is borrowed comes from a sample, too, and is enlarged for two reasons.

- *Few decide.* It rests on m = (sum w y)^2 / sum w^2 y^2 effective sessions, w = 1 / rate. Like Student's t for the
  normal interval, (t / z)^2 with m - 1 degrees of freedom widens it.
- *More sessions have larger giants.* For a Pareto law of index a between 1 and 2, sum y^2 / sum y grows with the number
  of sessions to the power (2 - a) / a, for light tails not at all. The row stands for N sessions, the reference saw n:
  it is multiplied by t^g with t = 1 + N / n + min(N / n, 1), 20 at most. The power g goes from 0 (the squared
  coefficient of variation cv^2 of the sessions' events is 1 at most, as that of an exponential law) to 1 (it is 3 and
  more). A sample without giants has a small cv^2, whatever the law: it counts as larger by 8 / sqrt(n), but not by more
  than 1.5.

The form of t and the constants 1, 3, 8, 1.5 and 20 were chosen on Pareto, lognormal and geometric sessions at
rates from .01 to .95, alone and beside other wikis: the smallest with which intervals held the truth in 93 % of the
worlds of nearly every cell (`benchmarks/coverage.py` measures them on worlds of their own).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from jobs.estimation.intervals import MIN_DEGREES, Z95, FloatArray, normal_or_student
from jobs.estimation.ratios import Borrowed, PairSums
from jobs.estimation.regimes import BoolArray, IntArray, RegimeSums, Sums
from jobs.estimation.totals import ClusterSums

LIGHT_VARIATION, HEAVY_VARIATION = 1.0, 3.0
"""Squared coefficients of variation up to which a reference is not extrapolated, and from which on it is in full."""

UNCERTAIN_VARIATION, MOST_UNCERTAIN = 8.0, 1.5
"""By how much a squared coefficient of variation from n sessions counts as larger: 8 / sqrt(n), 1.5 at most."""

FARTHEST = 20.0
"""Limit of t; beyond it nothing was measured."""


@dataclass(frozen=True)
class Relatives:
    """Where rows look for a reference.

    Attributes:
        longest: of each row, the row of the longest window of the same wiki and number (it may be itself).
        peers: of each row, the number of the group whose members' sums are taken together.
        is_member: the rows that groups consist of: longest windows, of one number, of wikis that do not overlap.
    """

    longest: IntArray
    peers: IntArray
    is_member: BoolArray

    @classmethod
    def alone(cls, n_rows: int) -> Relatives:
        """Return relatives of rows that have none but themselves."""
        rows = np.arange(n_rows)
        return cls(rows, rows, np.ones(n_rows, dtype=bool))

    def own(self, values: FloatArray) -> FloatArray:
        """Return the value of each row's longest window."""
        return values[self.longest]

    def together(self, values: FloatArray) -> FloatArray:
        """Return the sum over the members of each row's group."""
        size = int(self.peers.max(initial=-1)) + 1
        return np.bincount(self.peers[self.is_member], values[self.is_member], size).astype(np.float64)[self.peers]


@dataclass(frozen=True)
class Concentration(Sums):
    """How unevenly events lie on sessions, sums over kept ones weighted by w = 1 / rate.

    Attributes:
        total: sum of w y.
        squares: sum of w y^2.
        weighted_squares: sum of w^2 y^2.
        units: sum of w.
        kept: number of sessions.
    """

    total: FloatArray
    squares: FloatArray
    weighted_squares: FloatArray
    units: FloatArray
    kept: FloatArray

    def margin(self) -> FloatArray:
        """Compute by how much few effective sessions widen."""
        effective = _divide(self.total**2, self.weighted_squares, 0.0)
        return np.asarray((normal_or_student(np.maximum(effective - 1, MIN_DEGREES)) / Z95) ** 2)

    def growth(self, wanted: FloatArray) -> FloatArray:
        """Compute the factor by which the effect among `wanted` sessions exceeds that among the kept ones."""
        variation = _divide(self.units * self.squares, self.total**2, 1.0) - 1
        unsure = np.minimum(UNCERTAIN_VARIATION / np.sqrt(np.maximum(self.kept, 1.0)), MOST_UNCERTAIN)
        power = (variation + unsure - LIGHT_VARIATION) / (HEAVY_VARIATION - LIGHT_VARIATION)
        more = _divide(wanted, self.kept, 0.0)
        times = np.minimum(1 + more + np.minimum(more, 1.0), FARTHEST)
        return np.asarray(times ** np.clip(power, 0.0, 1.0))


def borrowed_by_total(kept: RegimeSums[Any], sessions: RegimeSums[ClusterSums], relatives: Relatives) -> FloatArray:
    """Compute the design effect that each entry borrows from the relatives of its row.

    Args:
        kept: the entries that ask.
        sessions: sums over kept sessions only, of the same rows.
        relatives: where rows look.

    Returns:
        An effect of at least 1 per entry, 1 where no relative has an event; NaN for entries without sessions.
    """
    sums, found = concentration(sessions), []
    for take, wanted in _looks(relatives, sums):
        of = sums.each(take)
        effect = _divide(of.squares, of.total, 1.0) * of.growth(wanted)
        found.append(1 + (effect - 1) * of.margin())
    return _of_entries(kept, sessions, np.maximum(*found))


def borrowed_by_ratio(
    kept: RegimeSums[Any],
    pairs: RegimeSums[PairSums],
    clicks: RegimeSums[ClusterSums],
    shown: RegimeSums[ClusterSums],
    relatives: Relatives,
) -> Borrowed:
    """Compute what each entry of a ratio borrows: design effects of its totals, and sum e^2 / sum x of its residuals.

    Args:
        kept: the entries that ask.
        pairs: sums over kept sessions only, of the same rows.
        clicks: the numerators of the same sessions.
        shown: their denominators.
        relatives: where rows look; their residuals e = y - R x are from their own ratio R.
    """
    sums, names, found = concentration(shown), ("y", "x", "yy", "xy", "xx"), []
    weighted = PairSums(*(pairs.by_row(getattr(pairs.sums, name) / pairs.rate) for name in names))
    for take, wanted in _looks(relatives, sums):
        of, pair = sums.each(take), weighted.each(take)
        residuals = pair.squared_residuals(_divide(pair.y, pair.x, 0.0))
        found.append(_divide(residuals, pair.x, 0.0) * of.growth(wanted) * of.margin())
    numerator, denominator = (borrowed_by_total(kept, total, relatives) for total in (clicks, shown))
    return Borrowed(_of_entries(kept, pairs, np.maximum(*found)), numerator, denominator)


def _looks(
    relatives: Relatives, sums: Concentration
) -> tuple[tuple[Callable[[FloatArray], FloatArray], FloatArray], ...]:
    """Return the two ways to look, each with the sessions to extrapolate to: the own window is taken as it is."""
    return (relatives.own, np.zeros(len(sums.units))), (relatives.together, sums.units)


def _of_entries(kept: RegimeSums[Any], sessions: RegimeSums[Any], of_rows: FloatArray) -> FloatArray:
    """Give the value of a row to those of its entries that have sessions, NaN to others."""
    return np.where(kept.are_among(sessions), of_rows[kept.row], np.nan)


def concentration(kept: RegimeSums[ClusterSums]) -> Concentration:
    """Add up how unevenly the events of each row lie."""
    sums, rate = kept.sums, kept.rate
    return Concentration(
        total=kept.by_row(sums.y / rate),
        squares=kept.by_row(sums.yy / rate),
        weighted_squares=kept.by_row(sums.yy / rate**2),
        units=kept.by_row(sums.clusters / rate),
        kept=kept.by_row(sums.clusters),
    )


def _divide(numerator: FloatArray, denominator: FloatArray, otherwise: float) -> FloatArray:
    found = np.full(np.shape(denominator), otherwise)
    np.divide(numerator, denominator, out=found, where=denominator > 0)
    return found
