"""Audit of declared sampling rates from the ids that arrived.

A client keeps an id when its hash fraction, int(id[:8], 16) / 0xFFFFFFFF, is below the rate. Fractions of kept ids are
therefore uniform on [0, rate): the largest of n of them estimates the true rate and bounds it from above, without any
knowledge of how much traffic there was.

For a true rate r, P(largest <= h) = (h / r)^n, so rates above h * (1 - confidence)^(-1/n) are rejected with that
confidence. 300 ids pin a rate to 1 %.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from jobs.estimation.intervals import FloatArray, as_float
from jobs.estimation.regimes import TextArray

AS_DECLARED = "as declared"
LOWER = "lower than declared"
HIGHER = "higher than declared"
TOO_FEW = "too few ids"

MIN_IDS = 20
"""Fewer ids than this say nothing about a rate."""

MAX_IMPOSSIBLE_PAGEVIEWS = 5
"""More pageviews a day than this with ids that could not have been kept: the true rate is higher than declared."""

VERDICT_CONFIDENCE = 1 - 1e-6
"""A verdict needs this much certainty, so that thousands of clean wiki-days stay silent."""

KS_BINS = 1024
"""Bins of the fraction over the declared rate, enough to keep the test's statistic within 0.001."""


def rate_upper_limit(largest_fraction: npt.ArrayLike, n: npt.ArrayLike, confidence: float = 0.95) -> FloatArray:
    """Compute the one-sided upper limit of the true rate, min(1, h (1 / (1 - confidence))^(1 / n)).

    Args:
        largest_fraction: largest hash fraction h among the kept ids.
        n: number of distinct ids; at 0 the limit is 1.
        confidence: one-sided; at .95 the factor is 20^(1 / n).

    Returns:
        The limits, in [0, 1].
    """
    h, count = np.broadcast_arrays(as_float(largest_fraction), as_float(n))
    some = count > 0
    exponent = np.divide(-np.log1p(-confidence), count, out=np.zeros(h.shape), where=some)
    # exp(700) is near the largest float; h times that is above 1 for every fraction that is not 0.
    limit = np.where(some, h, 1.0) * np.exp(np.minimum(exponent, 700.0))
    return np.asarray(np.minimum(limit, 1.0), dtype=np.float64)


def likely_rate(largest_fraction: npt.ArrayLike, n: npt.ArrayLike) -> FloatArray:
    """Estimate the true rate without bias, min(1, h (n + 1) / n); NaN where there are no ids."""
    h, count = np.broadcast_arrays(as_float(largest_fraction), as_float(n))
    factor = np.divide(count + 1, count, out=np.full(h.shape, np.nan), where=count > 0)
    return np.asarray(np.minimum(h * factor, 1.0), dtype=np.float64)


def verdict(
    n_ids: npt.ArrayLike,
    largest_fraction: npt.ArrayLike,
    declared: npt.ArrayLike,
    n_impossible_pageviews: npt.ArrayLike,
) -> TextArray:
    """Judge declared rates.

    The first that applies: higher than declared, too few ids, lower than declared, as declared.

    Args:
        n_ids: distinct ids of the declared unit.
        largest_fraction: the largest hash fraction among them; NaN where there are none.
        declared: the rate in force.
        n_impossible_pageviews: pageviews whose ids could not have been kept at the declared rate.

    Returns:
        One of the four sentences per row.
    """
    n, h, rate, impossible = np.broadcast_arrays(
        as_float(n_ids), as_float(largest_fraction), as_float(declared), as_float(n_impossible_pageviews)
    )
    result = np.full(n.shape, AS_DECLARED, dtype=object)
    result[rate_upper_limit(h, n, VERDICT_CONFIDENCE) < rate] = LOWER
    result[n < MIN_IDS] = TOO_FEW
    result[impossible > MAX_IMPOSSIBLE_PAGEVIEWS] = HIGHER
    return result


def ks_p_value(row: npt.ArrayLike, bin_index: npt.ArrayLike, count: npt.ArrayLike, n_rows: int) -> FloatArray:
    """Test that fractions are uniform on [0, declared), from their histogram (Kolmogorov and Smirnov, exact law).

    The statistic D is taken at the edges of the bins only. It is at most 1 / 1024 below that of the single fractions,
    so the p-value errs on the quiet side: shapes inside a bin go unseen, a rate that is wrong does not.

    Args:
        row: output row of each entry, in [0, n_rows).
        bin_index: floor(1024 fraction / declared rate), at most 1023. A (row, bin) may have several entries.
        count: distinct ids in it.
        n_rows: number of output rows.

    Returns:
        A p-value per row; NaN where it has no ids.

    Raises:
        ValueError: for a bin or a row out of range.
    """
    rows, bins = np.atleast_1d(np.asarray(row, np.int64)), np.atleast_1d(np.asarray(bin_index, np.int64))
    counts = as_float(count)
    if np.any((bins < 0) | (bins >= KS_BINS)) or np.any((rows < 0) | (rows >= n_rows)):
        raise ValueError(f"bins must lie in [0, {KS_BINS}) and rows in [0, {n_rows})")
    order = np.lexsort((bins, rows))
    rows, bins, counts = rows[order], bins[order], counts[order]
    n = np.bincount(rows, weights=counts, minlength=n_rows)
    # Running count inside each row: the total so far minus what earlier rows brought.
    after = np.cumsum(counts) - (np.cumsum(n) - n)[rows]
    total = np.where(n > 0, n, 1.0)[rows]
    # Between occupied bins the empirical distribution is flat, so its extremes lie at their edges. Entries of one bin
    # share both edges: the first has the lowest value before it, the last the highest after it.
    below = bins / KS_BINS - (after - counts) / total
    above = after / total - (bins + 1) / KS_BINS
    distance = np.zeros(n_rows)
    np.maximum.at(distance, rows, np.maximum(below, above))
    sizes = np.where(n > 0, n, 1.0).astype(np.int64)
    from scipy import stats  # its import takes most of a second, and only this needs it

    return np.where(n > 0, stats.kstwo.sf(distance, sizes), np.nan)
