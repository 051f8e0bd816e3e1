"""Profile the rows of an audience, before they are published or as they are: pandas only.

Every profile has the columns `event_date` (the as-of date) and `subject` (unique together), a wiki but for keys. What
is wrong is counted by wiki and named by the worst of its cells: on all wikis there are thousands of cells.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date

import pandas as pd

from jobs.contracts import table
from jobs.quality.audience_cells import WIKI, broken_cells, moved
from jobs.quality.audience_dumps import dumps_by_fate
from jobs.quality.audience_ends import dump_ends
from jobs.quality.audience_nested import out_of_order
from jobs.windows import DAY

TABLES = ("audience", "audience_values", "audience_alternatives", "audience_log")
"""The tables a profile reads."""

COUNTS = ("n_editors", "n_new_to_band", "n_left_band", "n_rows")


def audience_profile(
    tables: Mapping[str, pd.DataFrame],
    *,
    past: pd.DataFrame,
    limits: Callable[[date], Mapping[str, float]],
    max_malformed_share: float,
    min_users: int,
    files: pd.DataFrame | None = None,
    revisions: Mapping[str, int] | None = None,
) -> dict[str, pd.DataFrame]:
    """Profile an audience for its gate.

    Args:
        tables: the rows of `TABLES` that are judged; dates as `date`.
        past: published rows of `audience`, at least those of the days of `past_days`.
        limits: the thresholds of a day, of which `audience_sds` counts.
        max_malformed_share: the setting of `[audience]`.
        min_users: cells with fewer editors, but at least one, are hidden.
        files: what became of the rows of each file (FILES), where the rows were just made of them.
        revisions: revisions by wiki that the engine counted editors of, likewise.

    Returns:
        `dumps` (of each wiki and snapshot the rows by fate), `ends`, `quiet` and `begins` (of `dump_ends`), `keys` (of
        each table), `cells` (of each wiki what is broken), `nested` (of each wiki the part that
        exceeds its whole most, or comes nearest), `past` (of each wiki the cell that moved most against the month
        before), `wikis` (of each wiki its largest cell).

    Raises:
        KeyError: a table is missing.
    """
    missing = sorted(set(TABLES) - set(tables))
    if missing:
        raise KeyError(f"the audience profile needs the tables {', '.join(missing)}")
    found = {name: _numbered(tables[name]) for name in TABLES}
    audience, alternatives = found["audience"], found["audience_alternatives"]
    dumps = dumps_by_fate(found["audience_log"], files, revisions)
    frames: dict[str, pd.DataFrame] = {
        "dumps": dumps.assign(max_malformed_share=max_malformed_share),
        **dump_ends(found["audience_log"], files)._asdict(),
        "keys": _keys(found),
        "cells": broken_cells(audience, found["audience_values"], alternatives, min_users),
        "nested": out_of_order(audience, alternatives, min_users),
        "past": moved(audience, _numbered(past), limits, min_users),
        "wikis": audience.groupby(WIKI, as_index=False)[["n_editors"]].max(),
    }
    return {name: _named(frame) for name, frame in frames.items()}


def past_days(as_of: Sequence[date]) -> list[date]:
    """Return the days of the months before those of some days: what counts are compared with."""
    last_days = {day.replace(day=1) - DAY for day in as_of}
    return sorted(last - place * DAY for last in last_days for place in range(last.day))


def _numbered(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table with its counts as floats: they come as whole numbers, with and without nulls."""
    counts = [name for name in COUNTS if name in frame]
    return frame.assign(**{name: pd.to_numeric(frame[name]).astype("float64") for name in counts})


def _named(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a profile with the two columns that all have."""
    found = frame.rename(columns={"as_of_date": "event_date"})
    return found if "subject" in found else found.assign(subject=found["wiki_db"])


def _keys(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Count rows and repeated keys of each table and date."""
    found = [
        frame.assign(n_rows=1, n_repeated=frame.duplicated(list(table(name).grain)), subject=name)
        .groupby(["as_of_date", "subject"], as_index=False)[["n_rows", "n_repeated"]]
        .sum()
        for name, frame in tables.items()
    ]
    return pd.concat(found, ignore_index=True).astype({"n_rows": "int64", "n_repeated": "int64"})
