"""Does any population explain the counts? The deviance of a fit against the counts themselves.

A fit over all populations (`int`) can be missed by data for three reasons only: the rate is not the declared one, units
arrived twice, or units of a user were not kept independently. All three make every number about people wrong, and none
shows in an interval's width.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

Array = NDArray[np.float64]

MISFIT = 1e-3
"""A fit whose deviance is this improbable is `caution` at best (statistics R2 4)."""

MANY = 40.0  # expected users of a cell from which its deviance is a chi-square variable with one degree of freedom


def misfit_probability(counts: Array, expected: Array) -> float:
    """Give the probability of a deviance as large as that of the counts, were the fit the truth.

    The deviance 2 sum [m log(m / e) - (m - e)] is a chi-square variable only where many users are expected in every
    cell. Mean and variance of each cell's term are therefore those of a Poisson count of its expectation, and the sum
    is taken as a gamma variable with their mean and variance (McCullagh 1986 does so for sparse data). The fit was made
    to the same counts, which lowers the deviance: the probability is too large rather than too small.

    Args:
        counts: users per cell, all cells that could be seen, empty ones included.
        expected: users expected per cell by the fit; of the same sum.

    Returns:
        A probability; 1 where there is nothing to compare.
    """
    possible = expected > 1e-9
    m, e = counts[possible], expected[possible]
    if len(m) < 2 or m.sum() <= 0:
        return 1.0
    deviance = float(_terms(m, e).sum()) + 2 * float(counts[~possible].sum()) * np.log(1e9)
    mean, variance = _moments(e)
    # The sum of all cells is given. Where nearly all users are in one cell, a gamma law of less than one degree of
    # freedom would call rounding a misfit.
    total, spread = max(float(mean.sum()) - 1.0, 1.0), float(variance.sum())
    return float(stats.gamma.sf(deviance, total**2 / spread, scale=spread / total))


def _terms(m: Array, e: Array) -> Array:
    """Each cell's part of the deviance."""
    return np.asarray(2 * (special.xlogy(m, m / e) - (m - e)), dtype=np.float64)


def _moments(e: Array) -> tuple[Array, Array]:
    """Mean and variance of a cell's part of the deviance, its count being a Poisson variable of mean `e`."""
    mean, variance = np.ones(len(e)), np.full(len(e), 2.0)
    few = e < MANY
    k = np.arange(0.0, 4 * MANY)[:, None]
    chance = stats.poisson.pmf(k, e[few][None, :])
    part = _terms(k, e[few][None, :])
    mean[few] = (chance * part).sum(axis=0)
    variance[few] = (chance * part**2).sum(axis=0) - mean[few] ** 2
    return mean, variance
