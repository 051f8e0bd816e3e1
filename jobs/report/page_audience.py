"""The panel of eligible editors: who could be invited, by wiki, band and window, month by month and in eight weeks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import pandas as pd
from markupsafe import Markup

from jobs import words
from jobs.audience import Band
from jobs.catalogue import load_catalogue
from jobs.report import charts
from jobs.report.cells_audience import COUNTS
from jobs.report.chart import Chart, ChartTable
from jobs.report.charts_audience import (
    NOT_PROJECTED,
    band_text,
    count_text,
    is_eight_weeks,
    months_chart,
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
    return _panel([*([(PILOTS, together)] if together else []), *groups], shown, "WIKI")


def audience_of_wiki(leaving: Leaving, wiki_db: str) -> dict[str, Any]:
    """Return what the page of a wiki shows: its newest numbers, and a chart of each of its bands."""
    own = leaving.audience[leaving.audience["wiki_db"] == wiki_db]
    with charts.unchecked():
        drawn = [
            months_chart(records(own[own["band"] == band]), f"audience-{band}", wiki_db) for band in _by_width(own)
        ]
    return _panel([(wiki_db, _newest(own))] if len(own) else [], [chart for chart in drawn if chart], wiki_db)


def _panel(groups: Sequence[tuple[str, list[Cell]]], drawn: Sequence[Chart], wiki: str) -> dict[str, Any]:
    """Return what the macro `audience` shows; without any row it says which command makes them, for `wiki`."""
    rows = [(name, row) for name, own in groups for row in own]
    is_several = len(groups) > 1
    return {
        "fact": Markup('<a href="#audience">{}</a>').format(_newest_count(rows)),
        "table": ChartTable(
            COLUMNS,
            tuple(_row(row) for _, row in rows),
            numbers=NUMBERS,
            groups=tuple(name for name, _ in rows) if is_several else (),
        ),
        "charts": list(drawn),
        "definition": load_catalogue().metric("eligible_editors").definition,
        "wiki": wiki,
    }


def _newest_count(rows: Sequence[tuple[str, Cell]]) -> str:
    """Say the first number of the table in a few words."""
    if not rows:
        return "not counted yet"
    name, row = next(((name, row) for name, row in rows if not words.is_null(row["n_editors"])), rows[0])
    whose = "on the pilot wikis" if name == PILOTS else f"on {name}"
    when = f"in {row['window_days']} days to {day(row['as_of_date'])}"
    return f"{count_text(row['n_editors'])} with {band_text(row['band'])} edits {whose}, active {when}"


def _newest(own: pd.DataFrame) -> list[Cell]:
    """The newest row of each band and window of a wiki: wide bands and long windows first."""
    last = own.sort_values("as_of_date").drop_duplicates(["band", "window_days"], keep="last")
    place = {band: n for n, band in enumerate(_by_width(own))}
    return sorted(records(last), key=lambda row: (place[row["band"]], -row["window_days"]))


def _by_width(own: pd.DataFrame) -> list[str]:
    """The bands of a wiki, the widest first."""
    bands = [Band.parse(band) for band in own["band"].unique()]
    return [str(band) for band in sorted(bands, key=lambda band: (band.least - band.most, band.least))]


def _widest(own: pd.DataFrame, wiki: str, chart_id: str) -> Chart | None:
    """Draw the months of a wiki's widest band."""
    return months_chart(records(own[own["band"] == _by_width(own)[0]]), chart_id, wiki)


def _together(of_pilots: pd.DataFrame, pilots: Sequence[str]) -> list[Cell]:
    """Add up the pilots by band and window; a row whose sum lacks a part says of which wiki. One pilot is no sum."""
    if len(pilots) < 2 or of_pilots.empty:
        return []
    day_of_all = of_pilots["as_of_date"].max().date()
    summed: list[Cell] = []
    for first in _newest(of_pilots):
        key = (of_pilots["band"] == first["band"]) & (of_pilots["window_days"] == first["window_days"])
        rows = {(row["wiki_db"], row["as_of_date"].date()): row for row in records(of_pilots[key])}
        counts: dict[str, dict[date, float | None]] = {wiki: {} for wiki in pilots}
        for (wiki, as_of), row in rows.items():
            counts[wiki][as_of] = None if words.is_null(row["n_editors"]) else row["n_editors"]
        added = pilots_added(counts, pilots, day_of_all)
        parts = [rows[wiki, as_of] for wiki, as_of in added.days.items()]
        summed.append({**first, "n_editors": added.total, "parts": parts, "told": _sums(added, parts)})
    return summed


def _sums(added: Added, parts: Sequence[Cell]) -> tuple[str, ...]:
    """Write the sums of the columns `NUMBERS`."""
    if added.lacking:
        return (f"{NOT_SUMMED}: {listed(added.lacking)} was not counted", *[NOT_PROJECTED] * 3)
    if added.total is None:
        return (count_text(None), *[NOT_PROJECTED] * 3)
    without = f", without {listed(added.hidden)}, where it is hidden" if added.hidden else ""
    told = [f"{count_text(added.total)}{without}", *(_sum(parts, name) for name in COUNTS[1:])]
    return (*told, _projected_sum(parts) if not added.hidden else NOT_PROJECTED)


def _sum(parts: Sequence[Cell], name: str) -> str:
    """Write the sum of a column over the wikis, or where it is hidden."""
    hidden = [row["wiki_db"] for row in parts if words.is_null(row[name])]
    return f"{NOT_SUMMED}: hidden on {listed(hidden)}" if hidden else count_text(sum(row[name] for row in parts))


def _projected_sum(parts: Sequence[Cell]) -> str:
    """Write what all wikis expect in eight weeks together, or counted in them."""
    if all(is_eight_weeks(row) for row in parts) or any(words.is_null(row["projected"]) for row in parts):
        return projection_text({**parts[0], "projected": None, "n_editors": sum(row["n_editors"] for row in parts)})
    return projection_text({**parts[0], **{name: sum(row[name] for row in parts) for name in PROJECTED}})


def _row(row: Cell) -> tuple[str, ...]:
    parts = row.get("parts") or [row]
    ends = sorted({day(part["as_of_date"]) for part in parts})
    snapshots = sorted({part["snapshot"] for part in parts})
    told = row.get("told") or (*(count_text(row[name]) for name in COUNTS), projection_text(row))
    return f"{band_text(row['band'])}, {row['window_days']} days", *told, listed(ends), listed(snapshots)
