"""Statistics of users over rolling windows, for all as-of dates at once and without rebuilding any window.

What a window holds of one unit (a user or a session) changes on two occasions only: a day enters on its own date, and
leaves `length` days later. So a statistic that is a sum over units of f(state of the unit in the window), such as
distinct users (f = 1 where the state is positive) or sums of squares, changes by f(new state) - f(old state) on those
dates and on no others. `window_changes` finds those differences from running sums per unit and adds them up by cell
and day; the result is as small as the cells are, and `window_sums/dense.py` accumulates it over the days. The cost is
one shuffle and one sort of the daily rows, however many as-of dates are asked. Integers stay exact.

Where the distribution of states is wanted (how many users have k kept pageviews), `state_counts` follows each unit from
state to state in the same manner.

On one date a leaving day is taken out before the day that enters is put in; each step is one telescope of the sum.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.transforms.prefix_sums import prefix_sums
from jobs.windows import DAY

State = Mapping[str, Column]
Statistic = Callable[[State], Column]


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


def _occasions(length: int | None, values: Sequence[str]) -> list[tuple[int, State, State]]:
    """Return when a row's day changes a window, in days after its own, and what the window then holds of the unit.

    The states are those just before and just after. A window that only grows is never left.
    """
    own = {name: F.col(name) for name in values}
    if length == 1:
        nothing = dict.fromkeys(values, F.lit(0))
        return [(0, nothing, own), (1, own, nothing)]
    to = {name: F.col(f"to_{name}") for name in values}
    if length is None:
        return [(0, _without(to, own), to)]
    entered = {name: to[name] - F.col(f"before_{length}_{name}") for name in values}
    whole = {name: F.col(f"ahead_{length}_{name}") - (to[name] - own[name]) for name in values}
    return [(0, _without(entered, own), entered), (length, whole, _without(whole, own))]


def _without(state: State, own: State) -> State:
    return {name: column - own[name] for name, column in state.items()}


def unit_steps(
    rows: DataFrame,
    *,
    unit: Sequence[str],
    keep: Sequence[str],
    values: Sequence[str],
    windows: Sequence[int | None],
    statistics: Mapping[str, Statistic],
    end: date,
) -> DataFrame:
    """Find how each unit changes each statistic when a day enters and when it leaves.

    Args:
        rows: any number of rows per unit and `event_date`; they are added up.
        unit: columns that name a unit.
        keep: further columns to carry along, or some of `unit`.
        values: columns that add up over the days of a window.
        windows: lengths in days; None for a window that only grows.
        statistics: functions of the state; 0 at the state of zeros.
        end: day after the last as-of date.

    Returns:
        `keep`, window_days (0 for a window that only grows), change_date and the differences, a column per statistic;
        steps that change nothing, or come on or after `end`, are left out.
    """
    framed = _framed(rows, [*unit, *keep], unit, values, windows)
    steps = _steps(windows, values, statistics, lambda change: change)
    return _unfolded(framed.select(*keep, steps), keep, statistics, end)


def additive_steps(
    rows: DataFrame, *, keep: Sequence[str], values: Sequence[str], windows: Sequence[int | None], end: date
) -> DataFrame:
    """Give the result of `unit_steps` for values that just add up: what enters is what later leaves."""
    steps = []
    for length in windows:
        steps.append(_step(length, 0, {name: F.col(name) for name in values}))
        if length is not None:
            steps.append(_step(length, length, {name: -F.col(name) for name in values}))
    return _unfolded(rows.select(*keep, F.array(*steps).alias("steps")), keep, values, end)


def _framed(
    rows: DataFrame, columns: Sequence[str], unit: Sequence[str], values: Sequence[str], windows: Sequence[int | None]
) -> DataFrame:
    """Add the running sums of `_ends` to the columns that are needed."""
    needed = rows.select(*dict.fromkeys([*columns, "event_date", *values]))
    return prefix_sums(needed, unit=unit, values=values, ends=_ends(windows))


def _steps(
    windows: Sequence[int | None],
    values: Sequence[str],
    statistics: Mapping[str, Statistic],
    whole: Callable[[Column], Column],
) -> Column:
    """Return the steps of all windows as an array; `whole` makes of one row's change that of all it stands for."""
    steps = [
        _step(length, delay, {name: whole(f(after) - f(before)) for name, f in statistics.items()})
        for length in windows
        for delay, before, after in _occasions(length, values)
    ]
    return F.array(*steps).alias("steps")


def _step(length: int | None, delay: int, changes: State) -> Column:
    return F.struct(
        F.lit(length or 0).alias("window_days"),
        F.date_add("event_date", delay).alias("change_date"),
        *(change.alias(name) for name, change in changes.items()),
    )


def _unfolded(rows: DataFrame, keep: Sequence[str], names: Iterable[str], end: date) -> DataFrame:
    """Give each row once per step, those left out that change nothing or come too late."""
    unfolded = rows.select(*keep, F.inline("steps"))
    changed = reduce(Column.__or__, [F.col(name) != 0 for name in names])
    return unfolded.where(changed & (F.col("change_date") < F.lit(end)))


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
    """Add up the changes of all units by cell, window and day.

    Args:
        rows: any number of rows per unit and `event_date`; they are added up.
        unit: columns that name a unit.
        cell: columns that name a cell, the same on all rows of a unit.
        values: see `unit_steps`.
        windows: see `unit_steps`.
        statistics: see `unit_steps`.
        start: first as-of date.
        end: day after the last as-of date.

    Returns:
        `cell`, window_days, change_date and a column per statistic, for `dense.accumulate`: a row for what enters a
        window on a date, and one for what leaves it. Where one as-of date is asked, everything there is enters on that
        date, which saves the sort.
    """
    if end - start == DAY:
        return _entering(rows, unit, cell, values, windows, statistics, start)
    framed = _framed(rows, [*cell, *unit], unit, values, windows)
    sums = framed.groupBy(*cell, "event_date").agg(_steps(windows, values, statistics, F.sum))
    return _unfolded(sums, cell, statistics, end)


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
    key = tuple(dict.fromkeys([*cell, *unit]))
    held = F.array_compact(F.array(*(holding(length, as_of) for length in windows)))
    states = (
        rows.where(F.col("event_date") <= F.lit(as_of))
        .select(*key, *values, F.explode(held).alias("window_days"))
        .groupBy(*key, "window_days")
        .agg(*(F.sum(name).alias(name) for name in values))
    )
    state = {name: F.col(name) for name in values}
    sums = states.groupBy(*cell, "window_days").agg(*(F.sum(f(state)).alias(name) for name, f in statistics.items()))
    return sums.select(*cell, "window_days", F.lit(as_of).alias("change_date"), *statistics)


def holding(length: int | None, as_of: date) -> Column:
    """Name a window of an as-of date, by its days, where it holds a row's day; else null."""
    if length is None:
        return F.lit(0)
    return F.when(F.col("event_date") > F.lit(as_of - length * DAY), F.lit(length))


def state_counts(
    dated: DataFrame, *, unit: Sequence[str], cell: Sequence[str], names: Sequence[str], states: Mapping[str, Statistic]
) -> DataFrame:
    """Count how many units enter and leave each state, by cell, window and date.

    Args:
        dated: the result of `unit_steps` or `additive_steps`, or a union of several.
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
