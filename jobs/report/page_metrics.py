"""The page of metrics: what the catalogue says of each, under an anchor of its own."""

from __future__ import annotations

import re
from typing import Any

from markupsafe import Markup, escape

from jobs import words
from jobs.catalogue import load_catalogue
from jobs.metric import Metric
from jobs.report.chart import ChartTable

_CODE = re.compile(r"`([^`]+)`")
TASKS = "https://phabricator.wikimedia.org/"
GOOD = {"higher": "more is better", "lower": "less is better", "neutral": "neither more nor less is better"}
FAMILIES = {
    "totals": "Loads of the dashboard",
    "users": "Visitors and reviewers",
    "links": "Links",
    "retention": "Who comes back",
    "presented": "Who was shown the link",
    "audience": "Who could come",
}


def metrics_page() -> dict[str, Any]:
    """Return what `metrics.html.j2` shows: every metric by family, notes on links, and breaks of comparison."""
    catalogue = load_catalogue()
    families = [(FAMILIES[family], catalogue.of_family(family)) for family in FAMILIES]
    return {
        "families": [
            (title, [(metric, _facts(metric)) for metric in metrics]) for title, metrics in families if metrics
        ],
        "tasks": TASKS,
        "with_code": with_code,
        "breaks": ChartTable(
            ("From", "Concerns", "What changed"),
            tuple((str(told.day), _elements(told.elements), told.text) for told in catalogue.series_breaks),
        ),
    }


def with_code(text: str) -> Markup:
    """Escape a text of the catalogue, and show what stands between backticks as code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))


def _facts(metric: Metric) -> list[tuple[str, str]]:
    """Return the facts of a metric that are a word or a sentence each."""
    windows = ", ".join(words.metric_window(window.kind, window.days) for window in metric.windows)
    if metric.weekday == 0:
        windows += ", from Mondays"
    rows = "what happened" if metric.inference == ("realised",) else "what happened, and in general"
    return [
        ("Numerator", with_code(metric.numerator)),
        *([("Denominator", with_code(metric.denominator))] if metric.denominator else []),
        ("Unit", metric.unit),
        ("Which way is good", GOOD[metric.direction]),
        ("Windows", windows),
        ("Rows", rows),
        ("All wikis together", "yes" if metric.all_wikis else "no: users are local to a wiki"),
        *([("Part of", load_catalogue().metric(metric.part_of).name)] if metric.part_of else []),
        ("Version", str(metric.version)),
    ]


def _elements(elements: tuple[str, ...]) -> str:
    return "everything" if "*" in elements else ", ".join(elements)
