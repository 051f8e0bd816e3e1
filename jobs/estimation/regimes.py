"""Sums over kept sampling units, by output row and sampling rate: the long format every estimator of totals takes.

A unit (a pageview or a session) is kept whole with a known probability, its rate. The sums of disjoint sets of units
add, so tables made by different tasks or days merge in any order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from jobs.estimation.intervals import FloatArray, as_float

IntArray = npt.NDArray[np.int64]
TextArray = npt.NDArray[np.object_]


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


def effective_rate(row: npt.ArrayLike, rate: npt.ArrayLike, kept: npt.ArrayLike, n_rows: int) -> FloatArray:
    """Compute the one rate that mixed rates amount to, kept / sum(kept / rate), the harmonic mean; NaN for no units.

    Args:
        row: output row of each entry, in [0, n_rows).
        rate: rate of each entry, in (0, 1].
        kept: kept units of each entry.
        n_rows: number of output rows.
    """
    entries = regime_sums(row, rate, kept=kept)
    units = entries.sums["kept"]
    total = total_by_row(entries, units / entries.rate, n_rows)
    harmonic = np.full(n_rows, np.nan)
    np.divide(total_by_row(entries, units, n_rows), total, out=harmonic, where=total > 0)
    return harmonic


def effective_events(row: npt.ArrayLike, rate: npt.ArrayLike, events: npt.ArrayLike, n_rows: int) -> FloatArray:
    """Compute Kish's effective number of kept events, (sum w)^2 / sum w^2 with w = 1 / rate.

    At one rate it is the number of kept events. In a window of mixed rates it is smaller: 40 events at rate 1 beside 4
    at 0.1 are as informative as 15. Counts that decide a status of a ratio are meant this way.

    Args:
        row: output row of each entry, in [0, n_rows).
        rate: rate of each entry, in (0, 1].
        events: kept events of each entry.
        n_rows: number of output rows.
    """
    entries = regime_sums(row, rate, events=events)
    p, count = entries.rate, entries.sums["events"]
    squares = total_by_row(entries, count / p**2, n_rows)
    return np.asarray(total_by_row(entries, count / p, n_rows) ** 2 / np.where(squares > 0, squares, 1.0))
