"""The overview: how fresh the numbers are, what the gates said, and for each wiki its main numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd
from markupsafe import Markup

from jobs import words
from jobs.catalogue import load_catalogue
from jobs.metric import Metric
from jobs.report.about import About, wiki_href
from jobs.report.cells_windows import WEEK
from jobs.report.charts_cells import Pair, cohorts, rolling, series
from jobs.report.charts_sentences import Cell, change_sentence, clause, day, figures, has_estimate
from jobs.report.page_audience import audience_of_wikis
from jobs.report.page_quality import gate_states
from jobs.report.tables import records
from jobs.window_sums.tables import ALL

if TYPE_CHECKING:
    from jobs.report.leaving import Leaving

NAMED_HOURS = 5
Changes = Mapping[tuple[str, str], Mapping[str, Cell]]


@dataclass(frozen=True)
class Tile:
    """One metric of one wiki in its newest window.

    Attributes:
        metric: its id.
        name: its name.
        days: the window's, in words.
        value: the number, or the bounds where there is no estimate; empty where there is neither.
        ends: the limits of the number, or that it is exact.
        status: of what happened.
        notes: pairs of a label and a sentence: why, what would help, in general, the change.
    """

    metric: str
    name: str
    days: str
    value: str
    ends: str
    status: str
    notes: tuple[tuple[str, str], ...]


def overview_page(leaving: Leaving, about: About) -> dict[str, Any]:
    """Return what `overview.html.j2` shows.

    Args:
        leaving: the numbers that may leave.
        about: the run.
    """
    changes: dict[tuple[str, str], dict[str, Cell]] = {}
    for row in records(leaving.changes):
        changes.setdefault((row["wiki_db"], row["metric"]), {})[day(row["window_start"])] = row
    cells = leaving.cells
    wikis = wikis_of(leaving) + [ALL] * bool((cells["wiki_db"] == ALL).any())
    shown = [_wiki(wiki, cells[cells["wiki_db"] == wiki], changes) for wiki in wikis]
    audience = audience_of_wikis(leaving)
    facts = [*_freshness(leaving, about), ("Could be invited", audience["fact"]), ("Gates", _gates(leaving.gates))]
    return {"facts": facts, "tiles_of": shown, "audience": audience}


def wikis_of(leaving: Leaving) -> list[str]:
    """Return the wikis that have a page, those without a number yet included, in the order of the alphabet."""
    return sorted({*leaving.wikis["wiki_db"], *leaving.cells["wiki_db"]} - {ALL})


def main_metrics() -> list[Metric]:
    """Return what a wiki has a number of each week: windows of seven days, and cohorts of a week; no links."""
    found = load_catalogue().metrics.values()
    others = [metric for metric in found if metric.family not in ("links", "presented", "audience")]
    weekly = [metric for metric in others if WEEK in metric.days_of("rolling")]
    return weekly + [metric for metric in others if metric.weekday is not None]


def _wiki(wiki: str, cells: pd.DataFrame, changes: Changes) -> dict[str, Any]:
    """Return the tiles of one wiki, and what is kept of its loads."""
    windows = {"rolling": rolling(cells, WEEK), "cohort": cohorts(cells)}
    tiles: list[Tile] = []
    kept = ""
    for metric in main_metrics():
        pairs = series(windows["rolling" if metric.weekday is None else "cohort"], metric)
        if not pairs:
            continue
        newest = pairs[-1].realised
        kept = kept or words.sampled(newest["sampling_unit"], newest["sampling_rate_min"], newest["sampling_rate_max"])
        # Neither cohorts nor all wikis together have a change in the marts.
        own = changes.get((wiki, metric.metric), {}) if metric.weekday is None and wiki != ALL else None
        tile = _tile(metric, pairs, own)
        if not any(_repeats(tile, other) for other in tiles):
            tiles.append(tile)
    return {
        "name": "All wikis together" if wiki == ALL else wiki, "href": None if wiki == ALL else wiki_href(wiki),
        "id": f"wiki-{wiki}", "kept": kept, "tiles": tiles,
    }  # fmt: skip


def _tile(metric: Metric, pairs: list[Pair], changes: Mapping[str, Cell] | None) -> Tile:
    """Return the tile of the newest window; `pairs` are all, the oldest first; no changes where none exist."""
    newest, cell = pairs[-1], pairs[-1].realised
    numbers = figures(cell, metric.unit)
    value, _, ends = numbers.partition(" (") if has_estimate(cell) else (numbers, "", "")
    notes = _why(cell)
    if newest.process is not None:
        notes.append(("In general", _in_general(newest.process, metric)))
    of_process, before = newest.process is not None, _week_before(pairs)
    if changes is not None and (told := change_sentence(changes, cell, before, metric.unit, of_process=of_process)):
        notes.append(("Change", told))
    days = f"{newest.start} to {newest.end}"
    return Tile(metric.metric, metric.name, days, value, ends.rstrip(")"), cell["status"], tuple(notes))


def _repeats(tile: Tile, other: Tile) -> bool:
    """Whether a tile is of a variant of another's metric and has its number: where all is kept, that is no news."""
    return tile.metric.startswith(f"{other.metric}_") and (tile.value, tile.ends) == (other.value, other.ends) != (
        "",
        "",
    )


def _why(cell: Cell) -> list[tuple[str, str]]:
    """Say why a row has its status, and what would help."""
    notes = [("Why", clause(cell["status_reason"])), ("What would help", clause(cell["remedy"]))]
    return [(label, text) for label, text in notes if text and cell["status"] != "publish"]


def _in_general(process: Cell, metric: Metric) -> str:
    """Write the row of what such users would do again: its numbers, and its status where it is not `publish`."""
    status, numbers = words.STATUSES[process["status"]], figures(process, metric.unit)
    if process["status"] == "publish":
        return numbers
    told = ": ".join(part for part in (f"{status.symbol} {status.word}", clause(process["status_reason"])) if part)
    return "; ".join(part for part in (numbers, told) if part)


def _week_before(pairs: list[Pair]) -> Cell | None:
    """Return what happened in the week before the newest one."""
    if len(pairs) < 2:
        return None
    before, newest = pairs[-2].realised, pairs[-1].realised
    is_next = pd.Timestamp(newest["window_start"]) - pd.Timestamp(before["window_start"]) == timedelta(days=WEEK)
    return before if is_next else None


def _freshness(leaving: Leaving, about: About) -> list[tuple[str, str]]:
    """Say up to when there are numbers, and what did not arrive."""
    weeks = rolling(leaving.cells, WEEK)
    closed = "no whole week yet"
    if len(weeks):
        closed = f"{day(weeks['window_start'].max())} to {day(weeks['window_end'].max())}"
    return [
        ("Published up to", str(about.as_of)),
        ("Last closed week", closed),
        ("Hours that did not arrive", _missing(leaving.lines)),
    ]


def _gates(gates: pd.DataFrame) -> Markup:
    """Say what each gate said of the newest day it judged, and where more stands."""
    said = [Markup("<p>{} {}</p>").format(state.name, state.chip) for state in gate_states(gates)]
    return Markup("").join(said) + Markup('<p><a href="quality.html">What they found</a></p>')


def _missing(lines: pd.DataFrame) -> str:
    """Name the hours that are missing, the newest first."""
    lost = lines[lines["fate"] == "missing_hour"].sort_values(["ingest_date", "hour"], ascending=False)
    if not len(lost):
        return f"none of {lines['ingest_date'].nunique()} days"
    named = [f"{day(row['ingest_date'])} {row['hour']:02}:00" for row in records(lost.head(NAMED_HOURS))]
    more = f" and {len(lost) - NAMED_HOURS} more" if len(lost) > NAMED_HOURS else ""
    return f"{len(lost)}: {', '.join(named)}{more} (UTC)"
