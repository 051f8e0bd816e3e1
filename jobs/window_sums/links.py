"""Window sums of links: events, users and sampling units of every element, margin, window and as-of date."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.transforms.daily_sums import engagement_daily as sum_engagement
from jobs.transforms.link_margins import (
    BY_BOTH,
    BY_BUCKET,
    BY_PLATFORM,
    LABEL_CELL,
    SESSION_STATES,
    SESSION_STATISTICS,
    SESSION_VALUES,
    STATE_VALUES,
    STATES,
    TOTAL,
    USER_STATISTICS,
    USER_VALUES,
    session_links,
    user_link_sessions,
    user_link_units,
    user_links,
)
from jobs.transforms.user_days import REGIME_COLUMNS, SEGMENT_COLUMNS
from jobs.transforms.window_states import additive_steps, state_counts, unit_steps, window_changes, within
from jobs.window_sums.dense import accumulate, collect, summed
from jobs.window_sums.tables import ALL, LINK_CELL, LinkSums

_MARGIN_CELL = ("wiki_db", *SEGMENT_COLUMNS)
_COUNTS = ("n_impressions", "n_clicks", "n_shown", "n_matched")
_WEIGHTED = ("w_impressions", "w_clicks", "w_shown", "w_matched")
# Statistics of regimes whose unit is the pageview: sums of these columns of the daily table.
_PAGEVIEW_UNITS = {
    "n_units": "n_pageviews",
    "n_impression_units": "n_shown_pageviews",
    "n_click_units": "n_click_pageviews",
    "n_shown_units": "n_shown_pageviews",
    "n_matched_units": "n_matched_pageviews",
    **{name: name for name in SESSION_STATISTICS if not name.startswith("n_")},
}


@dataclass(frozen=True)
class _Ask:
    start: date
    end: date
    windows: tuple[int, ...]
    unique_windows: tuple[int, ...]
    both: tuple[str, ...]


def link_window_sums(
    user_link_days: DataFrame,
    unit_link_days: DataFrame,
    *,
    start: date,
    end: date,
    windows: Sequence[int],
    unique_windows: Sequence[int],
    platform_bucket_elements: Sequence[str] = (),
    sampled: Collection[str] = (),
) -> LinkSums:
    """Sum the links' windows for every as-of date of `[start, end)`.

    Args:
        user_link_days: the table of that name; days outside the windows are ignored.
        unit_link_days: the table of that name.
        start: first as-of date.
        end: day after the last as-of date.
        windows: days of the rolling windows, at least one.
        unique_windows: days of those in which users are counted by their kept units.
        platform_bucket_elements: elements that also have the margin (platform, bucket).
        sampled: wikis that had a rate below 1, kept anything under it or not.
    """
    ask = _Ask(start, end, tuple(windows), tuple(unique_windows), tuple(platform_bucket_elements))
    users, units, engagement = (
        within(frame, start, end, max(ask.windows))
        for frame in (user_link_days, unit_link_days, sum_engagement(user_link_days, unit_link_days))
    )
    daily = collect(engagement)
    below = sorted({*sampled, *daily.loc[daily["sample_rate"] < 1, "wiki_db"]})
    return LinkSums(_cells(users, units, daily, ask), _regimes(users, units, daily, ask), _unique(users, below, ask))


def _cells(users: DataFrame, units: DataFrame, daily: pd.DataFrame, ask: _Ask) -> pd.DataFrame:
    by_day = units.groupBy("event_date", *_MARGIN_CELL)
    anonymous = collect(by_day.agg(F.sum("n_pageviews").alias("n_anonymous")))
    weighted = {f"w_{name.removeprefix('n_')}": daily[name] / daily["sample_rate"] for name in _COUNTS}
    own = daily.assign(**weighted, n_event_units=daily["n_pageviews"], n_anonymous=0)
    own = pd.concat([own, anonymous], ignore_index=True)
    names = [*_COUNTS, "n_event_units", "n_anonymous", *_WEIGHTED]
    own[names] = own[names].fillna(0)
    whole = [name for name in names if name.startswith("n_")]
    own = own.astype(dict.fromkeys(whole, "int64"))
    sums = summed(
        _open_days(own, ask), cell=_MARGIN_CELL, names=names, windows=ask.windows, start=ask.start, end=ask.end
    )
    changes = window_changes(
        user_links(users, ask.both),
        unit=[*LABEL_CELL, "user_hash"], cell=LABEL_CELL, values=USER_VALUES, windows=ask.windows,
        statistics=USER_STATISTICS, start=ask.start, end=ask.end,
    )  # fmt: skip
    people = accumulate(
        _open_labels(collect(changes), ask), cell=[*_MARGIN_CELL, "window_days"], names=list(USER_STATISTICS),
        start=ask.start, end=ask.end,
    )  # fmt: skip
    cells = sums.merge(people, on=list(LINK_CELL), how="left")
    cells = cells.fillna(dict.fromkeys(USER_STATISTICS, 0))
    cells = cells.astype({name: "int64" for name in USER_STATISTICS if name.startswith("n_")})
    return cells.assign(has_user_id=cells["n_anonymous"] == 0).drop(columns="n_anonymous")


def _regimes(users: DataFrame, units: DataFrame, daily: pd.DataFrame, ask: _Ask) -> pd.DataFrame:
    cell = [*_MARGIN_CELL, *REGIME_COLUMNS]
    names = [*_COUNTS, *_PAGEVIEW_UNITS]
    own = daily.assign(**{name: daily[column] for name, column in _PAGEVIEW_UNITS.items()})
    sums = summed(_open_days(own, ask), cell=cell, names=names, windows=ask.windows, start=ask.start, end=ask.end)
    keys = [*LINK_CELL, *REGIME_COLUMNS]
    is_session = sums["sample_unit"] == "session"
    if is_session.any():
        changes = window_changes(
            session_links(users, units, ask.both),
            unit=[*LABEL_CELL, *REGIME_COLUMNS, "session_hash"], cell=[*LABEL_CELL, *REGIME_COLUMNS],
            values=SESSION_VALUES, windows=ask.windows, statistics=SESSION_STATISTICS, start=ask.start, end=ask.end,
        )  # fmt: skip
        sessions = accumulate(
            _open_labels(collect(changes), ask), cell=[*cell, "window_days"], names=list(SESSION_STATISTICS),
            start=ask.start, end=ask.end,
        )  # fmt: skip
        by_session = sums.loc[is_session, [*keys, *_COUNTS]].merge(sessions, on=keys, how="left")
        sums = pd.concat([sums[~is_session], by_session], ignore_index=True)
    return sums[[*keys, *names]].fillna(dict.fromkeys(names, 0)).astype(dict.fromkeys(names, "int64"))


def _unique(users: DataFrame, wikis: Sequence[str], ask: _Ask) -> pd.DataFrame:
    names = list(STATE_VALUES)
    cell = ["wiki_db", "element_friendly_name"]
    windows = list(ask.unique_windows)
    columns = [*cell, "window_days", "as_of_date", *STATES, "n_users"]
    if not wikis or not windows:
        return pd.DataFrame(columns=columns)
    unit = [*cell, "user_hash"]
    rows = users.where(F.col("wiki_db").isin(*wikis))
    additive = additive_steps(user_link_units(rows), keep=unit, values=names, windows=windows, end=ask.end)
    by_session = unit_steps(
        user_link_sessions(rows), unit=[*unit, "session_hash"], keep=unit, values=["n_impressions", "n_clicks"],
        windows=windows, statistics=SESSION_STATES, end=ask.end,
    )  # fmt: skip
    dated = additive.unionByName(by_session)
    counts = collect(state_counts(dated, unit=unit, cell=cell, names=names, states=STATES))
    dense = accumulate(counts, cell=[*cell, "window_days", *STATES], names=["n_users"], start=ask.start, end=ask.end)
    seen = dense["is_full"].eq(True) | dense["k_click"].gt(0) | dense["k_shown_only"].gt(0)
    return dense.loc[seen & (dense["n_users"] != 0), columns].reset_index(drop=True)


def _open_days(daily: pd.DataFrame, ask: _Ask) -> pd.DataFrame:
    """Give each row of daily sums once per margin it belongs to."""
    return _open(daily, daily["client_platform_family"], daily["edit_count_bucket"], ask)


def _open_labels(changes: pd.DataFrame, ask: _Ask) -> pd.DataFrame:
    """Give each row of laid-out changes once per margin it stands for (see `transforms/link_margins.py`)."""
    total = changes[changes["margin"] == TOTAL]
    opened = _open(total, total["client_platform_family"], total["edit_count_bucket"], ask)
    own = changes[changes["margin"].isin([BY_PLATFORM, BY_BUCKET, BY_BOTH])]
    own = own.fillna({"client_platform_family": ALL, "edit_count_bucket": ALL})
    return pd.concat([opened, own], ignore_index=True)


def _open(frame: pd.DataFrame, platform: pd.Series, bucket: pd.Series, ask: _Ask) -> pd.DataFrame:
    has_platform, has_bucket = platform.notna(), bucket.notna()
    in_both = has_platform & has_bucket & frame["element_friendly_name"].isin(ask.both)
    return pd.concat(
        [
            frame.assign(client_platform_family=ALL, edit_count_bucket=ALL),
            frame[has_platform].assign(edit_count_bucket=ALL),
            frame[has_bucket].assign(client_platform_family=ALL),
            frame[in_both],
        ],
        ignore_index=True,
    )
