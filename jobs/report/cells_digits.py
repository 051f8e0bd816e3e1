"""How many digits leave: those that are written, so that charts and files carry no more than the text.

All digits of a share tell its counts, and those of an expectation (a rarefied count) how often each user came.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
import numpy.typing as npt
import pandas as pd

from jobs import words

FloatArray = npt.NDArray[np.float64]


def as_written(table: pd.DataFrame, columns: Sequence[str], units: Mapping[str, str]) -> pd.DataFrame:
    """Round numbers of metrics to the digits that `words.number` writes.

    Args:
        table: with the column `metric`.
        columns: what to round: a best guess, its lower and its upper limit, in this order.
        units: by metric.

    Returns:
        The same rows. Limits that differ still do: a number that is not exact must not look so.
    """
    unit = table["metric"].map(units)
    before = [table[name].to_numpy(dtype=float) for name in columns]
    rounded = [
        np.array([_written(*place) for place in zip(own, unit, strict=True)], dtype=float).reshape(len(table))
        for own in before
    ]
    middle, lower, upper = rounded
    step = np.array([_step(*place) for place in zip(upper, unit, strict=True)], dtype=float).reshape(len(table))
    is_one = (lower == upper) & (before[1] < before[2])
    upper = np.where(is_one, upper + step, upper)
    return table.assign(**dict(zip(columns, (middle, lower, upper), strict=True)))


@cache
def _written(value: float, unit: str) -> float:
    """Read back what is written of a number."""
    if np.isnan(value):
        return value
    number = float(words.number(value, unit).removesuffix(" %").replace(",", ""))
    return (number / 100 if unit in words.PERCENT_UNITS else number) + 0.0  # no minus before a zero


def _step(value: float, unit: str) -> float:
    """Return the distance of two neighbours that are written differently."""
    digits = words.number(value, unit).removesuffix(" %").rpartition(".")
    step = float(10.0 ** -len(digits[2])) if digits[1] else 1.0
    return step / 100 if unit in words.PERCENT_UNITS else step
