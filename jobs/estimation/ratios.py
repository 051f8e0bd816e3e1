"""Ratios of totals, such as click-through rates: Hajek ratios with design and user-clustered intervals.

The ratio of two Horvitz-Thompson totals, R = Y / X, answers two questions. *Realised*: what was the ratio of all that
happened? Only sampling is random, the variance is the design's, and at rate 1 the answer is exact (`design_ratio`).
*Process*: what does the behaviour of such users give? Users are random too, so the variance is between users
(`clustered_ratio`), and it is never 0. Both use residuals e = y - R x of clusters and the log scale.

*Design.* With sums over kept clusters at rate r: Y = sum_r S_y / r, X = sum_r S_x / r and
V = sum_r (1 - r) / r^2 (S_yy - 2 R S_xy + R^2 S_xx) / X^2. A numerator kept at 100 % beside a sampled denominator is an
entry at rate 1 with y only, and one below it with x only.

V comes from the clusters that were kept, so two cases have their own limits. Where a row has several rates, or a ratio
of 0, and at a rate below 1 fewer than 50 effective clusters of the numerator, (sum y)^2 / sum y^2, its limits are those
of the two totals (`totals.total_limits`, which invert small counts) divided by `ratio_from_limits`. Where there are no
residuals at all, the units that may have been missed decide: at most M, the upper limit of a total of which nothing was
kept, and M / (lower limit of X) is the half-width relative to R.

*Users.* With weighted user totals (y_u, x_u), that is sums over a user's kept events of 1 / rate:
V = n / (n - 1) sum_u (y_u - R x_u)^2 / X^2.

V is only as good as the numbers of users that the two totals rest on, Y^2 / sum y_u^2 and X^2 / sum x_u^2, which a few
eager or heavily weighted users make small: the interval uses Student's t with k - 1 degrees of freedom, k the smaller
of the two (at least 2 degrees), the normal in the limit.

*Sessions.* Where the unit is the session and a few sessions bear most events, the kept ones cannot show V. Then the
residuals per event in the denominator, q = sum e^2 / sum x, are borrowed from longer windows and other wikis
(`design_effect.py`), and V is at least sum_r (1 - r) / r^2 q S_x / X^2 for the design, sum_r q S_x / r^2 / X^2 for the
process. The design's log interval has Student's t with X^2 / sum w^2 x^2 - 1 degrees of freedom there.

Where users show no differences (nobody clicked, all agree, or there is one user) V says nothing. Then Wilson's limit
for "none of m users" stands in, m = X^2 / sum x^2 the effective number of users in the denominator: it is the upper
limit of a ratio of 0 and the half-width, relative to R, of one on which all agree.

Sources: Hajek 1971; Saerndal, Swensson and Wretman 1992, section 5.6; agrees with R `survey::svyratio`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from jobs.estimation.intervals import (
    MIN_DEGREES,
    Z95,
    FloatArray,
    as_float,
    binomial_inversion,
    log_ratio_interval,
    normal_or_student,
    ratio_from_limits,
    wilson,
)
from jobs.estimation.regimes import BoolArray, IntArray, RegimeSums, Sums
from jobs.estimation.totals import FEW_CLUSTERS, ClusterSums, total_limits

EXACT, FROM_TOTALS, FROM_MISSED, FROM_ERROR = range(4)
"""Where a design ratio's limits come from: rate 1; those of both totals; what may have been missed; its error."""


@dataclass(frozen=True)
class PairSums(Sums):
    """Sums over clusters (kept units, or users) of a numerator y and a denominator x.

    Attributes:
        y: sum of y.
        x: sum of x.
        yy: sum of y^2, clusters taken over the whole window.
        xy: sum of x y.
        xx: sum of x^2.
    """

    y: FloatArray
    x: FloatArray
    yy: FloatArray
    xy: FloatArray
    xx: FloatArray

    def squared_residuals(self, ratio: FloatArray) -> FloatArray:
        """Return the sums of (y - R x)^2; what is the rounding left by its terms is 0."""
        squares = self.yy - 2 * ratio * self.xy + ratio**2 * self.xx
        return np.where(squares > 1e-12 * (self.yy + ratio**2 * self.xx), squares, 0.0)


@dataclass(frozen=True)
class Borrowed:
    """What a ratio of sessions takes from elsewhere, per entry; NaN for entries that are not of sessions.

    Attributes:
        residuals: squared residuals per event in the denominator.
        of_numerator: design effect of the numerator's total.
        of_denominator: that of the denominator's.
    """

    residuals: FloatArray
    of_numerator: FloatArray
    of_denominator: FloatArray


@dataclass(frozen=True)
class RatioEstimates:
    """Estimated ratios, one entry per row; all NaN where the denominator is 0 (`not_estimable`).

    Attributes:
        estimate: the ratio.
        lower: lower 95 % limit, at least 0.
        upper: upper 95 % limit, at most 1 for a proportion.
        se: standard error; NaN where it cannot be computed (one user).
    """

    estimate: FloatArray
    lower: FloatArray
    upper: FloatArray
    se: FloatArray


def design_ratio(
    kept: RegimeSums[PairSums], proportion: bool = False, borrowed: Borrowed | None = None
) -> RatioEstimates:
    """Estimate the realised ratio of each row; only sampling is random (formulas: see the module).

    Args:
        kept: sums over kept clusters.
        proportion: y is a part of x, so that the ratio cannot exceed 1.
        borrowed: for entries of sessions (`design_effect.borrowed_by_ratio`).

    Returns:
        The estimates. A row of rate 1 only is exact: lower = estimate = upper.
    """
    rate, sums = kept.rate, kept.sums
    denominator = kept.by_row(sums.x / rate)
    ratio = _divide(kept.by_row(sums.y / rate), denominator)
    squares = sums.squared_residuals(ratio[kept.row])
    known = np.where(denominator > 0, denominator, np.nan)

    def error(residuals: FloatArray) -> FloatArray:
        return np.sqrt(kept.by_row((1 - rate) / rate**2 * residuals)) / known

    se = error(squares)
    widest = se if borrowed is None else error(np.fmax(squares, borrowed.residuals * sums.x))
    lower, upper = _design_limits(kept, ratio, widest, borrowed)
    return _bounded(ratio, lower, upper, se, proportion)


def clustered_ratio(
    n_users: npt.ArrayLike, sums: PairSums, proportion: bool = False, least: FloatArray | None = None
) -> RatioEstimates:
    """Estimate the process ratio of each row; users are random, and sampling with them (formulas: see the module).

    Args:
        n_users: users of the design, those with zeros in this row included.
        sums: over weighted user totals, one value per row.
        proportion: y is a part of x, so that the ratio cannot exceed 1.
        least: of each row, what the sum of squared residuals is not to fall below (`process_residuals`).

    Returns:
        The estimates.
    """
    users, of_users = as_float(n_users), sums.each(as_float)
    y, x = of_users.y, of_users.x
    ratio = _divide(y, x)
    correction = np.divide(users, users - 1, out=np.full(users.shape, np.nan), where=users > 1)
    known = np.where(x > 0, x, np.nan)
    se = np.sqrt(correction * of_users.squared_residuals(ratio)) / known
    effective = np.divide(x**2, of_users.xx, out=np.zeros(x.shape), where=of_users.xx > 0)
    clicking = np.divide(y**2, of_users.yy, out=np.ones(y.shape), where=of_users.yy > 0)
    own = se * normal_or_student(np.maximum(np.minimum(clicking, effective) - 1, MIN_DEGREES)) / Z95
    lower, upper = log_ratio_interval(ratio, own if least is None else np.fmax(own, np.sqrt(least) / known))
    _, unseen = wilson(np.zeros(x.shape), users, np.minimum(effective, users))
    is_silent = (se == 0) | np.isnan(se)
    lower = np.where(is_silent, ratio * (1 - unseen), lower)
    upper = np.select([ratio == 0, is_silent], [unseen, ratio * (1 + unseen)], upper)
    return _bounded(ratio, lower, upper, se, proportion)


def with_sampling(process: RatioEstimates, realised: RatioEstimates) -> RatioEstimates:
    """Widen process intervals to those of the realised ratio where these reach further.

    What users would do again is no better known than what they did. Where a rate changes within the window, few users
    with a large weight can be missing from both totals, which the differences between users do not show.
    """
    lower, upper = np.fmin(process.lower, realised.lower), np.fmax(process.upper, realised.upper)
    return replace(process, lower=lower, upper=upper)


def process_residuals(kept: RegimeSums[PairSums], borrowed: Borrowed) -> FloatArray:
    """Compute what the weighted squared residuals of each row's users come to at least: those of its sessions."""
    return kept.by_row(np.nan_to_num(borrowed.residuals) * kept.sums.x / kept.rate**2)


def _divide(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """Divide, with NaN where the denominator is 0."""
    quotient = np.full(denominator.shape, np.nan)
    np.divide(numerator, denominator, out=quotient, where=denominator > 0)
    return quotient


def _kinds_of_rows(kept: RegimeSums[PairSums], ratio: FloatArray, se: FloatArray) -> IntArray:
    """Say of each row where its limits come from; the first that applies."""
    sums, is_below_one = kept.sums, kept.rate < 1
    has_few_clusters = (sums.y**2 < FEW_CLUSTERS * sums.yy) | (sums.y == 0)
    is_sampled = kept.by_row(as_float(is_below_one)) > 0
    has_several_rates = kept.by_row(np.ones(len(kept.rate))) > 1
    is_sparse = kept.by_row(as_float(is_below_one & has_few_clusters)) > 0
    return np.select(
        [~is_sampled, ratio == 0, se == 0, has_several_rates & is_sparse],
        [EXACT, FROM_TOTALS, FROM_MISSED, FROM_TOTALS],
        FROM_ERROR,
    )


def _design_limits(
    kept: RegimeSums[PairSums], ratio: FloatArray, se: FloatArray, borrowed: Borrowed | None
) -> tuple[FloatArray, FloatArray]:
    """Compute the limits of each row's ratio."""
    kinds = _kinds_of_rows(kept, ratio, se)
    is_exact, is_few, is_silent = (kinds == kind for kind in (EXACT, FROM_TOTALS, FROM_MISSED))
    few_lower, few_upper = _limits_from_totals(kept, is_few, borrowed)
    missed = _missed_share(kept, is_silent)
    lower, upper = log_ratio_interval(ratio, se, _degrees(kept, borrowed))
    where = [is_exact, is_few, is_silent]
    return (
        np.select(where, [ratio, few_lower, ratio * np.clip(1 - missed, 0, None)], lower),
        np.select(where, [ratio, few_upper, ratio * (1 + missed)], upper),
    )


def _degrees(kept: RegimeSums[PairSums], borrowed: Borrowed | None) -> FloatArray | None:
    """Count the degrees of freedom of each row: those of its effective sessions, without end for other units."""
    if borrowed is None:
        return None
    shown, squares = kept.by_row(kept.sums.x / kept.rate), kept.by_row(kept.sums.xx / kept.rate**2)
    effective = np.divide(shown**2, squares, out=np.zeros(kept.n_rows), where=squares > 0)
    has_sessions = kept.by_row(as_float(~np.isnan(borrowed.residuals))) > 0
    return np.where(has_sessions, np.maximum(effective - 1, MIN_DEGREES), np.inf)


def _limits_from_totals(
    kept: RegimeSums[PairSums], wanted: BoolArray, borrowed: Borrowed | None
) -> tuple[FloatArray, FloatArray]:
    """Compute limits of the wanted rows' ratios from the limits of their two totals; NaN elsewhere."""
    part, chosen = kept.of_rows(wanted), wanted[kept.row]
    sums = part.sums
    numerator = _total(part, sums.y, sums.yy, None if borrowed is None else borrowed.of_numerator[chosen])
    denominator = _total(part, sums.x, sums.xx, None if borrowed is None else borrowed.of_denominator[chosen])
    factor = (1 - part.rate) / part.rate**2
    v_y, v_x, v_xy = (part.by_row(factor * squares) for squares in (sums.yy, sums.xx, sums.xy))
    spread = np.sqrt(v_y * v_x)
    correlation = np.divide(v_xy, spread, out=np.zeros(part.n_rows), where=spread > 0)
    lower, upper = np.full((2, len(wanted)), np.nan)
    lower[wanted], upper[wanted] = ratio_from_limits(numerator, denominator, correlation)
    return lower, upper


def _total(
    part: RegimeSums[PairSums], total: FloatArray, squares: FloatArray, borrowed: FloatArray | None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Estimate one of the two totals of each row, with its limits."""
    clusters = np.divide(total**2, squares, out=np.zeros(len(total)), where=squares > 0)
    one = RegimeSums(part.row, part.rate, part.n_rows, ClusterSums(total, squares, clusters))
    return part.by_row(total / part.rate), *total_limits(one, borrowed)


def _missed_share(kept: RegimeSums[PairSums], wanted: BoolArray) -> FloatArray:
    """Bound the share of each wanted row's denominator that units of a kind never kept make up, one event each."""
    part = kept.of_rows(wanted)
    x, xx = part.sums.x, part.sums.xx
    effect = np.divide(xx, x, out=np.ones(len(x)), where=x > 0)
    _, none_kept = binomial_inversion(np.zeros(len(x)), part.rate)
    lowest, _ = binomial_inversion(x / effect, part.rate)
    missed = np.full(len(wanted), np.nan)
    missed[wanted] = _divide(part.by_row(none_kept), part.by_row(lowest * effect))
    return missed


def _bounded(
    ratio: FloatArray, lower: FloatArray, upper: FloatArray, se: FloatArray, proportion: bool
) -> RatioEstimates:
    """Order the limits around the ratio, cap a proportion at 1, and blank rows without a denominator."""
    low, high = np.minimum(lower, ratio), np.maximum(upper, ratio)
    if proportion:
        high = np.maximum(np.minimum(high, 1.0), ratio)
    blank = np.isnan(ratio)
    return RatioEstimates(
        estimate=ratio,
        lower=np.where(blank, np.nan, np.maximum(low, 0.0)),
        upper=np.where(blank, np.nan, high),
        se=np.where(blank, np.nan, se),
    )
