"""What can be measured now, metric by metric, and from when on the rest: windows close one after the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from jobs.audience import count_command
from jobs.catalogue import Catalogue
from jobs.metric import Metric, MetricWindow
from jobs.reference.vocabulary import ALL, Vocabulary
from jobs.rollout.card import OK, OPEN, Line, WindowState
from jobs.rollout.evidence import Evidence, NewestRows
from jobs.windows import DAY

SHOWN = ("publish", "caution", "bounds_only")
STATUSES = (*SHOWN, "not_estimable", "suppressed", "not_measured")  # the best first
WAITS, DUE, NEVER, UNCOUNTED = "waits", "due", "never", "uncounted"
LOOK_AHEAD = 370  # days: longer gaps of the vocabulary are no plan
AUDIENCE = "audience"


class First(NamedTuple):
    """First and last day of a metric's first window that is measured, or why there is none."""

    start: date | None
    last: date | None
    why_not: str | None = None


def first_window(metric: Metric, window: MetricWindow, visible_from: date, vocabulary: Vocabulary) -> First:
    """Find the first window of a metric that begins with the display and that nothing unmeasured touches.

    A quarter to date is a row from its first day on. Cohorts may begin on one weekday only.
    """
    start = visible_from
    if metric.weekday is not None:
        start += timedelta(days=(metric.weekday - start.weekday()) % 7)
    step = timedelta(days=1 if metric.weekday is None else 7)
    length = timedelta(days=window.days or 1)
    until, why_not = start + timedelta(days=LOOK_AHEAD), None
    while start < until:
        why = vocabulary.unmeasured(metric.elements, ALL, start, start + length) if metric.elements else None
        if why is None:
            return First(start, start + length - DAY)
        start, why_not = start + step, why
    return First(None, None, why_not)


def window_states(evidence: Evidence, catalogue: Catalogue) -> tuple[WindowState, ...]:
    """Return what each metric says in each of its windows, in the order of the catalogue."""
    rows = {(row.metric, row.window_kind, row.window_days): row for row in evidence.rows}
    return tuple(
        _state(evidence, metric, window, rows.get((metric.metric, window.kind, window.days)))
        for metric in catalogue.metrics.values()
        for window in metric.windows
    )


def _state(evidence: Evidence, metric: Metric, window: MetricWindow, row: NewestRows | None) -> WindowState:
    key = (metric.metric, window.kind, window.days)
    if row is not None:
        return WindowState(*key, row.status, row.reason, row.as_of_date)
    if metric.family == AUDIENCE:
        by = f"it is counted from mediawiki_history, not from events: {count_command(wiki=evidence.wiki.wiki_db)}"
        return WindowState(*key, UNCOUNTED, by)
    first = first_window(metric, window, evidence.wiki.visible_from, evidence.vocabulary)
    if first.last is None:
        return WindowState(*key, NEVER, first.why_not)
    if evidence.as_of < first.last:
        return WindowState(*key, WAITS, f"its first window began on {first.start}" if evidence.is_visible else None,
                           closes=first.last, publishable=first.last + DAY)  # fmt: skip
    return WindowState(*key, DUE, "closed, and no published run has been asked for it",
                       closes=first.last, publishable=first.last + DAY)  # fmt: skip


def measurable_line(states: Sequence[WindowState]) -> Line:
    """Sum up what can be measured now; whether the audience was counted says nothing of a rollout."""
    said = Counter(state.status for state in states if state.as_of_date is not None)
    shown = sum(said[status] for status in SHOWN)
    n_never, n_uncounted = (sum(state.status == status for state in states) for status in (NEVER, UNCOUNTED))
    parts = [f"{shown} of {len(states) - n_never - n_uncounted} windows show a number", *_statuses(said)]
    waiting = [state for state in states if state.status in (WAITS, DUE)]
    dates = [state.publishable for state in waiting if state.publishable is not None]
    if n_never:
        parts.append(f"{n_never} more will have none")
    if n_uncounted:
        parts.append(f"{n_uncounted} more do not hang on events, and `pdmetrics audience` counts them")
    if waiting:
        parts.append(f"{len(waiting)} have no row yet, the first can be published on {min(dates)}, all by {max(dates)}")
    due = [state.closes for state in waiting if state.status == DUE and state.closes is not None]
    withheld = sum(said.values()) - shown
    steps = [
        f"run the days from {min(due)} on, when the first of them closed" if due else "",
        f"come back when {'the others' if due else 'they'} have closed" if len(due) < len(waiting) else "",
        "the table below says why of what is not shown" if withheld else "",
    ]
    verdict = OPEN if waiting or withheld else OK
    return Line("measurable now", "; ".join(parts), "a number in every window", verdict, "; ".join(filter(None, steps)))


def _statuses(said: Counter[str]) -> Iterable[str]:
    found = [f"{said[status]} {status}" for status in STATUSES if said[status]]
    return [", ".join(found)] if found else []
