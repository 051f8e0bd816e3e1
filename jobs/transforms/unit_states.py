"""How many units of a user were kept under each rate in a window: what numbers that outlast a change of rate need.

A unit is what was sampled: a pageview with a load, or a session with one. All of them are told apart by rate, those of
rate 1 too. A session that lasts over a change of rate counts under both.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.transforms.window_states import additive_steps, holding, positive, state_counts, unit_steps
from jobs.windows import DAY

USER = ("wiki_db", "user_hash")
WINDOW = "window_days"


def unit_states(
    user_days: DataFrame, *, rates: Sequence[float], has_sessions: bool, windows: Sequence[int], start: date, end: date
) -> DataFrame:
    """Count users by their kept units under each rate, for every as-of date of `[start, end)`.

    Args:
        user_days: the table of that name; days outside the windows are ignored.
        rates: the rates to tell apart; rows of others are left out.
        has_sessions: whether any row was sampled by session.
        windows: days of the rolling windows.
        start: first as-of date.
        end: day after the last as-of date.

    Returns:
        wiki_db, window_days, change_date, the columns `names(rates)` and `n_users`: users that came into this state on
        that date less those that left it (for `dense.accumulate`). Users without a kept unit are in no state.
    """
    first = start - (max(windows) - 1) * DAY
    inside = (F.col("event_date") >= F.lit(first)) & (F.col("event_date") < F.lit(end))
    rows = user_days.where(inside & (F.col("n_loads") > 0))
    parts = [_pageviews(rows, rates)] + ([_sessions(rows, rates)] if has_sessions else [])
    if end - start == DAY:
        return _of_one_day(parts, names(rates), windows, start)
    keep, columns = list(USER), names(rates)
    dated = additive_steps(parts[0], keep=keep, values=columns, windows=windows, end=end)
    for sessions in parts[1:]:
        once = {name: lambda state, name=name: positive(state[name]) for name in columns}
        unit = [*keep, "session_hash"]
        steps = unit_steps(sessions, unit=unit, keep=keep, values=columns, windows=windows, statistics=once, end=end)
        dated = dated.unionByName(steps)
    states = {name: lambda state, name=name: state[name] for name in columns}
    return state_counts(dated, unit=USER, cell=USER[:1], names=columns, states=states)


def names(rates: Sequence[float]) -> list[str]:
    """Name the column of each rate."""
    return [f"kept_{place}" for place in range(len(rates))]


def _pageviews(rows: DataFrame, rates: Sequence[float]) -> DataFrame:
    """Count the pageviews of a user's day where they are the unit."""
    return _by_rate(rows.where("sample_unit = 'pageview'"), rates, "n_pageviews", USER)


def _sessions(rows: DataFrame, rates: Sequence[float]) -> DataFrame:
    """Give the loads of a session's day where sessions are the unit."""
    opened = rows.where("sample_unit = 'session'").select(*USER, "event_date", "sample_rate", F.inline("sessions"))
    return _by_rate(opened, rates, "n_loads", (*USER, "session_hash"))


def _by_rate(rows: DataFrame, rates: Sequence[float], value: str, unit: Sequence[str]) -> DataFrame:
    return rows.groupBy(*unit, "event_date").agg(
        *(
            F.sum(F.when(F.col("sample_rate") == F.lit(rate), F.col(value)).otherwise(0)).alias(name)
            for rate, name in zip(rates, names(rates), strict=True)
        )
    )


def _of_one_day(parts: Sequence[DataFrame], columns: Sequence[str], windows: Sequence[int], as_of: date) -> DataFrame:
    """Count the states of one as-of date straight from the days that its windows hold: no step has to be sorted."""
    held = F.explode(F.array_compact(F.array(*(holding(length, as_of) for length in windows)))).alias(WINDOW)
    pageviews, *sessions = (part.select(*part.columns, held) for part in parts)
    counted = pageviews.select(*USER, WINDOW, *columns)
    for part in sessions:
        whole = part.groupBy(*USER, "session_hash", WINDOW).agg(*(F.sum(name).alias(name) for name in columns))
        counted = counted.unionByName(
            whole.select(*USER, WINDOW, *(positive(F.col(name)).cast("long").alias(name) for name in columns))
        )
    users = counted.groupBy(*USER, WINDOW).agg(*(F.sum(name).alias(name) for name in columns))
    states = users.groupBy("wiki_db", WINDOW, *columns).agg(F.count(F.lit(1)).alias("n_users"))
    there = F.greatest(*(F.col(name) for name in columns), F.lit(0)) > 0
    return states.where(there).select("wiki_db", WINDOW, F.lit(as_of).alias("change_date"), *columns, "n_users")
