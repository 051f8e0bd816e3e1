"""Totals of events under sampling: Horvitz-Thompson estimates with intervals, for many rows at once.

A sampling unit (a pageview or a session) is kept whole with a known probability, its rate. Everything here works on
sums over the kept units ("clusters") of a row, split by the rate at which they were kept:

    T = sum_r  S_r / r                     S_r = sum over kept clusters of y (a cluster's number of events)
    V = sum_r  (1 - r) / r^2  Q_r          Q_r = sum over kept clusters of y^2

T is unbiased for the true total, V for the variance of T (Horvitz and Thompson 1952; Saerndal, Swensson and Wretman
1992, section 2.8). A cluster is a unit over the whole window: the squares of a session that spans two days are of
its total over both.

Small counts. V is estimated from the very clusters that were kept, so with few of them a normal or log interval is
too short whenever too few happened to be kept. Let d be the design effect of clustering, Q / S as far as the kept
clusters tell (1 where each unit has one event). Then S / d behaves, in its first two moments, like a count of
independently kept units. Where it is under 50 at a rate the interval is an exact binomial inversion: the limits are the
numbers N of such units at which S / d stops being plausible under Binomial(N, rate), multiplied by d. The parts of a
row, one for each rate with few clusters, one for all rates with enough, and what was counted at rate 1, are added end
by end, which is conservative. No lower limit is below what was seen.

Sessions. Where a few sessions bear most events the kept ones cannot tell d: a larger one may be borrowed from longer
windows and other wikis (`design_effect.py`). A total of sessions is published with 30 kept sessions and a half-width of
25 % at most, and is `caution` otherwise. The width of other totals follows from their 30 events.

Sessions that span two different rates below 1 are kept together or not at all (the ids' hashes are nested), which the
sum over rates takes as independent; with the few minutes a change takes this does not show.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from jobs.estimation.intervals import (
    MIN_DEGREES,
    Z95,
    FloatArray,
    binomial_inversion,
    log_above_floor,
    normal_or_student,
)
from jobs.estimation.regimes import BoolArray, RegimeSums, Sums, TextArray, effective_number
from jobs.estimation.totals_limits import FEW_EVENTS, session_reason

FEW_CLUSTERS = 50
"""Fewer effective kept clusters than this at a rate below 1: binomial inversion instead of the log interval."""


@dataclass(frozen=True)
class ClusterSums(Sums):
    """What the limits of a total are made of.

    Attributes:
        y: sum over kept clusters of y.
        yy: sum of y^2, clusters taken over the whole window.
        clusters: kept clusters with y > 0.
    """

    y: FloatArray
    yy: FloatArray
    clusters: FloatArray


@dataclass(frozen=True)
class TotalSums(ClusterSums):
    """What a total is made of.

    Attributes:
        units: kept units the row is about, for Kish's effective size.
    """

    units: FloatArray


@dataclass(frozen=True)
class TotalEstimates:
    """Estimated totals, one entry per row.

    Attributes:
        estimate: the Horvitz-Thompson total. It is there for every row; `bounds_only` says it is not to be shown.
        lower: lower 95 % limit of what did happen (`realised`).
        upper: upper 95 % limit; NaN where nothing was kept and no rate is known.
        variance: unbiased estimate of the design variance.
        n_effective: Kish's effective number of kept units, (sum w)^2 / sum w^2 with w = 1 / rate.
        seen: kept events.
        status: `publish`, `caution` (of sessions only) or `bounds_only`.
        reason: one sentence for an analyst where the status is not `publish`, else empty.
    """

    estimate: FloatArray
    lower: FloatArray
    upper: FloatArray
    variance: FloatArray
    n_effective: FloatArray
    seen: FloatArray
    status: TextArray
    reason: TextArray


def horvitz_thompson(
    kept: RegimeSums[TotalSums], all_rate_one: npt.ArrayLike | None = None, borrowed: FloatArray | None = None
) -> TotalEstimates:
    """Estimate the total of each row from sums over kept clusters (formulas: see the module).

    Args:
        kept: the sums. A regime in force in the window in which nothing was kept belongs in as an entry of zeros: its
            upper limit is not 0.
        all_rate_one: boolean per row: every regime in the window has rate 1. Needed for rows without an entry only:
            there it makes the total 0 exact; by default such a row has a lower limit of 0 and no upper limit.
        borrowed: of each entry whose clusters are sessions, a design effect that its own is not to fall below
            (`design_effect.borrowed_by_total`); NaN, as by default, for entries of other units.

    Returns:
        The estimates. Rows whose entries all have rate 1 are exact: lower = estimate = upper.

    Raises:
        ValueError: for a row called rate 1 that has an entry below.
    """
    rate, sums = kept.rate, kept.sums
    estimate, seen = kept.by_row(sums.y / rate), kept.by_row(sums.y)
    sampled, unknown = _regimes_of_rows(kept, all_rate_one)
    lowest, highest = total_limits(kept, borrowed)
    lower = np.clip(lowest, seen, np.maximum(estimate, seen))
    upper = np.where(unknown, np.nan, np.maximum(highest, estimate))
    counted = seen, kept_sessions(kept, borrowed), half_width(estimate, lower, upper)
    status, reason = _statuses(*counted, sampled, unknown)
    return TotalEstimates(
        estimate=estimate,
        lower=lower,
        upper=upper,
        variance=kept.by_row((1 - rate) / rate**2 * sums.yy),
        n_effective=effective_number(kept, sums.units),
        seen=seen,
        status=status,
        reason=reason,
    )


def kept_sessions(kept: RegimeSums[ClusterSums], borrowed: FloatArray | None) -> FloatArray:
    """Count the kept units with an event in each row that has sessions at a rate below 1; NaN for other rows.

    Args:
        kept: the entries.
        borrowed: NaN for entries that are not of sessions.
    """
    if borrowed is None:
        return np.full(kept.n_rows, np.nan)
    is_sampled = kept.by_row((~np.isnan(borrowed) & (kept.rate < 1)).astype(np.float64)) > 0
    return np.where(is_sampled, kept.by_row(kept.sums.clusters), np.nan)


def half_width(estimate: FloatArray, lower: FloatArray, upper: FloatArray) -> FloatArray:
    """Return half the interval's length relative to the estimate; NaN where either is missing or the estimate is 0."""
    return (upper - lower) / 2 / np.where(estimate > 0, estimate, np.nan)


def _regimes_of_rows(kept: RegimeSums[TotalSums], all_rate_one: npt.ArrayLike | None) -> tuple[BoolArray, BoolArray]:
    """Tell which rows have a rate below 1, and which have no entry and no known rate."""
    sampled = kept.by_row((kept.rate < 1).astype(np.float64)) > 0
    empty = kept.by_row(np.ones(len(kept.row))) == 0
    one = np.zeros(kept.n_rows, dtype=bool) if all_rate_one is None else np.asarray(all_rate_one, dtype=bool)
    if one.shape != (kept.n_rows,):
        raise ValueError("all_rate_one needs one value per row")
    if np.any(one & sampled):
        raise ValueError(f"row {int(np.flatnonzero(one & sampled)[0])} is called rate 1 but has a rate below 1")
    unknown = empty & ~one
    return sampled | unknown, unknown


def total_limits(kept: RegimeSums[ClusterSums], borrowed: FloatArray | None = None) -> tuple[FloatArray, FloatArray]:
    """Compute 95 % limits of each row's total, by adding the ends of its parts.

    The parts: exact at rate 1, an inversion for each rate with few clusters, the log interval for the others pooled.

    Args:
        kept: the sums.
        borrowed: as in `horvitz_thompson`.

    Returns:
        Lower and upper limits; 0 and 0 for a row without entries.
    """
    rate, y, yy = kept.rate, kept.sums.y, kept.sums.yy
    effect = _design_effect(kept, borrowed)
    few = (rate < 1) & (y < FEW_CLUSTERS * effect)
    few_lower, few_upper = np.zeros(len(rate)), np.zeros(len(rate))
    few_lower[few], few_upper[few] = binomial_inversion(y[few] / effect[few], rate[few])
    many = (rate < 1) & ~few
    squares = yy if borrowed is None else np.fmax(yy, y * borrowed)
    variance = kept.by_row(np.where(many, (1 - rate) / rate**2 * squares, 0.0))
    many_lower, many_upper = log_above_floor(
        kept.by_row(np.where(many, y / rate, 0.0)), np.sqrt(variance), kept.by_row(np.where(many, y, 0.0))
    )
    exact = kept.by_row(np.where(rate == 1, y, 0.0))
    lower = exact + many_lower + kept.by_row(few_lower * effect)
    upper = exact + many_upper + kept.by_row(few_upper * effect)
    return lower, upper


def _design_effect(kept: RegimeSums[ClusterSums], borrowed: FloatArray | None) -> FloatArray:
    """Compute the design effect of each entry: the larger of the borrowed one and sum y^2 / sum y, with a margin.

    The latter comes from the kept clusters themselves. What exceeds 1 is therefore widened as Student's t widens the
    normal interval, (t / z)^2 with (sum y)^2 / sum y^2 - 1 degrees of freedom: twice at 5 effective clusters, 1.05 at
    50, nothing where every unit has one event. An entry without events has the effect of its row, and 1 where the row
    has none.
    """
    y, yy = kept.sums.y, kept.sums.yy
    row_y, row_yy = kept.by_row(y), kept.by_row(yy)
    of_row = np.divide(row_yy, row_y, out=np.ones(kept.n_rows), where=row_y > 0)[kept.row]
    plain = np.divide(yy, y, out=of_row, where=y > 0)
    effective = np.divide(y**2, yy, out=np.zeros(len(y)), where=yy > 0)
    own = 1 + (plain - 1) * (normal_or_student(np.maximum(effective - 1, MIN_DEGREES)) / Z95) ** 2
    return np.asarray(own if borrowed is None else np.fmax(own, borrowed), dtype=np.float64)


def _statuses(
    seen: FloatArray, sessions: FloatArray, width: FloatArray, sampled: BoolArray, unknown: BoolArray
) -> tuple[TextArray, TextArray]:
    """Give each row its status and the sentence that explains it."""
    few = sampled & (seen < FEW_EVENTS)
    reason = session_reason(sessions, np.where(np.isnan(sessions), np.nan, width))
    status = np.where(reason == "", "publish", "caution").astype(object)
    status[few] = "bounds_only"
    for i in np.flatnonzero(few):
        if unknown[i]:
            reason[i] = "nothing was kept, and the rate in force is not known: the total may be any number"
        elif seen[i] == 0:
            reason[i] = "nothing was kept under sampling: the total lies between 0 and the upper limit"
        else:
            reason[i] = f"only {seen[i]:.0f} events were kept under sampling, fewer than {FEW_EVENTS}: bounds only"
    return status, reason
