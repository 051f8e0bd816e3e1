"""Confidence intervals for shares, counts, ratios and thinned counts, on whole arrays.

Every function takes array-likes that broadcast together, works in float64 and returns arrays. Intervals are two-sided
95 % unless `confidence` says otherwise; each end of one is therefore a 97.5 % one-sided limit. A missing answer is
NaN, never infinity, so that it can be stored as null.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import special

FloatArray = npt.NDArray[np.float64]

Z95 = 1.959963984540054
"""97.5 % quantile of the standard normal distribution."""


def as_float(values: npt.ArrayLike) -> FloatArray:
    """Return the values as a float64 array of at least one dimension."""
    return np.atleast_1d(np.asarray(values, dtype=np.float64))


MIN_DEGREES = 2
"""Fewest degrees of freedom of an interval of totals: below, the quantile grows faster than what is gained."""


def wilson(
    successes: npt.ArrayLike, n: npt.ArrayLike, n_effective: npt.ArrayLike | None = None
) -> tuple[FloatArray, FloatArray]:
    """Compute the Wilson score interval of a share.

    Args:
        successes: successes, at least 0 and at most n; may be weighted.
        n: trials; where 0, nothing is known and the interval is [0, 1].
        n_effective: sample size the share is worth (trials over design effect, Korn and Graubard 1998); default n.

    Returns:
        Lower and upper limits, inside [0, 1]. At 0 successes lower is 0 and upper is z^2 / (n + z^2); at n successes
        upper is 1.

    Source: Wilson 1927; equals R `prop.test(correct = FALSE)` where n_effective is n.
    """
    hits, trials = np.broadcast_arrays(as_float(successes), as_float(n))
    size = trials if n_effective is None else np.broadcast_to(as_float(n_effective), trials.shape)
    known = (trials > 0) & (size > 0)
    share = np.divide(hits, trials, out=np.zeros(trials.shape), where=known)
    m = np.where(known, size, 1.0)
    centre = (share + Z95**2 / (2 * m)) / (1 + Z95**2 / m)
    half = Z95 / (1 + Z95**2 / m) * np.sqrt(np.clip(share * (1 - share), 0, None) / m + Z95**2 / (4 * m**2))
    lower = np.where(known & (share > 0), np.clip(centre - half, 0, 1), 0.0)
    upper = np.where(known & (share < 1), np.clip(centre + half, 0, 1), 1.0)
    return lower, upper


def normal_or_student(df: npt.ArrayLike | None = None) -> FloatArray:
    """Return the 97.5 % quantile of Student's t with `df` degrees of freedom (at least 1), or of the normal without."""
    if df is None:
        return np.array([Z95])
    return np.asarray(special.stdtrit(np.maximum(as_float(df), 1.0), 0.975), dtype=np.float64)


def log_ratio_interval(
    r: npt.ArrayLike, se: npt.ArrayLike, df: npt.ArrayLike | None = None
) -> tuple[FloatArray, FloatArray]:
    """Compute the log-scale interval r / f, r * f with f = exp(q se / r).

    Args:
        r: positive ratios. Where r is 0 the log scale says nothing about the upper limit: lower 0, upper NaN.
        se: their standard errors; 0 gives [r, r], NaN gives NaN.
        df: degrees of freedom of se, then q is a quantile of Student's t; by default of the normal.

    Returns:
        Lower and upper limits.
    """
    ratio, error, quantile = np.broadcast_arrays(as_float(r), as_float(se), normal_or_student(df))
    positive = ratio > 0
    # Beyond exp(700) a float overflows: such an interval says nothing, so its upper end is missing.
    exponent = quantile * np.divide(error, ratio, out=np.full(ratio.shape, np.nan), where=positive)
    factor = np.exp(np.minimum(exponent, 700.0))
    lower = np.where(positive, ratio / factor, np.where(ratio == 0, 0.0, np.nan))
    return lower, np.where(positive & (exponent <= 700.0), ratio * factor, np.nan)


def log_above_floor(total: npt.ArrayLike, se: npt.ArrayLike, floor: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Compute an interval for a total of which `floor` was seen: log-normal on the unseen part, never below the floor.

    With d = total - floor and f = exp(z sqrt(log(1 + (se / d)^2))) it is [floor + d / f, floor + d f].

    Args:
        total: estimated totals.
        se: their standard errors.
        floor: what was seen for certain; where nothing is unseen (d <= 0) or se is 0 the interval is [total, total].

    Returns:
        Lower and upper limits.

    Source: Chao 1987, for a population total above the number of distinct units seen.
    """
    estimate, error, seen = np.broadcast_arrays(as_float(total), as_float(se), as_float(floor))
    unseen = estimate - seen
    open_ended = (unseen > 0) & (error > 0)
    d = np.where(open_ended, unseen, 1.0)
    factor = np.exp(Z95 * np.sqrt(np.log1p((np.where(open_ended, error, 0.0) / d) ** 2)))
    return np.where(open_ended, seen + d / factor, estimate), np.where(open_ended, seen + d * factor, estimate)


def ratio_from_limits(
    numerator: tuple[FloatArray, FloatArray, FloatArray],
    denominator: tuple[FloatArray, FloatArray, FloatArray],
    correlation: npt.ArrayLike,
) -> tuple[FloatArray, FloatArray]:
    """Compute limits of a ratio Y / X from separate limits of Y and X ("method of variance estimates recovery").

    Each distance between an estimate and its limit stands for a standard error on that side, so that limits of any
    shape keep theirs in the ratio. Where X is too uncertain for the formula (its upper limit is twice the estimate),
    the ends are divided crosswise, which is conservative.

    Args:
        numerator: estimate, lower and upper limit of Y >= 0.
        denominator: estimate, lower and upper limit of X > 0.
        correlation: between the errors of Y and X.

    Returns:
        Lower and upper limits; NaN where the lower limit of X is 0.

    Source: Donner and Zou 2012, Stat. Methods Med. Res. 21, equation for a ratio of correlated estimates.
    """
    (y, y_low, y_high), (x, x_low, x_high) = numerator, denominator
    rho = as_float(correlation)
    safe = (x_high < 2 * x) & (x_low > 0)

    def root(y_end: FloatArray, x_end: FloatArray, sign: float) -> FloatArray:
        product = y * x - rho * np.abs(y - y_end) * np.abs(x - x_end)
        scale = np.where(safe, x_end * (2 * x - x_end), 1.0)
        inside = np.clip(product**2 - y_end * (2 * y - y_end) * scale, 0.0, None)
        return np.asarray((product + sign * np.sqrt(inside)) / scale, dtype=np.float64)

    known = x_low > 0
    crosswise_low = np.divide(y_low, x_high, out=np.full(x.shape, np.nan), where=known)
    crosswise_high = np.divide(y_high, x_low, out=np.full(x.shape, np.nan), where=known)
    lower = np.where(safe, root(y_low, x_high, -1.0), crosswise_low)
    return lower, np.where(safe, root(y_high, x_low, 1.0), crosswise_high)


def binomial_inversion(
    kept: npt.ArrayLike, rate: npt.ArrayLike, confidence: float = 0.95
) -> tuple[FloatArray, FloatArray]:
    """Compute exact limits of the number of units there were, when each was kept with a known probability.

    The limits are the numbers N at which what was kept stops being plausible under Binomial(N, rate):
    P(K >= kept | lower) = P(K <= kept | upper) = (1 - confidence) / 2. They are real-valued roots, which lie at most
    one unit outside the whole numbers that pass the test, so rounding never loses coverage.

    Args:
        kept: kept units, at least 0; may be fractional (a count over its design effect), then the binomial tail is
            continued by the incomplete beta function.
        rate: probability in (0, 1] with which a unit was kept. At rate 1 both limits are `kept`.
        confidence: two-sided confidence.

    Returns:
        Lower and upper limits, lower never below `kept`. At kept = 0: 0 and log(tail) / log(1 - rate).

    Source: Clopper and Pearson 1934, inverted in N instead of the probability.
    """
    k, p = np.broadcast_arrays(as_float(kept), as_float(rate))
    # A root costs much and small counts are alike: each distinct pair is inverted once.
    (k, p), places = np.unique(np.stack([k, p]), axis=1, return_inverse=True)
    tail = (1 - confidence) / 2
    sampled = p < 1
    q = np.where(sampled, p, 0.5)
    upper = np.where(sampled, special.bdtrin(k, tail, q), k)
    # P(K >= k | N) = tail is P(K <= k - 1 | N) = 1 - tail; below one kept unit every N is plausible.
    lower = np.where(sampled & (k >= 1), special.bdtrin(np.maximum(k - 1, 0.0), 1 - tail, q), k)
    return np.maximum(lower, k)[places], np.maximum(upper, k)[places]
