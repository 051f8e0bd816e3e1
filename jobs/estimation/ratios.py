"""Ratios of totals, such as click-through rates: Hajek ratios with design and user-clustered intervals.

The ratio of two Horvitz-Thompson totals, R = Y / X, answers two questions. *Realised*: what was the ratio of all that
happened? Only sampling is random, the variance is the design's, and at rate 1 the answer is exact (`design_ratio`).
*Process*: what does the behaviour of such users give? Users are random too, so the variance is between users
(`clustered_ratio`), and it is never 0. Both use residuals e = y - R x of clusters and the log scale.

Sources: Hajek 1971; Saerndal, Swensson and Wretman 1992, section 5.6; agrees with R `survey::svyratio`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from jobs.estimation.intervals import (
    FloatArray,
    as_float,
    binomial_inversion,
    log_ratio_interval,
    ratio_from_limits,
    wilson,
)
from jobs.estimation.regimes import RegimeSums, TextArray, regime_sums, total_by_row
from jobs.estimation.totals import FEW_CLUSTERS, total_limits

BoolArray = npt.NDArray[np.bool_]

MIN_DEGREES = 5
"""Fewest degrees of freedom of a user-clustered interval."""

FEW_CLICKS = 30
"""A click-through rate from fewer clicks is `caution` at best."""

FEW_CLICKING_USERS = 10
"""A click-through rate from fewer clicking users is `caution` at best."""


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
    row: npt.ArrayLike,
    rate: npt.ArrayLike,
    sum_y: npt.ArrayLike,
    sum_x: npt.ArrayLike,
    sum_yy: npt.ArrayLike,
    sum_xy: npt.ArrayLike,
    sum_xx: npt.ArrayLike,
    n_rows: int,
    proportion: bool = False,
) -> RatioEstimates:
    """Estimate the realised ratio of each row; only sampling is random.

    With sums over kept clusters at rate r: Y = sum_r S_y / r, X = sum_r S_x / r, R = Y / X and
    V = sum_r (1 - r) / r^2 (S_yy - 2 R S_xy + R^2 S_xx) / X^2. A numerator kept at 100 % beside a sampled denominator
    is an entry at rate 1 with sum_y only, and one below it with sum_x only.

    V comes from the clusters that were kept, so two cases have their own limits. Where a row has several rates, or a
    ratio of 0, and at a rate below 1 fewer than 50 effective clusters of the numerator, (sum y)^2 / sum y^2, its
    limits are those of the two totals (`totals.total_limits`, which invert small counts) divided by
    `ratio_from_limits`. Where there are no residuals at all, the units that may have been missed decide: at most M,
    the upper limit of a total of which nothing was kept, and M / (lower limit of X) is the half-width relative to R.

    Args:
        row: output row of each entry, in [0, n_rows).
        rate: rate of each entry, in (0, 1].
        sum_y: sum over kept clusters of the numerator y.
        sum_x: sum over kept clusters of the denominator x.
        sum_yy: sum of y^2, clusters taken over the whole window.
        sum_xy: sum of x y.
        sum_xx: sum of x^2.
        n_rows: number of output rows.
        proportion: y is a part of x, so that the ratio cannot exceed 1.

    Returns:
        The estimates. A row of rate 1 only is exact: lower = estimate = upper.

    Raises:
        ValueError: for a rate or row out of range.
    """
    entries = regime_sums(row, rate, y=sum_y, x=sum_x, yy=sum_yy, xy=sum_xy, xx=sum_xx)
    p, sums = entries.rate, entries.sums
    numerator, denominator = (total_by_row(entries, sums[name] / p, n_rows) for name in "yx")
    ratio = _divide(numerator, denominator)
    by_entry = ratio[entries.row]
    squares = _without_rounding(
        sums["yy"] - 2 * by_entry * sums["xy"] + by_entry**2 * sums["xx"], sums["yy"] + by_entry**2 * sums["xx"]
    )
    se = np.sqrt(total_by_row(entries, (1 - p) / p**2 * squares, n_rows)) / np.where(
        denominator > 0, denominator, np.nan
    )
    lower, upper = log_ratio_interval(ratio, se)
    kinds = _kinds_of_rows(entries, ratio, se, n_rows)
    few_lower, few_upper = _few_clusters(entries, numerator, denominator, kinds.few)
    lower, upper = np.where(kinds.few, few_lower, lower), np.where(kinds.few, few_upper, upper)
    missed = _missed_share(entries, kinds.silent, n_rows)
    lower = np.where(kinds.silent, ratio * np.clip(1 - missed, 0, None), lower)
    upper = np.where(kinds.silent, ratio * (1 + missed), upper)
    exact = kinds.exact
    return _bounded(ratio, np.where(exact, ratio, lower), np.where(exact, ratio, upper), se, proportion)


def clustered_ratio(
    n: npt.ArrayLike,
    sum_y: npt.ArrayLike,
    sum_x: npt.ArrayLike,
    sum_yy: npt.ArrayLike,
    sum_xy: npt.ArrayLike,
    sum_xx: npt.ArrayLike,
    proportion: bool = False,
) -> RatioEstimates:
    """Estimate the process ratio of each row; users are random, and sampling with them.

    With weighted user totals (y_u, x_u), that is sums over a user's kept events of 1 / rate:
    V = n / (n - 1) sum_u (y_u - R x_u)^2 / X^2.

    V is only as good as the number of users the numerator rests on, k = Y^2 / sum y_u^2, which a few eager or heavily
    weighted users make small: the interval uses Student's t with k - 1 degrees of freedom (at least 5, below which the
    quantile grows faster than what is gained), the normal in the limit.

    Where users show no differences (nobody clicked, all agree, or there is one user) V says nothing. Then Wilson's
    limit for "none of m users" stands in, m = X^2 / sum x^2 the effective number of users in the denominator: it is
    the upper limit of a ratio of 0 and the half-width, relative to R, of one on which all agree.

    Args:
        n: users of the design, those with zeros in this row included.
        sum_y: sum over users of y_u.
        sum_x: sum over users of x_u.
        sum_yy: sum of y_u^2.
        sum_xy: sum of x_u y_u.
        sum_xx: sum of x_u^2.
        proportion: y is a part of x, so that the ratio cannot exceed 1.

    Returns:
        The estimates.
    """
    users, y, x, yy, xy, xx = (as_float(value) for value in (n, sum_y, sum_x, sum_yy, sum_xy, sum_xx))
    ratio = _divide(y, x)
    squares = _without_rounding(yy - 2 * ratio * xy + ratio**2 * xx, yy + ratio**2 * xx)
    correction = np.divide(users, users - 1, out=np.full(users.shape, np.nan), where=users > 1)
    se = np.sqrt(correction * squares) / np.where(x > 0, x, np.nan)
    clicking = np.divide(y**2, yy, out=np.ones(y.shape), where=yy > 0)
    lower, upper = log_ratio_interval(ratio, se, np.maximum(clicking - 1, MIN_DEGREES))
    effective = np.divide(x**2, xx, out=np.zeros(x.shape), where=xx > 0)
    _, unseen = wilson(np.zeros(x.shape), users, np.minimum(effective, users))
    silent = (se == 0) | np.isnan(se)
    lower = np.where(silent, ratio * (1 - unseen), lower)
    upper = np.where(ratio == 0, unseen, np.where(silent, ratio * (1 + unseen), upper))
    return _bounded(ratio, lower, upper, se, proportion)


def ctr_status(clicks: npt.ArrayLike, clicking_users: npt.ArrayLike | None = None) -> TextArray:
    """Say what a click-through rate's counts allow: `caution` under 30 clicks or 10 clicking users, else `publish`.

    Args:
        clicks: kept clicks (for `matched`, kept impressions with a click). In a window of mixed rates their effective
            number (`regimes.effective_events`), which is never larger.
        clicking_users: kept users with a click; None or NaN where the instrument has no user id: clicks decide alone.

    Returns:
        A status per row.
    """
    few = as_float(clicks) < FEW_CLICKS
    if clicking_users is not None:
        few = few | (as_float(clicking_users) < FEW_CLICKING_USERS)
    status = np.full(few.shape, "publish", dtype=object)
    status[few] = "caution"
    return status


def ctr_reason(clicks: npt.ArrayLike, clicking_users: npt.ArrayLike | None = None) -> TextArray:
    """Give the sentence behind `ctr_status`: empty where it says `publish`."""
    counts = as_float(clicks)
    users = np.full(counts.shape, np.nan) if clicking_users is None else as_float(clicking_users)
    few_users = f"the clicks come from {{:.0f}} users, fewer than {FEW_CLICKING_USERS}: a few decide"
    few_clicks = f"only {{:.0f}} clicks, fewer than {FEW_CLICKS}: the interval may be too short"
    reason = np.full(counts.shape, "", dtype=object)
    for where, numbers, sentence in (
        (users < FEW_CLICKING_USERS, users, few_users),
        (counts < FEW_CLICKS, counts, few_clicks),
    ):
        told = cache(sentence.format)  # many rows, few numbers
        reason[where] = list(map(told, numbers[where].tolist()))
    return reason


def _divide(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """Divide, with NaN where the denominator is 0."""
    quotient = np.full(denominator.shape, np.nan)
    np.divide(numerator, denominator, out=quotient, where=denominator > 0)
    return quotient


@dataclass(frozen=True)
class _Kinds:
    """Which rows are exact, which have few clusters, and which have no residual though sampled."""

    exact: BoolArray
    few: BoolArray
    silent: BoolArray


def _kinds_of_rows(entries: RegimeSums, ratio: FloatArray, se: FloatArray, n_rows: int) -> _Kinds:
    """Sort rows by how their limits are found; a row is of one kind or of none (the log interval)."""
    p, y, yy = entries.rate, entries.sums["y"], entries.sums["yy"]
    sampled = total_by_row(entries, as_float(p < 1), n_rows) > 0
    several = total_by_row(entries, np.ones(len(p)), n_rows) > 1
    sparse = total_by_row(entries, as_float((p < 1) & (y**2 < FEW_CLUSTERS * yy) | (p < 1) & (y == 0)), n_rows) > 0
    zero = ratio == 0
    silent = sampled & (se == 0) & ~zero
    return _Kinds(exact=~sampled, few=sampled & (several & sparse & ~silent | zero), silent=silent)


def _few_clusters(
    entries: RegimeSums, numerator: FloatArray, denominator: FloatArray, wanted: BoolArray
) -> tuple[FloatArray, FloatArray]:
    """Compute limits of the wanted rows' ratios from the limits of their two totals; NaN elsewhere."""
    rows = np.flatnonzero(wanted)
    chosen = wanted[entries.row]
    row = np.searchsorted(rows, entries.row[chosen])
    p, sums = entries.rate[chosen], {name: value[chosen] for name, value in entries.sums.items()}
    ends = []
    for estimate, name in ((numerator, "y"), (denominator, "x")):
        total, squares = sums[name], sums[name * 2]
        clusters = np.divide(total**2, squares, out=np.zeros(len(p)), where=squares > 0)
        part = RegimeSums(row, p, {"y": total, "yy": squares, "clusters": clusters})
        ends.append((estimate[rows], *total_limits(part, len(rows))))
    factor = (1 - p) / p**2
    v_y, v_x, v_xy = (as_float(np.bincount(row, factor * sums[name], len(rows))) for name in ("yy", "xx", "xy"))
    spread = np.sqrt(v_y * v_x)
    rho = np.divide(v_xy, spread, out=np.zeros(len(rows)), where=spread > 0)
    lower, upper = np.full((2, len(wanted)), np.nan)
    lower[rows], upper[rows] = ratio_from_limits(ends[0], ends[1], rho)
    return lower, upper


def _without_rounding(squares: FloatArray, scale: FloatArray) -> FloatArray:
    """Take as 0 a sum of squared residuals that is the rounding left by terms of size `scale`."""
    return np.where(squares > 1e-12 * scale, squares, 0.0)


def _missed_share(entries: RegimeSums, wanted: BoolArray, n_rows: int) -> FloatArray:
    """Bound the share of each wanted row's denominator that units of a kind never kept make up, one event each."""
    chosen = np.flatnonzero(wanted[entries.row])
    row, p, x, xx = entries.row[chosen], entries.rate[chosen], entries.sums["x"][chosen], entries.sums["xx"][chosen]
    effect = np.divide(xx, x, out=np.ones(len(chosen)), where=x > 0)
    _, none_kept = binomial_inversion(np.zeros(len(chosen)), p)
    lowest, _ = binomial_inversion(x / effect, p)
    return _divide(
        as_float(np.bincount(row, weights=none_kept, minlength=n_rows)),
        as_float(np.bincount(row, weights=lowest * effect, minlength=n_rows)),
    )


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
