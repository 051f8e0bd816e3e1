"""Sums over kept sampling units, by output row and sampling rate: the long format every estimator of totals takes.

A unit (a pageview or a session) is kept whole with a known probability, its rate. The sums of disjoint sets of units
add, so tables made by different tasks or days merge in any order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any, Generic, Self, TypeVar

import numpy as np
import numpy.typing as npt

from jobs.estimation.intervals import FloatArray, as_float

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
TextArray = npt.NDArray[np.object_]


@dataclass(frozen=True)
class Sums:
    """Named sums over clusters, arrays of one length: what an estimator needs is a dataclass made of this one."""

    def each(self, change: Callable[[FloatArray], FloatArray]) -> Self:
        """Return the sums with every array changed in the same way."""
        return replace(self, **{field.name: change(getattr(self, field.name)) for field in fields(self)})

    def arrays(self) -> tuple[FloatArray, ...]:
        """Return the arrays in the order of their names' definition."""
        return tuple(getattr(self, field.name) for field in fields(self))


Own = TypeVar("Own", bound=Sums)
Kind = TypeVar("Kind", bound=Sums, covariant=True)


@dataclass(frozen=True)
class RegimeSums(Generic[Kind]):
    """Sums over kept clusters in long format: one entry per (row, rate), sorted, without repeats.

    Attributes:
        row: index of the output row, in [0, n_rows).
        rate: rate in (0, 1] at which the clusters were kept.
        n_rows: number of output rows; some may have no entry.
        sums: the sums, each of the length of `row`.
    """

    row: IntArray
    rate: FloatArray
    n_rows: int
    sums: Kind

    def by_row(self, values: FloatArray) -> FloatArray:
        """Add one value per entry up by row; rows without an entry get 0."""
        return np.bincount(self.row, weights=values, minlength=self.n_rows).astype(np.float64)

    def are_among(self, others: RegimeSums[Any]) -> BoolArray:
        """Tell of each entry whether others have one of the same row and rate."""
        return np.isin(self.row + 1j * self.rate, others.row + 1j * others.rate)

    def of_rows(self, wanted: BoolArray) -> RegimeSums[Kind]:
        """Return the entries of some rows, which are numbered anew."""
        chosen = wanted[self.row]
        number = np.cumsum(wanted) - 1
        sums = self.sums.each(lambda values: values[chosen])
        return RegimeSums(number[self.row[chosen]], self.rate[chosen], int(wanted.sum()), sums)


def regime_sums(row: npt.ArrayLike, rate: npt.ArrayLike, n_rows: int, sums: Own) -> RegimeSums[Own]:
    """Add up entries that share row and rate.

    Args:
        row: index of the output row of each entry, in [0, n_rows).
        rate: rate of each entry, in (0, 1].
        n_rows: number of output rows.
        sums: sums over clusters. No cluster may be in two entries of a row, since squares do not add within one.

    Returns:
        The sums per (row, rate). Adding is exact, hence associative, for whole numbers below 2^53.

    Raises:
        ValueError: for a rate or a row out of range, or arrays of different lengths.
    """
    rows, rates = np.atleast_1d(np.asarray(row, dtype=np.int64)), as_float(rate)
    values = sums.each(as_float)
    if any(len(array) != len(rows) for array in (rates, *values.arrays())):
        raise ValueError("row, rate and every sum need the same length")
    if not np.all((rates > 0) & (rates <= 1)):
        raise ValueError("every rate must lie in (0, 1]")
    if not np.all((rows >= 0) & (rows < n_rows)):
        raise ValueError(f"rows must lie in [0, {n_rows})")
    if len(rows) == 0:
        return RegimeSums(rows, rates, n_rows, values)
    order = np.lexsort((rates, rows))
    rows, rates = rows[order], rates[order]
    starts = np.flatnonzero(np.r_[True, (np.diff(rows) != 0) | (np.diff(rates) != 0)])
    added = values.each(lambda array: np.add.reduceat(array[order], starts))
    return RegimeSums(rows[starts], rates[starts], n_rows, added)


def effective_number(kept: RegimeSums[Any], count: FloatArray) -> FloatArray:
    """Compute Kish's effective number of kept units or events, (sum w)^2 / sum w^2 with w = 1 / rate.

    At one rate it is their number. In a window of mixed rates it is smaller: 40 events at rate 1 beside 4 at 0.1 are as
    informative as 15. Counts that decide a status of a ratio are meant this way.

    Args:
        kept: the entries.
        count: kept units or events of each entry.

    Returns:
        The number of each row; 0 where nothing was kept.
    """
    squares = kept.by_row(count / kept.rate**2)
    return np.asarray(kept.by_row(count / kept.rate) ** 2 / np.where(squares > 0, squares, 1.0))
