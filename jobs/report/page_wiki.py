"""The page of one wiki: what is measured there, its weeks, its links, its cohorts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from jobs import words
from jobs.catalogue import Catalogue, load_catalogue
from jobs.metric import Metric
from jobs.reference.rows import ENTRY_POINT
from jobs.report import charts
from jobs.report.cells_windows import LONG, WEEK
from jobs.report.chart import Chart
from jobs.report.charts_breaks import Breaks, breaks
from jobs.report.charts_cells import Pair, Windows, cohorts, rolling, windows
from jobs.report.charts_cohorts import heat_map
from jobs.report.charts_funnel import funnel, steps_of
from jobs.report.charts_rates import click_through
from jobs.report.charts_sentences import WITH_ESTIMATE, Cell, clause, day, listed
from jobs.report.charts_trend import metric_days, trend
from jobs.report.page_audience import audience_of_wiki

if TYPE_CHECKING:
    from jobs.report.leaving import Leaving

QUESTIONS = {"realised": "what happened", "process": "in general"}
WITHOUT_REMEDY = {  # of rows that name none
    "bounds_only": "nothing is known to",
    "not_estimable": "nothing is known to",
    "suppressed": "more users",
    "not_measured": "nothing: what was not measured cannot be had later",
}


@dataclass(frozen=True)
class Refusal:
    """Windows without an estimate, for one reason.

    Attributes:
        status: of all of them.
        reason: why there is none; may be empty.
        remedy: what would change that.
        windows: metric, window and what is asked, in words.
    """

    status: str
    reason: str
    remedy: str
    windows: tuple[str, ...]


@dataclass(frozen=True)
class _Shown:
    """The windows of one wiki that its page shows."""

    days: Windows
    weeks: Windows
    long: Windows
    cohorts: Windows


def wiki_page(leaving: Leaving, wiki_db: str) -> dict[str, Any]:
    """Return what `wiki.html.j2` shows of a wiki.

    Args:
        leaving: the numbers that may leave.
        wiki_db: the wiki; one without a row has a page that says so.
    """
    cells, config, changes, wikis = (
        frame[frame["wiki_db"] == wiki_db] for frame in (leaving.cells, leaving.config, leaving.changes, leaving.wikis)
    )
    catalogue = load_catalogue()
    days, weeks, long = (windows(rolling(cells, length)) for length in (1, WEEK, LONG))
    shown = _Shown(days, weeks, long, windows(cohorts(cells)))
    with charts.unchecked():
        drawn = {
            "trends": _trends(shown, breaks(cells, config, catalogue), changes, catalogue),
            "links": _links(shown, catalogue),
            "cohorts": heat_map(_cohort_metrics(catalogue), shown.cohorts),
        }
    return {
        "facts": [_visible(wikis), *_facts(shown.weeks), *_settings(config)],
        "refusals": _refusals(shown, catalogue),
        "has_windows": bool(shown.weeks.pairs or shown.long.pairs or shown.cohorts.pairs),
        **drawn,
        "audience": audience_of_wiki(leaving, wiki_db),
        "marks": list(words.STATUSES.values()),
    }


def _refusals(shown: _Shown, catalogue: Catalogue) -> list[Refusal]:
    """What the newest windows do not tell, and what would change that; links have their own charts."""
    concerned: dict[tuple[str, str, str], list[str]] = {}
    for metric in catalogue.metrics.values():
        for kind in (shown.weeks, shown.long, shown.cohorts):
            for pair in kind.series(metric)[-1:]:
                for why, asked in _asked(pair).items():
                    concerned.setdefault(why, []).append(f"{metric.name}, {pair.start} to {pair.end} ({listed(asked)})")
    return [Refusal(*why, tuple(windows_of)) for why, windows_of in concerned.items()]


def _asked(pair: Pair) -> dict[tuple[str, str, str], list[str]]:
    """What is asked of a window and has no estimate, by why: in general the reason may be another."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for cell in (pair.realised, pair.process):
        if cell is not None and cell["status"] not in WITH_ESTIMATE:
            found.setdefault(_why(cell), []).append(QUESTIONS[cell["inference"]])
    return found


def _why(cell: Cell) -> tuple[str, str, str]:
    """Status, reason and remedy."""
    return cell["status"], clause(cell["status_reason"]), clause(cell["remedy"]) or _without_remedy(cell)


def _without_remedy(cell: Cell) -> str:
    """Say what would help where the row does not; users that sampling left out count for nothing."""
    rate = cell["sampling_rate_min"]
    is_sampled = cell["status"] == "suppressed" and not words.is_null(rate) and rate < 1
    return WITHOUT_REMEDY[cell["status"]] + (", or a higher rate" if is_sampled else "")


def _visible(wikis: pd.DataFrame) -> tuple[str, str]:
    since = wikis["visible_from"].dropna().tolist()
    return "Visible since", day(since[0]) if since else "not visible yet"


def _facts(weeks: Windows) -> list[tuple[str, str]]:
    """What is measured here now."""
    cells = weeks.newest().cells()
    if not cells:
        return [("Whole weeks", "none has closed since the dashboard became visible here")]
    starts = {day(cell["window_start"]) for cell in weeks.cells()}
    of_entry = [cell for cell in cells if cell["link_group"] == ENTRY_POINT]
    return [
        ("Kept of loads and links on the dashboard", _kept([cell for cell in cells if cell not in of_entry])),
        *([(f"Kept of the {ENTRY_POINT}'s events", _kept(of_entry))] if of_entry else []),
        ("Newest whole week", f"{max(starts)} to {day(cells[0]['window_end'])}"),
        ("Whole weeks shown", f"{len(starts)}, the first from {min(starts)}"),
    ]


def _kept(cells: Sequence[Cell]) -> str:
    regimes = {(cell["sampling_unit"], cell["sampling_rate_min"], cell["sampling_rate_max"]) for cell in cells
               if not words.is_null(cell["sampling_rate_min"])}  # fmt: skip
    return "; ".join(sorted(words.sampled(*regime) for regime in regimes)) or "nothing"


def _settings(config: pd.DataFrame) -> list[tuple[str, str]]:
    """The settings in force, by the newest line of each."""
    last = config.sort_values("valid_from").drop_duplicates("setting", keep="last").sort_values("setting")
    return [(f"Setting {row.setting}", f"{row.value}, since {day(row.valid_from)}") for row in last.itertuples()]


def _trends(shown: _Shown, found: Breaks, changes: pd.DataFrame, catalogue: Catalogue) -> list[Chart]:
    """Metrics about no link that have windows of a week or four."""
    return [
        trend(
            metric,
            (shown.weeks if metric_days(metric) == WEEK else shown.long).series(metric),
            shown.days.series(metric),
            changes,
            found.of(metric),
        )
        for metric in catalogue.metrics.values()
        if metric.family not in ("links", "audience") and {WEEK, LONG}.intersection(metric.days_of("rolling"))
    ]


def _links(shown: _Shown, catalogue: Catalogue) -> list[Chart]:
    """Both windows of the funnel; rates of the longer one, which knows them better, where one has closed."""
    steps, week, long = steps_of(catalogue), shown.weeks.newest(), shown.long.newest()
    window, days = (long, LONG) if long.pairs else (week, WEEK)
    rates = [metric for metric in catalogue.of_family("links") if metric.kind != "count"]
    return [
        funnel(steps, week, WEEK),
        funnel(steps, long, LONG),
        *(click_through(metric, window, days) for metric in rates),
    ]


def _cohort_metrics(catalogue: Catalogue) -> list[Metric]:
    return [metric for metric in catalogue.metrics.values() if metric.has_window("cohort")]
