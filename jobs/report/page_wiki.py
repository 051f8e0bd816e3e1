"""The page of one wiki: what is measured there, its weeks, its links, its cohorts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from jobs.catalogue import Catalogue, load_catalogue
from jobs.metric import Metric
from jobs.reference.rows import ENTRY_POINT
from jobs.report import words
from jobs.report.chart import Chart, ChartTable
from jobs.report.charts_breaks import breaks
from jobs.report.charts_cells import ALL, LONG, WEEK, cohorts, newest, rolling, series
from jobs.report.charts_cohorts import heat_map
from jobs.report.charts_funnel import funnel, steps_of
from jobs.report.charts_rates import click_through
from jobs.report.charts_sentences import clause, day
from jobs.report.charts_trend import metric_days, trend

if TYPE_CHECKING:
    from jobs.report.leaving import Leaving

REFUSALS = ("Metric", "Window", "What is asked", "Why", "What would change that")
QUESTIONS = {"realised": "what happened", "process": "in general"}
OPEN_END = "nothing that sampling could mend"


def wiki_page(leaving: Leaving, wiki_db: str) -> dict[str, Any]:
    """Return what `wiki.html.j2` shows of a wiki.

    Args:
        leaving: the numbers that may leave.
        wiki_db: the wiki; one without a row has a page that says so.
    """
    cells = leaving.cells[leaving.cells["wiki_db"] == wiki_db]
    config = leaving.config[leaving.config["wiki_db"] == wiki_db]
    changes = leaving.changes[leaving.changes["wiki_db"] == wiki_db]
    catalogue = load_catalogue()
    return {
        "facts": _facts(cells, config),
        "refusals": refusals(cells, catalogue),
        "trends": _trends(cells, config, changes, catalogue),
        "links": _links(cells, catalogue),
        "cohorts": heat_map(_cohort_metrics(catalogue), cohorts(cells)),
        "marks": [words.STATUSES[status] for status in words.STATUSES],
    }


def refusals(cells: pd.DataFrame, catalogue: Catalogue) -> ChartTable:
    """Return what the newest windows do not tell, and what would change that; links have their own charts.

    Args:
        cells: rows of one wiki.
        catalogue: names the metrics, and orders them.
    """
    rows = []
    for metric in catalogue.metrics.values():
        for windows in (rolling(cells, WEEK), rolling(cells, LONG), cohorts(cells)):
            pairs = series(windows, metric)
            if pairs:
                last = pairs[-1]
                for cell in (last.realised, last.process):
                    if cell is not None and not words.STATUSES[cell["status"]].is_shown:
                        status = words.STATUSES[cell["status"]]
                        why = ": ".join(part for part in (status.word, clause(cell["status_reason"])) if part)
                        window = f"{last.start} to {last.end}"
                        remedy = clause(cell["remedy"]) or OPEN_END
                        rows.append((metric.name, window, QUESTIONS[cell["inference"]], why, remedy))
    return ChartTable(REFUSALS, tuple(rows))


def _facts(cells: pd.DataFrame, config: pd.DataFrame) -> list[tuple[str, str]]:
    """What is measured here now."""
    weeks = rolling(cells, WEEK)
    if not len(weeks):
        return [("Whole weeks", "none has closed since the dashboard became visible here"), *_settings(config)]
    last = newest(weeks)
    of_all = last[last["element_friendly_name"] == ALL]
    of_entry = last[last["link_group"] == ENTRY_POINT]
    return [
        ("Kept of loads and links on the dashboard", _kept(of_all)),
        *([(f"Kept of the {ENTRY_POINT}'s events", _kept(of_entry))] if len(of_entry) else []),
        ("Newest whole week", f"{day(last['window_start'].min())} to {day(last['window_end'].max())}"),
        ("Whole weeks shown", f"{weeks['window_start'].nunique()}, the first from {day(weeks['window_start'].min())}"),
        *_settings(config),
    ]


def _kept(cells: pd.DataFrame) -> str:
    regimes = cells[["sampling_unit", "sampling_rate_min", "sampling_rate_max"]].dropna().drop_duplicates()
    return "; ".join(sorted(words.sampled(*regime) for regime in regimes.itertuples(index=False))) or "nothing"


def _settings(config: pd.DataFrame) -> list[tuple[str, str]]:
    """The settings in force, by the newest line of each."""
    last = config.sort_values("valid_from").drop_duplicates("setting", keep="last").sort_values("setting")
    return [(f"Setting {row.setting}", f"{row.value}, since {day(row.valid_from)}") for row in last.itertuples()]


def _trends(cells: pd.DataFrame, config: pd.DataFrame, changes: pd.DataFrame, catalogue: Catalogue) -> list[Chart]:
    weeks, long, days = rolling(cells, WEEK), rolling(cells, LONG), rolling(cells, 1)
    drawn = []
    for metric in _trended(catalogue):
        pairs = series(weeks if metric_days(metric) == WEEK else long, metric)
        found = breaks(cells, config, metric, catalogue)
        drawn.append(trend(metric, pairs, series(days, metric), changes, found))
    return drawn


def _trended(catalogue: Catalogue) -> list[Metric]:
    """Metrics about no link that have a window of a week or four."""
    return [
        metric
        for metric in catalogue.metrics.values()
        if metric.family not in ("links", "audience") and {WEEK, LONG}.intersection(metric.days_of("rolling"))
    ]


def _links(cells: pd.DataFrame, catalogue: Catalogue) -> list[Chart]:
    """Both windows of the funnel, and rates of the longer one, which knows them better, where it has closed."""
    steps, week, long = steps_of(catalogue), newest(rolling(cells, WEEK)), newest(rolling(cells, LONG))
    window, days = (long, LONG) if len(long) else (week, WEEK)
    rates = [metric for metric in catalogue.of_family("links") if metric.kind != "count"]
    return [
        funnel(steps, week, WEEK),
        funnel(steps, long, LONG),
        *(click_through(metric, window, days) for metric in rates),
    ]


def _cohort_metrics(catalogue: Catalogue) -> list[Metric]:
    return [metric for metric in catalogue.metrics.values() if metric.has_window("cohort")]
