"""Why a window has no row: it begins too early, on another weekday, without its link; or its day was not run."""

from __future__ import annotations

from datetime import date

from jobs.metric import Metric, MetricWindow
from jobs.reference.load import Reference
from jobs.reference.vocabulary import Vocabulary
from jobs.rows.arrival import Arrival
from jobs.rows.visits import population_of, quarter_starts
from jobs.rows.window_context import WindowContext
from jobs.window_sums.tables import ALL
from jobs.windows import DAY, in_words, quarter_start, rolling_start

RUN = "run the days that are lacking"


def why_none(wiki_db: str, as_of: date, metric: Metric, window: MetricWindow, reference: Reference) -> str:
    """Say which windows have rows at all, where that is why one has none; else that its day is to be run.

    Args:
        wiki_db: a wiki, or `all`.
        as_of: the window's last day.
        metric: whose row is lacking.
        window: one of the metric's windows.
        reference: of the newest published run.
    """
    if window.days is None:
        return _quarter(wiki_db, as_of, metric, reference)
    first = rolling_start(as_of, window.days)
    if metric.weekday is not None and first.weekday() != metric.weekday:
        return "its cohorts are weeks from Monday, and end on a Sunday"
    visible = min(row.visible_from for row in reference.wikis if wiki_db in (ALL, row.wiki_db))
    if first < visible:
        whose = "any wiki" if wiki_db == ALL else wiki_db
        return f"the window begins on {first}, before {whose} was visible ({visible})"
    return _link(metric, first, as_of + DAY, Vocabulary(reference.vocabulary)) or RUN


def _quarter(wiki_db: str, as_of: date, metric: Metric, reference: Reference) -> str:
    """Say when a quarter to date begins, if that is after the day."""
    context = WindowContext(reference, Arrival(()), grace_minutes=0)  # neither matters to a beginning
    first = quarter_starts(context, [as_of]).get((wiki_db, population_of(metric), quarter_start(as_of)))
    if first is None or as_of < first:
        begins = "has not begun" if first is None else f"begins on {first}"
        return f"its quarter to date {begins}: before, {wiki_db} was not visible, or its links were not measured"
    return RUN


def _link(metric: Metric, first: date, end: date, vocabulary: Vocabulary) -> str | None:
    """Say that the link which makes a cohort was not there in [first, end), if so."""
    if metric.seen is None or metric.elements is None or vocabulary.overlaps(metric.elements, first, end):
        return None
    life = vocabulary.life(metric.elements) if metric.elements in vocabulary else None
    if life is None:
        return f"the vocabulary lacks the link: {metric.elements}"
    lasts = f"since {life.start}" if life.end is None else in_words(life.start, life.end)
    return f"the link was not measured in the window: {metric.elements} was {lasts}"
