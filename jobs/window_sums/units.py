"""Users by their kept units under each rate, in the rolling windows of the numbers that outlast a change of rate."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pandas as pd
from pyspark.sql import DataFrame

from jobs.transforms.unit_states import names, unit_states
from jobs.window_sums.dense import accumulate, collect
from jobs.window_sums.tables import ROLLING, VISIT_WINDOW, VISITORS, kept_column


def unit_counts(
    user_days: DataFrame, daily: pd.DataFrame, *, windows: Sequence[int], start: date, end: date
) -> pd.DataFrame:
    """Count users by their kept units, on every as-of date of `[start, end)`.

    Args:
        user_days: the table of that name.
        daily: its sums by day and regime: wiki_db, sample_unit, sample_rate.
        windows: days of the windows; none, nothing is counted.
        start: first as-of date.
        end: day after the last as-of date.

    Returns:
        `VISIT_WINDOW`, a column `kept_column(rate)` for each rate of the days, n_users.
    """
    rates = sorted(set(daily["sample_rate"].tolist()))
    if not windows or not rates:
        return pd.DataFrame(columns=[*VISIT_WINDOW, "n_users"])
    has_sessions = bool((daily["sample_unit"] == "session").any())
    changes = collect(
        unit_states(user_days, rates=rates, has_sessions=has_sessions, windows=windows, start=start, end=end)
    )
    cell = ["wiki_db", "window_days", *names(rates)]
    found = accumulate(changes, cell=cell, names=["n_users"], start=start, end=end)
    columns = {"window_days": "window_length", **dict(zip(names(rates), map(kept_column, rates), strict=True))}
    named = found[found["n_users"] != 0].rename(columns=columns).assign(window_kind=ROLLING, population=VISITORS)
    return named[[*VISIT_WINDOW, *map(kept_column, rates), "n_users"]].reset_index(drop=True)
