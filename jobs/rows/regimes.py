"""Match what was kept to the sampling regimes in force, row by row."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd

from jobs.estimation.intervals import FloatArray
from jobs.reference.rows import ENTRY_POINT, REVIEW_LINKS
from jobs.rows.window_context import WindowContext, WindowSampling

SAMPLING_COLUMNS = [
    "sampling_unit", "sampling_rate_min", "sampling_rate_max", "is_rate_one", "has_unit_change", "losses",
    "unrecorded_reason", "series_break", "regimes",
]  # fmt: skip


def element_instruments(
    context: WindowContext, wikis: Sequence[str], element: str, start: date, end: date
) -> tuple[str, ...]:
    """Return the instruments that an element's events come from on some wikis in [start, end).

    A link on the dashboard comes from the usage instrument. A link that leads to it comes from an entry point
    instrument; where several run side by side, from the one that has been seen to send this element by the window's
    end.
    """
    if context.vocabulary.group_of(element) != ENTRY_POINT or element == REVIEW_LINKS:
        return context.usage_instruments(start, end)
    candidates = context.instruments(("entry_point", "both"), start, end)
    senders = {name for wiki in wikis for name in context.senders(wiki, element, end)}
    chosen = tuple(name for name in candidates if name in senders)
    return chosen or candidates


def sampling_values(sampling: WindowSampling) -> tuple[object, ...]:
    """Return a window's sampling as the values of `SAMPLING_COLUMNS`."""
    low, high = sampling.rates or (None, None)
    return (
        sampling.unit, low, high, sampling.is_rate_one, sampling.has_unit_change, sampling.losses,
        sampling.unrecorded, sampling.series_break, sampling.regimes,
    )  # fmt: skip


def regimes_by_row(base: pd.DataFrame) -> pd.DataFrame:
    """List the regimes of each row of a frame with `row` and `regimes`: row, sample_unit, sample_rate."""
    found, distinct = pd.factorize(base["regimes"].to_numpy(dtype=object))
    pairs = [(place, unit, rate) for place, regimes in enumerate(distinct) for unit, rate in regimes]
    listed = pd.DataFrame(pairs, columns=["found", "sample_unit", "sample_rate"])
    listed = listed.astype({"found": "int64", "sample_unit": "str", "sample_rate": "float64"})
    rows = pd.DataFrame({"row": base["row"].to_numpy(dtype="int64"), "found": found})
    return rows.merge(listed, on="found").drop(columns="found")


def entries(regimes: pd.DataFrame, kept: pd.DataFrame) -> pd.DataFrame:
    """Put kept sums beside the regimes of each row; a regime under which nothing was kept is an entry of zeros.

    Args:
        regimes: row, sample_unit, sample_rate.
        kept: row, sample_unit, sample_rate, n_units and other sums, several lines per regime if several wikis
            or instruments contribute; they are added (their users and units are different ones).
    """
    keys = ["row", "sample_unit", "sample_rate"]
    # The sums are dense in time: a regime has lines of zeros on dates on which it was not in force.
    sums = kept[kept["n_units"] > 0].groupby(keys, as_index=False).sum(numeric_only=True)
    return regimes.merge(sums, on=keys, how="outer").fillna(
        {column: 0 for column in sums.columns if column not in keys}
    )


def kish(regimes: pd.DataFrame, units: str, n_rows: int) -> FloatArray:
    """Compute the effective number of kept units of each row, (sum w)^2 / sum w^2 with w = 1 / rate (Kish 1965).

    Args:
        regimes: from `entries`.
        units: the column that counts kept units.
        n_rows: number of rows.
    """
    row, count, weight = (
        regimes["row"].to_numpy(int),
        regimes[units].to_numpy(float),
        1 / regimes["sample_rate"].to_numpy(float),
    )
    sums = np.bincount(row, weights=count * weight, minlength=n_rows)
    squares = np.bincount(row, weights=count * weight**2, minlength=n_rows)
    return np.divide(sums**2, squares, out=np.zeros(n_rows), where=squares > 0)
