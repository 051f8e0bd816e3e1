"""Cells of the audience that are broken, and those that moved far from the month before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date

import numpy as np
import pandas as pd

from jobs.audience import Choices
from jobs.audience_tables import AUDIENCE_CELL
from jobs.estimation.audience import is_few

CELL, WIKI = list(AUDIENCE_CELL), ["as_of_date", "wiki_db"]
PROJECTED = ["growth_exponent", "projected", "projected_lower", "projected_upper"]
NUMBERS = ["estimate", "lower", "upper", "observed_numerator", "n_users_observed"]
N_ALTERNATIVES = len(list(Choices().alternatives()))


def broken_cells(
    audience: pd.DataFrame, values: pd.DataFrame, alternatives: pd.DataFrame, min_users: int
) -> pd.DataFrame:
    """Count the cells of each wiki that contradict themselves or the tables beside them.

    Returns:
        as_of_date, wiki_db, n_cells; n_impossible (a count below zero, or more new editors than editors), n_differing
        (the metric value is another number), n_hiding_wrong (few editors that are shown, or others that are not),
        n_incomplete (without its metric value or an alternative, or one of them without its cell); and of each the
        first cell, eg_….
    """
    counts = alternatives.groupby(CELL, as_index=False).size().rename(columns={"size": "n_alternatives"})
    own = values.rename(columns={"edit_count_bucket": "band"})[[*CELL, *NUMBERS, "status"]]
    key = [*CELL, "definition"]
    cells = audience.merge(own.assign(definition=""), on=key, how="outer").merge(
        counts.assign(definition=""), on=key, how="outer"
    )
    faults = _faults(cells, min_users)
    names = cells["band"] + " over " + cells["window_days"].astype(str) + " days"
    told = {f"eg_{name}": names.where(fault) for name, fault in faults.items()}
    counted = cells[WIKI].assign(n_cells=1, **{f"n_{name}": fault.astype("int64") for name, fault in faults.items()})
    how = {name: "sum" for name in counted if name not in WIKI} | dict.fromkeys(told, "first")
    return counted.assign(**told).groupby(WIKI, as_index=False).agg(how)


def _faults(cells: pd.DataFrame, min_users: int) -> dict[str, pd.Series[bool]]:
    n = cells["n_editors"]
    is_hidden = pd.Series([is_few(one, min_users) for one in n], index=n.index, dtype=bool)
    is_shown = cells[NUMBERS].notna().any(axis=1)
    is_own = cells["definition"] == ""  # of another definition there are no values and no alternatives
    is_told = is_shown | (is_own & (cells["status"] != "suppressed")) | cells[PROJECTED].notna().any(axis=1)
    return {
        "impossible": (cells[["n_editors", "n_new_to_band", "n_left_band"]] < 0).any(axis=1)
        | (cells["n_new_to_band"] > n),
        "differing": ~is_hidden & is_shown & n.notna() & cells[NUMBERS].ne(n, axis=0).any(axis=1),
        "hiding_wrong": (is_hidden & is_told) | (~is_hidden & n.notna() & cells["status"].notna() & ~is_shown),
        "incomplete": n.isna()
        | (is_own & (cells["status"].isna() | (cells["n_alternatives"].fillna(0) != N_ALTERNATIVES))),
    }


def moved(
    audience: pd.DataFrame, past: pd.DataFrame, limits: Callable[[date], Mapping[str, float]], min_users: int
) -> pd.DataFrame:
    """Compare counts with those of the last day of the month before that was counted by the same definition.

    Args:
        audience: the rows that are judged; they also stand for days before each other.
        past: published rows.
        limits: the thresholds of a day: a difference below `audience_sds` standard deviations of two independent
            counts is chance, and no change.
        min_users: smaller counts are taken for the largest of them, so that a change does not tell them.

    Returns:
        as_of_date, wiki_db, band, window_days, n_editors, n_before, before (its day) and change (relative, 0 for what
        is chance) of the cell of each wiki that changed most.
    """
    same = ["wiki_db", "band", "window_days", "definition", "month"]
    known = pd.concat([past[audience.columns], audience], ignore_index=True).drop_duplicates(
        [*CELL, "definition"], keep="last"
    )
    before = known.assign(month=known["as_of_date"].map(_month) + 1).sort_values("as_of_date")
    before = before.drop_duplicates(same, keep="last")[[*same, "as_of_date", "n_editors"]]
    before = before.rename(columns={"as_of_date": "before", "n_editors": "n_before"})
    pairs = audience.assign(month=audience["as_of_date"].map(_month)).merge(before, on=same)
    now, then = (floored(pairs[name], min_users) for name in ("n_editors", "n_before"))
    sds = pairs["as_of_date"].map(lambda day: limits(day)["audience_sds"]).astype("float64")
    is_chance = (now - then).abs() <= sds * np.sqrt(now + then)
    change = ((now - then).abs() / then.clip(lower=1)).mask(is_chance, 0.0)
    columns = [*CELL, "n_editors", "n_before", "before", "change"]
    worst = pairs.assign(change=change).sort_values([*WIKI, "change"], ascending=[True, True, False], kind="stable")
    return worst.drop_duplicates(WIKI)[columns]


def floored(counts: pd.Series[float], min_users: int) -> pd.Series[float]:
    """Return counts with those that are hidden as the largest hidden one: what is compared of them tells nothing."""
    return counts.mask((counts >= 1) & (counts < min_users), min_users - 1)


def _month(day: date) -> int:
    return day.year * 12 + day.month
