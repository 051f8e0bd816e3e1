"""Totals of events under sampling: Horvitz-Thompson estimates with intervals, for many rows at once.

A sampling unit (a pageview or a session) is kept whole with a known probability, its rate. Everything here works on
sums over the kept units ("clusters") of a row, split by the rate at which they were kept:

    T = sum_r  S_r / r                     S_r = sum over kept clusters of y (a cluster's number of events)
    V = sum_r  (1 - r) / r^2  Q_r          Q_r = sum over kept clusters of y^2

T is unbiased for the true total, V for the variance of T (Horvitz and Thompson 1952; Saerndal, Swensson and Wretman
1992, section 2.8). A cluster is a unit over the whole window: the squares of a session that spans two days are of
its total over both.

Small counts. V is estimated from the very clusters that were kept, so with few of them a normal or log interval is
too short whenever too few happened to be kept. At a rate with fewer than 50 kept clusters the interval is therefore
an exact binomial inversion. Let d = Q / S be the design effect of clustering (1 where each unit has one event). Then
S / d behaves, in its first two moments, like a count of independently kept units, and the limits are the numbers N of
such units at which S / d stops being plausible under Binomial(N, rate), multiplied by d. Its parts, one for each rate
with few clusters, one for all rates with enough, and what was counted at rate 1, are added end by end, which is
conservative. No lower limit is below what was seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from jobs.estimation.intervals import FloatArray, as_float, binomial_inversion, log_above_floor

IntArray = npt.NDArray[np.int64]
TextArray = npt.NDArray[np.object_]

FEW_CLUSTERS = 50
"""Fewer kept clusters than this at a rate below 1: binomial inversion instead of the log interval."""

FEW_EVENTS = 30
"""Fewer kept events than this in a row with a rate below 1: bounds only."""


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
        n_clusters: kept units with at least one event.
        status: `publish` or `bounds_only`; `caution` is never needed for a total's sampling error alone.
        reason: one sentence for an analyst where the status is not `publish`, else empty.
    """

    estimate: FloatArray
    lower: FloatArray
    upper: FloatArray
    variance: FloatArray
    n_effective: FloatArray
    seen: FloatArray
    n_clusters: FloatArray
    status: TextArray
    reason: TextArray


@dataclass(frozen=True)
class RegimeSums:
    """Sums over kept clusters in long format: one entry per (row, rate), sorted, without repeats.

    Attributes:
        row: index of the output row.
        rate: rate in (0, 1] at which the clusters were kept.
        sums: named sums, each of the length of `row`.
    """

    row: IntArray
    rate: FloatArray
    sums: Mapping[str, FloatArray]


def regime_sums(row: npt.ArrayLike, rate: npt.ArrayLike, **sums: npt.ArrayLike) -> RegimeSums:
    """Add up entries that share row and rate.

    Args:
        row: index of the output row of each entry.
        rate: rate of each entry, in (0, 1].
        **sums: sums over clusters. No cluster may be in two entries of a row, since squares do not add within one.

    Returns:
        The sums per (row, rate). Adding is exact, hence associative, for whole numbers below 2^53.

    Raises:
        ValueError: for a rate outside (0, 1] or arrays of different lengths.
    """
    rows, rates = np.atleast_1d(np.asarray(row, dtype=np.int64)), as_float(rate)
    values = {name: as_float(value) for name, value in sums.items()}
    if any(len(value) != len(rows) for value in (rates, *values.values())):
        raise ValueError("row, rate and every sum need the same length")
    if not np.all((rates > 0) & (rates <= 1)):
        raise ValueError("every rate must lie in (0, 1]")
    if len(rows) == 0:
        return RegimeSums(rows, rates, values)
    order = np.lexsort((rates, rows))
    rows, rates = rows[order], rates[order]
    starts = np.flatnonzero(np.r_[True, (np.diff(rows) != 0) | (np.diff(rates) != 0)])
    added = {name: np.add.reduceat(value[order], starts) for name, value in values.items()}
    return RegimeSums(rows[starts], rates[starts], added)


def merge(a: RegimeSums, b: RegimeSums) -> RegimeSums:
    """Merge the sums of two disjoint sets of clusters; associative and commutative, with empty sums as identity.

    Raises:
        ValueError: when the two carry different sums.
    """
    if set(a.sums) != set(b.sums):
        raise ValueError(f"cannot merge sums of {sorted(a.sums)} with sums of {sorted(b.sums)}")
    sums: dict[str, Any] = {name: np.concatenate([value, b.sums[name]]) for name, value in a.sums.items()}
    return regime_sums(np.concatenate([a.row, b.row]), np.concatenate([a.rate, b.rate]), **sums)


def total_by_row(entries: RegimeSums, values: FloatArray, n_rows: int) -> FloatArray:
    """Add one value per entry up by row; rows without an entry get 0.

    Raises:
        ValueError: for a row outside [0, n_rows).
    """
    if len(entries.row) and (entries.row[0] < 0 or entries.row[-1] >= n_rows):
        raise ValueError(f"rows must lie in [0, {n_rows})")
    return np.bincount(entries.row, weights=values, minlength=n_rows).astype(np.float64)


def horvitz_thompson(
    row: npt.ArrayLike,
    rate: npt.ArrayLike,
    sum_y: npt.ArrayLike,
    sum_y2: npt.ArrayLike,
    n_clusters: npt.ArrayLike,
    n_units: npt.ArrayLike,
    n_rows: int,
    all_rate_one: npt.ArrayLike | None = None,
) -> TotalEstimates:
    """Estimate the total of each row from sums over kept clusters (formulas: see the module).

    A regime in force in the window in which nothing was kept belongs in as an entry of zeros: its upper limit is not 0.

    Args:
        row: output row of each entry, in [0, n_rows).
        rate: rate of each entry, in (0, 1].
        sum_y: sum over kept clusters of y.
        sum_y2: sum over kept clusters of y^2, clusters taken over the whole window.
        n_clusters: kept clusters with y > 0.
        n_units: kept units the row is about, for Kish's effective size.
        n_rows: number of output rows.
        all_rate_one: boolean per row: every regime in the window has rate 1. Needed for rows without an entry only:
            there it makes the total 0 exact; by default such a row has a lower limit of 0 and no upper limit.

    Returns:
        The estimates. Rows whose entries all have rate 1 are exact: lower = estimate = upper.

    Raises:
        ValueError: for a rate or row out of range, or a row called rate 1 that has an entry below.
    """
    entries = regime_sums(row, rate, y=sum_y, yy=sum_y2, clusters=n_clusters, units=n_units)
    p, y, yy, units = entries.rate, entries.sums["y"], entries.sums["yy"], entries.sums["units"]
    estimate = total_by_row(entries, y / p, n_rows)
    seen = total_by_row(entries, y, n_rows)
    sampled, unknown = _regimes_of_rows(entries, n_rows, all_rate_one)
    lower, upper = _limits(entries, n_rows)
    lower = np.clip(lower, seen, np.maximum(estimate, seen))
    upper = np.where(unknown, np.nan, np.maximum(upper, estimate))
    square_weights = total_by_row(entries, units / p**2, n_rows)
    kish = total_by_row(entries, units / p, n_rows) ** 2 / np.where(square_weights > 0, square_weights, 1.0)
    status, reason = _statuses(seen, sampled, unknown)
    return TotalEstimates(
        estimate=estimate,
        lower=lower,
        upper=upper,
        variance=total_by_row(entries, (1 - p) / p**2 * yy, n_rows),
        n_effective=kish,
        seen=seen,
        n_clusters=total_by_row(entries, entries.sums["clusters"], n_rows),
        status=status,
        reason=reason,
    )


def _regimes_of_rows(
    entries: RegimeSums, n_rows: int, all_rate_one: npt.ArrayLike | None
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Tell which rows have a rate below 1, and which have no entry and no known rate."""
    sampled = total_by_row(entries, (entries.rate < 1).astype(np.float64), n_rows) > 0
    empty = total_by_row(entries, np.ones(len(entries.row)), n_rows) == 0
    one = np.zeros(n_rows, dtype=bool) if all_rate_one is None else np.asarray(all_rate_one, dtype=bool)
    if one.shape != (n_rows,):
        raise ValueError("all_rate_one needs one value per row")
    if np.any(one & sampled):
        raise ValueError(f"row {int(np.flatnonzero(one & sampled)[0])} is called rate 1 but has a rate below 1")
    unknown = empty & ~one
    return sampled | unknown, unknown


def _limits(entries: RegimeSums, n_rows: int) -> tuple[FloatArray, FloatArray]:
    """Add the ends of a row's parts: exact at rate 1, inversion where clusters are few, log for the others pooled."""
    p, y, yy = entries.rate, entries.sums["y"], entries.sums["yy"]
    few = (p < 1) & (entries.sums["clusters"] < FEW_CLUSTERS)
    effect = _design_effect(entries, n_rows)
    few_lower, few_upper = np.zeros(len(p)), np.zeros(len(p))
    few_lower[few], few_upper[few] = binomial_inversion(y[few] / effect[few], p[few])
    many = (p < 1) & ~few
    variance = total_by_row(entries, np.where(many, (1 - p) / p**2 * yy, 0.0), n_rows)
    many_lower, many_upper = log_above_floor(
        total_by_row(entries, np.where(many, y / p, 0.0), n_rows),
        np.sqrt(variance),
        total_by_row(entries, np.where(many, y, 0.0), n_rows),
    )
    exact = total_by_row(entries, np.where(p == 1, y, 0.0), n_rows)
    lower = exact + many_lower + total_by_row(entries, few_lower * effect, n_rows)
    upper = exact + many_upper + total_by_row(entries, few_upper * effect, n_rows)
    return lower, upper


def _design_effect(entries: RegimeSums, n_rows: int) -> FloatArray:
    """Compute sum y^2 / sum y of each entry; where it has no events, that of its row, and 1 where the row has none."""
    y, yy = entries.sums["y"], entries.sums["yy"]
    row_y, row_yy = total_by_row(entries, y, n_rows), total_by_row(entries, yy, n_rows)
    of_row = np.divide(row_yy, row_y, out=np.ones(n_rows), where=row_y > 0)[entries.row]
    return np.divide(yy, y, out=of_row, where=y > 0)


def _statuses(
    seen: FloatArray, sampled: npt.NDArray[np.bool_], unknown: npt.NDArray[np.bool_]
) -> tuple[TextArray, TextArray]:
    """Give each row its status and the sentence that explains it."""
    few = sampled & (seen < FEW_EVENTS)
    status = np.full(len(seen), "publish", dtype=object)
    status[few] = "bounds_only"
    reason = np.full(len(seen), "", dtype=object)
    for i in np.flatnonzero(few):
        if unknown[i]:
            reason[i] = "nothing was kept, and the rate in force is not known: the total may be any number"
        elif seen[i] == 0:
            reason[i] = "nothing was kept under sampling: the total lies between 0 and the upper limit"
        else:
            reason[i] = f"only {seen[i]:.0f} events were kept under sampling, fewer than {FEW_EVENTS}: bounds only"
    return status, reason
