"""Which counts of eligible editors may leave: as they are published, month by month, without small cells.

They are counted in public dumps, whatever their dates, so the rule of Mondays is not for them (docs/privacy.md). A cell
is hidden as in the marts, and where it would leave one to nine editors between itself and a window or band around it.
"""

from __future__ import annotations

from itertools import permutations
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from jobs.audience import Band
from jobs.report.cells_beside import Reader

COUNTS = ("n_editors", "n_new_to_band", "n_left_band")
GROWTH = ("growth_exponent", "projected_days", "projected", "projected_lower", "projected_upper")
CHANGE = "change_from_month_before"
EIGHT_WEEKS = 56  # days: a window of them is what others are projected to
COLUMNS = (
    "as_of_date", "wiki_db", "band", "window_days", "window_start", "snapshot", *COUNTS, *GROWTH,
    "month", CHANGE,
)  # fmt: skip
SPOKEN_OF = ["wiki_db", "as_of_date", "band"]
SERIES = ["wiki_db", "band", "window_days"]
EXPONENT_DIGITS = 2
AUDIENCE = """
select a.as_of_date, a.wiki_db, a.band, a.window_days, a.window_start, a.snapshot, a.n_editors,
    a.n_new_to_band, a.n_left_band, a.growth_exponent, a.projected_days, a.projected, a.projected_lower,
    a.projected_upper, m.month, m.change_from_month_before
from fct_audience as a
left join rpt_audience_month as m
    on a.wiki_db = m.wiki_db and a.band = m.band and a.window_days = m.window_days and a.as_of_date = m.window_end
where a.definition = ''
order by a.wiki_db, a.band, a.window_days, a.as_of_date
"""
BoolArray = npt.NDArray[np.bool_]


class _Cell(NamedTuple):
    """A number of editors, and where it stands."""

    row: int
    band: Band
    days: int
    n_editors: float


def audience(read: Reader, min_users: int) -> pd.DataFrame:
    """Return the eligible editors that may leave, the oldest first in each series.

    Args:
        read: runs SQL on the marts.
        min_users: fewer editors, but at least one, are a small cell.

    Returns:
        Columns of `marts.fct_audience`, of the contract's definition only, with `month` and the change from the
        month before where a row is the last of its month, null elsewhere. A hidden number is null; `gives_away`
        marks rows whose number the marts show, and that is hidden here for the sake of another.
    """
    if read("select 1 from duckdb_tables() where table_name = 'fct_audience'").empty:
        return pd.DataFrame(columns=[*COLUMNS, "gives_away"])  # marts of an older version: the next run builds it
    found = read(AUDIENCE)
    return hide_audience(found.astype(dict.fromkeys((*COUNTS, *GROWTH, CHANGE), float)), min_users)


def hide_audience(found: pd.DataFrame, min_users: int) -> pd.DataFrame:
    """Hide small cells, those that give one away, and what follows from them."""
    found = found.reset_index(drop=True)
    few = {name: _is_few(found[name], min_users) for name in COUNTS}
    gives_away = _gives_away(found.assign(n_editors=found["n_editors"].mask(few["n_editors"])), min_users)
    editors = found["n_editors"].mask(few["n_editors"] | gives_away)
    is_left_over = _is_few(found["n_editors"] - found["n_new_to_band"], min_users)
    new = found["n_new_to_band"].mask(editors.isna() | few["n_new_to_band"] | is_left_over)
    left = found["n_left_band"].mask(editors.isna() | few["n_left_band"])
    # The growth is made of two windows: it tells one of them beside the other. Eight weeks that were counted need none.
    of_cell = [found[name] for name in SPOKEN_OF]
    hides_growth = (editors.isna() | found["window_days"].eq(EIGHT_WEEKS)).groupby(of_cell).transform("any")
    growth = {name: found[name].mask(hides_growth) for name in GROWTH}
    growth |= {name: growth[name].round() for name in GROWTH[2:]}
    growth["growth_exponent"] = growth["growth_exponent"].round(EXPONENT_DIGITS)
    hidden = found.assign(n_editors=editors, n_new_to_band=new, n_left_band=left, gives_away=gives_away, **growth)
    return hidden.assign(**{CHANGE: _change(hidden)})


def _is_few(numbers: pd.Series[float], min_users: int) -> BoolArray:
    return numbers.between(1, min_users, inclusive="left").to_numpy()


def _gives_away(found: pd.DataFrame, min_users: int) -> BoolArray:
    """Whether a cell leaves few editors between itself and one around it: the inner one of the two goes."""
    bands = {band: Band.parse(band) for band in found["band"].unique()}
    is_given = np.zeros(len(found), dtype=bool)
    for _, own in found.dropna(subset="n_editors").groupby(["wiki_db", "as_of_date"]):
        cells = [_Cell(row, bands[band], days, n) for row, band, days, n in
                 zip(own.index, own["band"], own["window_days"], own["n_editors"], strict=True)]  # fmt: skip
        for inner, outer in permutations(cells, 2):
            if _is_within(inner, outer) and 1 <= outer.n_editors - inner.n_editors < min_users:
                is_given[inner.row] = True
    return is_given


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
