"""Statistics of users over rolling windows, for all as-of dates at once and without rebuilding any window.

What a window holds of one unit (a user or a session) changes on two occasions only: a day enters on its own date, and
leaves `length` days later. So a statistic that is a sum over units of f(state of the unit in the window), such as
distinct users (f = 1 where the state is positive) or sums of squares, changes by f(new state) - f(old state) on those
dates and on no others. `window_changes` finds those differences from running sums per unit and adds them up by cell
and day; the result is as small as the cells are, and `dense.py` accumulates it over the days. The cost is one shuffle
and one sort of the daily rows, however many as-of dates are asked. Integers stay exact.

Where the distribution of states is wanted (how many users have k kept pageviews), `state_counts` follows each unit from
state to state in the same manner.

On one date a leaving day is taken out before the day that enters is put in; each step is one telescope of the sum.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.transforms.prefix_sums import prefix_sums

State = Mapping[str, Column]
Statistic = Callable[[State], Column]
DAY = timedelta(days=1)


def within(rows: DataFrame, start: date, end: date, longest: int) -> DataFrame:
    """Keep the days that a window of up to `longest` days with its last day in `[start, end)` can contain."""
    first = start - (longest - 1) * DAY
    return rows.where((F.col("event_date") >= F.lit(first)) & (F.col("event_date") < F.lit(end)))


def positive(*columns: Column) -> Column:
    """Return 1 where all the columns are above 0, else 0."""
    return F.when(reduce(Column.__and__, [column > 0 for column in columns]), 1).otherwise(0)


def _ends(windows: Sequence[int | None]) -> dict[str, int]:
    """Return where the running sums end from which every window's content follows, in days after a row's own.

    `to` ends with the row's own day, `before_<length>` with the last day a window of that length no longer holds,
    `ahead_<length>` with the last day of a window that begins with the row's own.
    """
    ends = {"to": 0}
    for length in windows:
        if length is not None and length > 1:
            ends |= {f"before_{length}": -length, f"ahead_{length}": length - 1}
    return ends


def _states(length: int | None, values: Sequence[str]) -> dict[str, State]:
    """Return what a window holds of a unit just after the row's day enters, and just before it leaves.

    A day's window of one day is the day, whichever way; a window that only grows is never left.
    """
    if length == 1:
        return {"enter": {name: F.col(name) for name in values}}
    to = {name: F.col(f"to_{name}") for name in values}
    if length is None:
        return {"enter": to}
    return {
        "enter": {name: to[name] - F.col(f"before_{length}_{name}") for name in values},
        "leave": {name: F.col(f"ahead_{length}_{name}") - (to[name] - F.col(name)) for name in values},
    }


def unit_changes(
    rows: DataFrame,
    *,
    unit: Sequence[str],
    keep: Sequence[str],
    values: Sequence[str],
    windows: Sequence[int | None],
    statistics: Mapping[str, Statistic],
) -> DataFrame:
    """Find how each unit changes each statistic when a day enters and when it leaves.

    Args:
        rows: any number of rows per unit and `event_date`; they are added up.
        unit: columns that name a unit.
        keep: further columns to carry along, or some of `unit`.
        values: columns that add up over the days of a window.
        windows: lengths in days; None for a window that only grows.
        statistics: functions of the state; 0 at the state of zeros.

    Returns:
        `keep`, event_date and, per window and statistic, `enter_<window>_<name>` and `leave_<window>_<name>`: the
        differences at event_date and at event_date + window. A window that only grows is `enter_0_<name>`; a window of
        one day is only entered too, since it loses what it gained.
    """
    needed = rows.select(*dict.fromkeys([*unit, *keep, "event_date", *values]))
    framed = prefix_sums(needed, unit=unit, values=values, ends=_ends(windows))
    changes = []
    for length in windows:
        for side, state in _states(length, values).items():
            less = {name: column - F.col(name) for name, column in state.items()}
            for name, f in statistics.items():
                change = f(state) - f(less) if side == "enter" else f(less) - f(state)
                changes.append((f(state) if length == 1 else change).alias(f"{side}_{length or 0}_{name}"))
    return framed.select(*keep, "event_date", *changes)


def window_changes(
    rows: DataFrame,
    *,
    unit: Sequence[str],
    cell: Sequence[str],
    values: Sequence[str],
    windows: Sequence[int | None],
    statistics: Mapping[str, Statistic],
    start: date,
    end: date,
) -> DataFrame:
    """Add up the changes of all units by cell and day.

    Args:
        rows: any number of rows per unit and `event_date`; they are added up.
        unit: columns that name a unit.
        cell: columns that name a cell, the same on all rows of a unit.
        values: see `unit_changes`.
        windows: see `unit_changes`.
        statistics: see `unit_changes`.
        start: first as-of date.
        end: day after the last as-of date.

    Returns:
        One row per cell and `event_date` with the columns of `unit_changes`; `dense.rolled` reads it. Where one as-of
        date is asked, everything there is enters on that date, which saves the sort.
    """
    if end - start == DAY:
        return _entering(rows, [*dict.fromkeys([*cell, *unit])], cell, values, windows, statistics, start)
    changes = unit_changes(rows, unit=unit, keep=cell, values=values, windows=windows, statistics=statistics)
    names = [name for name in changes.columns if name.startswith(("enter_", "leave_"))]
    return changes.groupBy(*cell, "event_date").agg(*(F.sum(name).alias(name) for name in names))


def _entering(
    rows: DataFrame,
    unit: Sequence[str],
    cell: Sequence[str],
    values: Sequence[str],
    windows: Sequence[int | None],
    statistics: Mapping[str, Statistic],
    as_of: date,
) -> DataFrame:
    """Give the windows of one as-of date in the form of `window_changes`, summed straight from the days they hold."""
    lengths = [length or 0 for length in windows]
    inside = {n: F.col("event_date") > F.lit(as_of - n * DAY) if n else F.lit(True) for n in lengths}
    states = (
        rows.where(F.col("event_date") <= F.lit(as_of))
        .groupBy(*unit)
        .agg(*(F.sum(F.when(inside[n], F.col(v)).otherwise(0)).alias(f"{n}_{v}") for n in lengths for v in values))
    )
    entering = [
        F.sum(f({value: F.col(f"{n}_{value}") for value in values})).alias(f"enter_{n}_{name}")
        for n in lengths
        for name, f in statistics.items()
    ]
    staying = [F.lit(0).alias(f"leave_{n}_{name}") for n in lengths if n > 1 for name in statistics]
    sums = states.groupBy(*cell).agg(*entering)
    return sums.select(*cell, F.lit(as_of).alias("event_date"), *sums.columns[len(cell) :], *staying)


def additive_changes(
    rows: DataFrame, *, keep: Sequence[str], values: Sequence[str], windows: Sequence[int | None]
) -> DataFrame:
    """Give the result of `unit_changes` for values that just add up: what enters is what later leaves."""
    changes = []
    for length in windows:
        changes += [F.col(name).alias(f"enter_{length or 0}_{name}") for name in values]
        if length is not None and length > 1:
            changes += [(-F.col(name)).alias(f"leave_{length}_{name}") for name in values]
    return rows.select(*keep, "event_date", *changes)


def steps(
    changes: DataFrame, *, keep: Sequence[str], names: Sequence[str], windows: Sequence[int | None], end: date
) -> DataFrame:
    """Unfold the changes of units into dated steps.

    Args:
        changes: the result of `unit_changes` or `additive_changes`.
        keep: columns to carry along.
        names: the statistics.
        windows: the windows that were asked of `unit_changes`.
        end: day after the last as-of date.

    Returns:
        `keep`, window_days (0 for a window that only grows), change_date and one column per statistic; steps that
        change nothing, or come on or after `end`, are left out.
    """
    sides = []
    for length in windows:
        delays = {"enter": 0} if length is None else {"enter": 0, "leave": length}
        for side, delay in delays.items():
            undone = side == "leave" and length == 1
            own = [(name, F.col(f"{'enter' if undone else side}_{length or 0}_{name}")) for name in names]
            sides.append(
                F.struct(
                    F.lit(length or 0).alias("window_days"),
                    F.date_add("event_date", delay).alias("change_date"),
                    *((-column if undone else column).cast("bigint").alias(name) for name, column in own),
                )
            )
    unfolded = changes.select(*keep, F.inline(F.array(*sides)))
    changed = reduce(Column.__or__, [F.col(name) != 0 for name in names])
    return unfolded.where(changed & (F.col("change_date") < F.lit(end)))


def state_counts(
    dated: DataFrame, *, unit: Sequence[str], cell: Sequence[str], names: Sequence[str], states: Mapping[str, Statistic]
) -> DataFrame:
    """Count how many units enter and leave each state, by cell, window and date.

    Args:
        dated: the result of `steps`, possibly a union of several.
        unit: columns that name a unit; `window_days` is one more of them.
        cell: columns that name a cell, the same on all rows of a unit.
        names: columns of `dated` that add up to the state.
        states: what to tell apart, as functions of the accumulated columns.

    Returns:
        `cell`, window_days, change_date, the columns of `states` and `n_users`: units that came into this state on that
        date less those that left it. Units without anything in the window are in no state.
    """
    key = (*unit, "window_days")
    daily = dated.groupBy(*dict.fromkeys([*key, *cell]), "change_date").agg(*(F.sum(n).alias(n) for n in names))
    since = Window.partitionBy(*key).orderBy("change_date").rowsBetween(Window.unboundedPreceding, Window.currentRow)
    framed = daily.select(
        *dict.fromkeys([*cell, "window_days", "change_date", *names]),
        *(F.sum(name).over(since).alias(f"_{name}") for name in names),
    )
    new = {name: F.col(f"_{name}") for name in names}
    old = {name: F.col(f"_{name}") - F.col(name) for name in names}
    sides = F.array(*(_state(side, states, sign) for side, sign in ((new, 1), (old, -1))))
    return (
        framed.select(*cell, "window_days", "change_date", F.inline(sides))
        .where("is_there")
        .groupBy(*cell, "window_days", "change_date", *states)
        .agg(F.sum("n_users").alias("n_users"))
        .where("n_users <> 0")
    )


def _state(side: State, states: Mapping[str, Statistic], sign: int) -> Column:
    is_there = reduce(Column.__or__, [column != 0 for column in side.values()])
    return F.struct(
        *(f(side).alias(name) for name, f in states.items()),
        is_there.alias("is_there"),
        F.lit(sign).alias("n_users"),
    )
