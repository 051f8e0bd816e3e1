"""From changes to values: the last, tiny step of the window sums, on pandas frames of cells and days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
from pyspark.sql import DataFrame

DECIMALS = 6  # sums of weights that came and went leave a rest of some 1e-12


def collect(frame: DataFrame) -> pd.DataFrame:
    """Bring a small frame to the driver, with its dates as datetime64."""
    table = frame.toArrow()
    found: pd.DataFrame = table.to_pandas()
    dates = [field.name for field in table.schema if pa.types.is_date(field.type)]
    return found.assign(**{name: pd.to_datetime(found[name]) for name in dates})


def accumulate(
    changes: pd.DataFrame, *, cell: Sequence[str], names: Sequence[str], start: date, end: date
) -> pd.DataFrame:
    """Accumulate dated changes into values on every day of `[start, end)`.

    Args:
        changes: `cell`, `change_date` and `names`; changes before `start` count from `start` on.
        cell: columns that name a cell; nulls are a value.
        names: columns to accumulate; integers stay integers.
        start: first as-of date.
        end: day after the last as-of date.

    Returns:
        `cell`, `as_of_date`, `names`: every day for the cells that are not zero throughout.
    """
    cell, names = list(cell), list(names)
    n_days = (end - start).days
    offset = (changes["change_date"] - pd.Timestamp(start)).dt.days.to_numpy().clip(min=0)
    inside = offset < n_days
    changes, offset = changes[inside], offset[inside]
    codes = changes.groupby(cell, dropna=False, sort=False).ngroup().to_numpy()
    cells = changes.loc[~pd.Series(codes, index=changes.index).duplicated(), cell].reset_index(drop=True)
    columns = {}
    for name in names:
        values = changes[name].to_numpy()
        grid = np.zeros((len(cells), n_days), dtype=values.dtype)
        np.add.at(grid, (codes, offset), values)
        grid = grid.cumsum(axis=1)
        columns[name] = grid if grid.dtype.kind in "iu" else grid.round(DECIMALS)
    alive = np.zeros(len(cells), dtype=bool)
    for grid in columns.values():
        alive |= (grid != 0).any(axis=1)
    dense = cells[alive].loc[lambda frame: frame.index.repeat(n_days)].reset_index(drop=True)
    dense["as_of_date"] = np.tile(pd.date_range(start, periods=n_days).to_numpy(), int(alive.sum()))
    return dense.assign(**{name: grid[alive].ravel() for name, grid in columns.items()})


def summed(
    daily: pd.DataFrame, *, cell: Sequence[str], names: Sequence[str], windows: Sequence[int], start: date, end: date
) -> pd.DataFrame:
    """Sum what adds up over days in rolling windows.

    Args:
        daily: `cell`, event_date, `names`; any number of rows per cell and day.
        cell: columns that name a cell.
        names: columns to sum.
        windows: lengths in days.
        start: first as-of date.
        end: day after the last as-of date.

    Returns:
        `cell`, window_days, as_of_date, `names`.
    """
    parts = []
    for length in windows:
        span = pd.Timedelta(days=length)
        part = daily[daily["event_date"] + span > pd.Timestamp(start)].rename(columns={"event_date": "change_date"})
        part = part[[*cell, "change_date", *names]].assign(window_days=length)
        gone = part.assign(change_date=part["change_date"] + span, **{name: -part[name] for name in names})
        parts += [part, gone]
    return accumulate(pd.concat(parts), cell=[*cell, "window_days"], names=names, start=start, end=end)
