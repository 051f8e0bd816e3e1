"""The panel of eligible editors: who could be invited, by wiki, band and window, over time and in eight weeks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import pandas as pd
from markupsafe import Markup

from jobs import words
from jobs.audience import DEFAULT_BAND, Band
from jobs.catalogue import load_catalogue
from jobs.estimation.audience import PROJECTED_DAYS
from jobs.report import charts
from jobs.report.cells_audience import COUNTS
from jobs.report.chart import Chart, ChartTable
from jobs.report.charts_audience import (
    NOT_PROJECTED,
    band_text,
    count_text,
    course_chart,
    is_eight_weeks,
    projection_text,
)
from jobs.report.charts_sentences import Cell, day, listed
from jobs.report.tables import records
from jobs.rows.pilots import Added, pilots_added

if TYPE_CHECKING:
    from jobs.report.leaving import Leaving

COLUMNS = (
    "Edits, active in", "Could be invited", "New to the band", "Left the band", "Within 8 weeks", "As of", "Snapshot",
)  # fmt: skip
NUMBERS = COLUMNS[1:5]
NOT_SUMMED = "no sum"
PILOTS = "Pilot wikis together; who edits on two counts twice"
MOST_CHARTS = 6
USUAL_DAYS = 28  # of the window that milestones and plans go by
PROJECTED = ("projected", "projected_lower", "projected_upper")


def audience_of_wikis(leaving: Leaving) -> dict[str, Any]:
    """Return what the overview shows: the newest numbers of pilots and wikis, and a chart of the largest band of each.

    Args:
        leaving: the eligible editors that may leave, and which wikis are pilots.
    """
    editors = leaving.audience
    pilots = set(leaving.wikis.loc[leaving.wikis["pilot"].eq(True), "wiki_db"])
    wikis = sorted(editors["wiki_db"].unique(), key=lambda wiki: (wiki not in pilots, wiki))
    groups = [(wiki, _newest(editors[editors["wiki_db"] == wiki])) for wiki in wikis]
    together = _together(editors[editors["wiki_db"].isin(pilots)], sorted(pilots))
    with charts.unchecked():
        drawn = [_widest(editors[editors["wiki_db"] == wiki], wiki, f"audience-{n}") for n, wiki in enumerate(wikis)]
    shown = [chart for chart in drawn if chart is not None][:MOST_CHARTS]
    return _panel([*([(PILOTS, together)] if together else []), *groups], shown, "WIKI", names_one=True)


def audience_of_wiki(leaving: Leaving, wiki_db: str) -> dict[str, Any]:
    """Return what the page of a wiki shows: its newest numbers, and a chart of each of its bands."""
    own = leaving.audience[leaving.audience["wiki_db"] == wiki_db]
    with charts.unchecked():
        drawn = [
            course_chart(records(own[own["band"] == band]), f"audience-{band}", wiki_db) for band in _by_width(own)
        ]
    return _panel([(wiki_db, _newest(own))] if len(own) else [], [chart for chart in drawn if chart], wiki_db)


def _panel(
    groups: Sequence[tuple[str, list[Cell]]], drawn: Sequence[Chart], wiki: str, *, names_one: bool = False
) -> dict[str, Any]:
    """Return what the macro `audience` shows; without any row it says which command makes them, for `wiki`.

    The page of a wiki need not name it over the rows; `names_one` does where there is no other.
    """
    rows = [(name, row) for name, own in groups for row in own]
    return {
        "fact": Markup('<a href="#audience">{}</a>').format(_newest_count(rows)),
        "table": ChartTable(
            COLUMNS,
            tuple(_row(row) for _, row in rows),
            numbers=NUMBERS,
            groups=tuple(name for name, _ in rows) if names_one or len(groups) > 1 else (),
        ),
        "charts": list(drawn),
        "definition": load_catalogue().metric("eligible_editors").definition,
        "wiki": wiki,
    }


def _newest_count(rows: Sequence[tuple[str, Cell]]) -> str:
    """Say in a few words the number that milestones go by: of the first that has one, in 28 days, of the usual band."""
    if not rows:
        return "not counted yet"
    shown = [(name, row) for name, row in rows if not words.is_null(row["n_editors"])] or rows
    own = [row for name, row in shown if name == shown[0][0]]
    row = max(own, key=lambda row: (row["band"] == str(DEFAULT_BAND), row["window_days"] == USUAL_DAYS))
    whose = "on the pilot wikis" if shown[0][0] == PILOTS else f"on {shown[0][0]}"
    when = f"in {row['window_days']} days to {day(row['as_of_date'])}"
    return f"{count_text(row['n_editors'])} with {band_text(row['band'])} edits {whose}, active {when}"


def _newest(own: pd.DataFrame) -> list[Cell]:
    """The windows of a wiki as of the newest day of each band: wide bands and long windows first."""
    last = own[own["as_of_date"] == own.groupby("band")["as_of_date"].transform("max")]
    return _in_order(records(last), _by_width(own))


def _in_order(rows: Sequence[Cell], bands: Sequence[str]) -> list[Cell]:
    return sorted(rows, key=lambda row: (bands.index(row["band"]), -row["window_days"]))


def _by_width(own: pd.DataFrame) -> list[str]:
    """The bands of a wiki, the widest first."""
    bands = [Band.parse(band) for band in own["band"].unique()]
    return [str(band) for band in sorted(bands, key=lambda band: (band.least - band.most, band.least))]


def _widest(own: pd.DataFrame, wiki: str, chart_id: str) -> Chart | None:
    """Draw the course of a wiki's widest band."""
    return course_chart(records(own[own["band"] == _by_width(own)[0]]), chart_id, wiki)


def _together(of_pilots: pd.DataFrame, pilots: Sequence[str]) -> list[Cell]:
    """Add up the pilots by band and window; a row whose sum lacks a part says of which wiki. One pilot is no sum."""
    if len(pilots) < 2 or of_pilots.empty:
        return []
    day_of_all = of_pilots["as_of_date"].max().date()
    newest = {(row["band"], row["window_days"]): row for wiki in pilots for row in _newest(_of(of_pilots, wiki))}
    summed: list[Cell] = []
    for first in _in_order(list(newest.values()), _by_width(of_pilots)):
        key = (of_pilots["band"] == first["band"]) & (of_pilots["window_days"] == first["window_days"])
        rows = {(row["wiki_db"], row["as_of_date"].date()): row for row in records(of_pilots[key])}
        counts: dict[str, dict[date, float | None]] = {wiki: {} for wiki in pilots}
        for (wiki, as_of), row in rows.items():
            counts[wiki][as_of] = None if words.is_null(row["n_editors"]) else row["n_editors"]
        added = pilots_added(counts, pilots, day_of_all)
        parts = [_in_eight_weeks(rows[wiki, as_of], _of(of_pilots, wiki)) for wiki, as_of in added.days.items()]
        summed.append({**first, "n_editors": added.total, "parts": parts, "told": _sums(added, parts)})
    return summed


def _of(editors: pd.DataFrame, wiki: str) -> pd.DataFrame:
    return editors[editors["wiki_db"] == wiki]


def _in_eight_weeks(row: Cell, own: pd.DataFrame) -> Cell:
    """Give the longest window below eight weeks what was counted in them: where it was, that is what is expected."""
    is_same = pd.Series(data=True, index=own.index)
    for name in ("as_of_date", "band", "snapshot"):
        is_same &= own[name] == row[name]
    lengths = own.loc[is_same & (own["window_days"] < PROJECTED_DAYS), "window_days"]
    whole = own.loc[is_same & (own["window_days"] == PROJECTED_DAYS), "n_editors"].dropna()
    if whole.empty or row["window_days"] != lengths.max():
        return row
    return {**row, **dict.fromkeys(PROJECTED, whole.iloc[0]), "is_counted": True}


def _sums(added: Added, parts: Sequence[Cell]) -> tuple[str, ...]:
    """Write the sums of the columns `NUMBERS`."""
    if added.lacking:
        return (_wrapped(f"{NOT_SUMMED}: {listed(added.lacking)} was not counted"), *[NOT_PROJECTED] * 3)
    if added.total is None:
        return (count_text(None), *[NOT_PROJECTED] * 3)
    total = count_text(added.total)
    if added.hidden:
        total = _wrapped(f"{total}, without {listed(added.hidden)}, where it is hidden")
    told = [total, *(_sum(parts, name) for name in COUNTS[1:])]
    return (*told, _projected_sum(parts) if not added.hidden else NOT_PROJECTED)


def _sum(parts: Sequence[Cell], name: str) -> str:
    """Write the sum of a column over the wikis, or where it is hidden."""
    hidden = [row["wiki_db"] for row in parts if words.is_null(row[name])]
    return (
        _wrapped(f"{NOT_SUMMED}: hidden on {listed(hidden)}") if hidden else count_text(sum(row[name] for row in parts))
    )


def _wrapped(text: str) -> Markup:
    """Let a cell of numbers that says more go on in the next line."""
    return Markup('<span class="wraps">{}</span>').format(text)


def _projected_sum(parts: Sequence[Cell]) -> str:
    """Write what all wikis expect in eight weeks together, or counted in them."""
    if all(row.get("is_counted") for row in parts):
        return f"{count_text(sum(row['projected'] for row in parts))}, counted"
    if all(is_eight_weeks(row) for row in parts) or any(words.is_null(row["projected"]) for row in parts):
        return projection_text({**parts[0], "projected": None, "n_editors": sum(row["n_editors"] for row in parts)})
    return projection_text({**parts[0], **{name: sum(row[name] for row in parts) for name in PROJECTED}})


def _row(row: Cell) -> tuple[str, ...]:
    parts = row.get("parts") or [row]
    ends = sorted({day(part["as_of_date"]) for part in parts})
    snapshots = sorted({part["snapshot"] for part in parts})
    told = row.get("told") or (*(count_text(row[name]) for name in COUNTS), projection_text(row))
    return f"{band_text(row['band'])}, {row['window_days']} days", *told, listed(ends), listed(snapshots)
