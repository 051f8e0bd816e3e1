"""Which counts of eligible editors may leave: as they are published, as of every day, without small cells.

They are counted in public dumps, whatever their dates, so the rule of Mondays is not for them (docs/privacy.md). A cell
is hidden as in the marts, and where it would leave one to nine editors between itself and a window or band around it.
Who came into a band, who was there before, and who left it are hidden by the same rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from jobs.audience import Band
from jobs.estimation.audience import PROJECTED_DAYS
from jobs.report.cells_beside import Reader

COUNTS = ("n_editors", "n_new_to_band", "n_left_band")
GROWTH = ("growth_exponent", "projected_days", "projected", "projected_lower", "projected_upper")
CHANGE, BEFORE = "change_from_month_before", "snapshot_before"
COLUMNS = (
    "as_of_date", "wiki_db", "band", "window_days", "window_start", "snapshot", *COUNTS, *GROWTH,
    "month", CHANGE, BEFORE,
)  # fmt: skip
SPOKEN_OF = ["wiki_db", "as_of_date", "band"]
SERIES = ["wiki_db", "band", "window_days"]
EXPONENT_DIGITS = 2
AUDIENCE = """
select a.as_of_date, a.wiki_db, a.band, a.window_days, a.window_start, a.snapshot, a.n_editors,
    a.n_new_to_band, a.n_left_band, a.growth_exponent, a.projected_days, a.projected, a.projected_lower,
    a.projected_upper, m.month, m.change_from_month_before, m.snapshot_before
from fct_audience as a
left join rpt_audience_month as m
    on a.wiki_db = m.wiki_db and a.band = m.band and a.window_days = m.window_days and a.as_of_date = m.window_end
where a.definition = ''
order by a.wiki_db, a.band, a.window_days, a.as_of_date
"""
IS_THERE = f"select 1 from duckdb_columns() where table_name = 'rpt_audience_month' and column_name = '{BEFORE}'"
BoolArray = npt.NDArray[np.bool_]
Pairs = Sequence[tuple[int, int]]  # places of a part and of the whole


class _Cell(NamedTuple):
    """Where a number of editors stands."""

    row: int
    band: Band
    days: int


def audience(read: Reader, min_users: int) -> pd.DataFrame:
    """Return the eligible editors that may leave, the oldest first in each series.

    Args:
        read: runs SQL on the marts.
        min_users: fewer editors, but at least one, are a small cell.

    Returns:
        Columns of `marts.fct_audience`, of the contract's definition only, with `month`, the change from the month
        before and its snapshot where a row is as of the last day of a month, null elsewhere. A hidden number is null;
        `gives_away` marks rows whose number the marts show, and that is hidden here for the sake of another.
    """
    if read(IS_THERE).empty:
        return pd.DataFrame(columns=[*COLUMNS, "gives_away"])  # marts of an older version: the next run builds it
    found = read(AUDIENCE)
    return hide_audience(found.astype(dict.fromkeys((*COUNTS, *GROWTH, CHANGE), float)), min_users)


def hide_audience(found: pd.DataFrame, min_users: int) -> pd.DataFrame:
    """Hide small cells, those that give one away, and what follows from them."""
    found = found.reset_index(drop=True)
    pairs, few = _nested(found), {name: _is_few(found[name], min_users) for name in COUNTS}
    shown = found["n_editors"].mask(few["n_editors"])
    gives_away = _gives_away(shown, pairs, min_users)
    editors = shown.mask(gives_away)
    new = _new(editors, found["n_new_to_band"], pairs, min_users)
    left = found["n_left_band"].mask(editors.isna() | few["n_left_band"])
    left = left.mask(_gives_away(left, pairs, min_users))
    # The growth is made of two windows: it tells one of them beside the other. Eight weeks that were counted need none.
    of_cell = [found[name] for name in SPOKEN_OF]
    is_counted = found["window_days"].eq(PROJECTED_DAYS).groupby([*of_cell, found["snapshot"]]).transform("any")
    hides_growth = editors.isna().groupby(of_cell).transform("any") | is_counted
    growth = {name: found[name].mask(hides_growth) for name in GROWTH}
    growth |= {name: growth[name].round() for name in GROWTH[2:]}
    growth["growth_exponent"] = growth["growth_exponent"].round(EXPONENT_DIGITS)
    hidden = found.assign(n_editors=editors, n_new_to_band=new, n_left_band=left, gives_away=gives_away, **growth)
    return hidden.assign(**{CHANGE: _change(hidden)})


def _is_few(numbers: pd.Series[float], min_users: int) -> BoolArray:
    return numbers.between(1, min_users, inclusive="left").to_numpy()


def _nested(found: pd.DataFrame) -> list[tuple[int, int]]:
    """Return the pairs of rows of which the first counts a part of the second: a band and a window within another's."""
    bands = {band: Band.parse(band) for band in found["band"].unique()}
    pairs: list[tuple[int, int]] = []
    for _, own in found.groupby(["wiki_db", "as_of_date"]):
        cells = [_Cell(row, bands[band], days) for row, band, days in
                 zip(own.index, own["band"], own["window_days"], strict=True)]  # fmt: skip
        pairs += [(inner.row, outer.row) for inner, outer in permutations(cells, 2) if _is_within(inner, outer)]
    return pairs


def _gives_away(numbers: pd.Series[float], pairs: Pairs, min_users: int) -> BoolArray:
    """Whether a cell leaves few editors between itself and one around it: the inner one of the two goes."""
    values, is_given = numbers.to_numpy(), np.zeros(len(numbers), dtype=bool)
    for inner, outer in pairs:
        is_given[inner] |= 1 <= values[outer] - values[inner] < min_users  # never of what is null
    return is_given


def _new(editors: pd.Series[float], new: pd.Series[float], pairs: Pairs, min_users: int) -> pd.Series[float]:
    """Hide who came into a band, and so who was there before, where one of the two is few or leaves few."""
    before = (editors - new).mask(_is_few(editors - new, min_users))
    new = new.mask(before.isna() | _is_few(new, min_users))
    before = before.mask(new.isna())
    hides = _gives_away(new, pairs, min_users) | _gives_away(before, pairs, min_users) | new.isna().to_numpy()
    # Where all editors of a cell are those of another, its newcomers are told by the other's.
    same = [pair for pair in pairs if editors[pair[0]] == editors[pair[1]]]
    while missed := [pair for pair in same if hides[pair[0]] != hides[pair[1]]]:
        for pair in missed:
            hides[list(pair)] = True
    return new.mask(hides)


def _is_within(inner: _Cell, outer: _Cell) -> bool:
    """Whether who is counted in a cell is counted in another, too."""
    is_band = outer.band.least <= inner.band.least and inner.band.most <= outer.band.most
    return is_band and inner.days <= outer.days


def _change(hidden: pd.DataFrame) -> pd.Series[float]:
    """Keep the change from the month before where both months are shown."""
    months = hidden[hidden["month"].notna()]
    shown = months["n_editors"].notna()
    before = shown.groupby([months[name] for name in SERIES]).shift(1, fill_value=False)
    return months[CHANGE].where(shown & before).reindex(hidden.index)
