"""Window sums of the dashboard: loads, visitors, reviewers and two-day reviewers, rolling and quarter to date."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.transforms.user_days import REGIME_COLUMNS
from jobs.transforms.visit_days import (
    SESSION_STATES,
    SESSION_STATISTICS,
    STATE_VALUES,
    STATES,
    SUMS,
    USER_STATISTICS,
    daily_loads,
    session_visits,
    user_sessions,
    user_units,
    user_visits,
)
from jobs.transforms.window_states import (
    Statistic,
    additive_steps,
    state_counts,
    unit_steps,
    window_changes,
)
from jobs.window_sums.dense import accumulate, collect, summed
from jobs.window_sums.spans import TAGS, Span, name_windows, quarters_within
from jobs.window_sums.tables import REVIEWERS, VISIT_WINDOW, VISITORS, QuarterStarts, VisitSums
from jobs.window_sums.units import unit_counts


def visit_window_sums(
    user_days: DataFrame,
    *,
    start: date,
    end: date,
    windows: Sequence[int],
    quarter_starts: QuarterStarts | None = None,
    sampled: Collection[str] = (),
    unit_windows: Sequence[int] = (),
) -> VisitSums:
    """Sum the dashboard's windows for every as-of date of `[start, end)`.

    Args:
        user_days: the table of that name; days outside the windows are ignored.
        start: first as-of date.
        end: day after the last as-of date.
        windows: days of the rolling windows.
        quarter_starts: first day that counts, by wiki, population (`visitors`, `reviewers`) and first day of the
            quarter; no entry, no quarter-to-date window.
        sampled: wikis that had a rate below 1, kept anything under it or not.
        unit_windows: days of the rolling windows in which users are counted by their kept units (`unit_counts`).
    """
    quarters = quarters_within(quarter_starts or {}, start, end)
    span = Span(start, end, tuple(windows), quarters)
    rows = span.restrict(user_days)
    daily = collect(daily_loads(rows))
    users = _values(user_visits(rows), ["user_hash"], list(TAGS), ["n_loads", "w_loads", "n_review_days"],
                    USER_STATISTICS, span)  # fmt: skip
    regimes = _regimes(rows, daily, span)
    sums = _sums(daily, ["wiki_db"], ["n_loads", "n_pageviews", "w_loads"], span)
    units = regimes.groupby(list(VISIT_WINDOW), as_index=False)["n_units"].sum()
    cells = sums.merge(units, on=list(VISIT_WINDOW), how="outer").merge(users, on=list(VISIT_WINDOW), how="outer")
    numbers = [name for name in cells.columns if name not in VISIT_WINDOW]
    whole = [name for name in numbers if name.startswith("n_")]
    cells = cells.fillna(dict.fromkeys(numbers, 0)).astype(dict.fromkeys(whole, "int64"))
    below = {*sampled, *daily.loc[daily["sample_rate"] < 1, "wiki_db"]}
    units_of_users = unit_counts(user_days, daily, windows=unit_windows, start=start, end=end)
    return VisitSums(cells, regimes, *_people(rows, sorted(below), span), units_of_users)


def _values(
    rows: DataFrame,
    unit: list[str],
    cell: list[str],
    values: list[str],
    statistics: Mapping[str, Statistic],
    span: Span,
) -> pd.DataFrame:
    """Follow units through all windows; returns `VISIT_WINDOW`, the cell's other columns and the statistics."""
    found = []
    for tagged, windows in ((span.rolling(rows), span.windows), (span.to_date(rows), (None,))):
        if windows == (None,) and not span.quarters:
            continue
        changes = window_changes(
            tagged,
            unit=[*cell, *unit],
            cell=cell,
            values=values,
            windows=windows,
            statistics=statistics,
            start=span.start,
            end=span.end,
        )
        keys = [*cell, "window_days"]
        found.append(accumulate(collect(changes), cell=keys, names=list(statistics), start=span.start, end=span.end))
    return name_windows(pd.concat(found, ignore_index=True))


def _sums(daily: pd.DataFrame, cell: list[str], names: list[str], span: Span) -> pd.DataFrame:
    """Sum what adds up over days in all windows; returns `VISIT_WINDOW`, the cell's other columns and the names."""
    rolling = summed(daily, cell=cell, names=names, windows=span.windows, start=span.start, end=span.end)
    found = [rolling.assign(population=VISITORS, quarter_stop=None)]
    if span.quarters:
        spans = pd.DataFrame(span.quarters, columns=["wiki_db", "population", "first", "quarter_stop"])
        spans[["first", "quarter_stop"]] = spans[["first", "quarter_stop"]].apply(pd.to_datetime)
        inside = daily.merge(spans, on="wiki_db", how="inner").query("first <= event_date < quarter_stop")
        inside = inside.rename(columns={"event_date": "change_date"}).assign(window_days=0)
        keys = [*cell, "population", "quarter_stop", "window_days"]
        found.append(accumulate(inside, cell=keys, names=names, start=span.start, end=span.end))
    return name_windows(pd.concat(found, ignore_index=True))


def _regimes(rows: DataFrame, daily: pd.DataFrame, span: Span) -> pd.DataFrame:
    """Sum by sampling regime; where the unit is the session, squares and counts are over sessions of the window."""
    regime = ["wiki_db", *REGIME_COLUMNS]
    sums = _sums(daily, regime, list(SUMS), span)
    is_session = sums["sample_unit"] == "session"
    if not is_session.any():
        return sums
    cell = [*TAGS, *REGIME_COLUMNS]
    sessions = _values(session_visits(rows), ["session_hash"], cell, ["n_loads", "n_rows"], SESSION_STATISTICS, span)
    own = sums[is_session].drop(columns=list(SESSION_STATISTICS))
    merged = own.merge(sessions, on=[*VISIT_WINDOW, *REGIME_COLUMNS], how="outer")
    names = [name for name in sums.columns if name not in (*VISIT_WINDOW, *REGIME_COLUMNS)]
    merged = merged.fillna(dict.fromkeys(names, 0)).astype(dict.fromkeys(names, "int64"))
    return pd.concat([sums[~is_session], merged[sums.columns]], ignore_index=True)


def _people(rows: DataFrame, wikis: list[str], span: Span) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Count the users of sampled wikis by their kept units: `user_counts` and `two_day_counts`."""
    states = list(STATES)
    joint = pd.DataFrame(columns=[*VISIT_WINDOW, *states, "n_users"])
    if wikis:
        joint = name_windows(
            pd.concat(_joint_counts(rows.where(F.col("wiki_db").isin(wikis)), span), ignore_index=True)
        )
    populations = []
    for counted, is_full, k in ((VISITORS, "is_full_visitor", "k_load"), (REVIEWERS, "is_full_reviewer", "k_review")):
        named = joint.rename(columns={is_full: "is_full", k: "k"}).assign(counted=counted)
        populations.append(_add(named[named["is_full"].eq(True) | named["k"].gt(0)], ["counted", "is_full", "k"]))
    visitors = joint[joint["is_full_visitor"].eq(True) | joint["k_load"].gt(0)]
    named = visitors.rename(
        columns={"is_full_visitor": "is_full", "k_review": "k_review_units", "k_other": "k_other_units"}
    )
    return pd.concat(populations, ignore_index=True), _add(named, ["is_full", "k_review_units", "k_other_units"])


def _add(joint: pd.DataFrame, states: list[str]) -> pd.DataFrame:
    """Add up users by the columns of their state that are told apart."""
    counts = joint.groupby([*VISIT_WINDOW, *states], as_index=False)[["n_users"]].sum()
    return counts.loc[counts["n_users"] != 0]


def _joint_counts(rows: DataFrame, span: Span) -> list[pd.DataFrame]:
    """Count users by the joint state `STATES`, on every as-of date."""
    user = [*TAGS, "user_hash"]
    found = []
    for tag, windows in ((span.rolling, span.windows), (span.to_date, (None,))):
        if windows == (None,) and not span.quarters:
            continue
        additive = additive_steps(tag(user_units(rows)), keep=user, values=STATE_VALUES, windows=windows, end=span.end)
        by_session = unit_steps(
            tag(user_sessions(rows)),
            unit=[*user, "session_hash"],
            keep=user,
            values=["n_loads", "n_reviews"],
            windows=windows,
            statistics=SESSION_STATES,
            end=span.end,
        )
        dated = additive.unionByName(by_session)
        counts = state_counts(dated, unit=user, cell=TAGS, names=STATE_VALUES, states=STATES)
        changes = collect(counts)
        cell = [*TAGS, *STATES, "window_days"]
        found.append(accumulate(changes, cell=cell, names=["n_users"], start=span.start, end=span.end))
    return found
