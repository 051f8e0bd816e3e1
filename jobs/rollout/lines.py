"""Judge input, silence, first events: a line each."""

from __future__ import annotations

import math
from datetime import date

from jobs.catalogue import Catalogue
from jobs.console import counted
from jobs.rollout.card import OK, OPEN, WRONG, Card, Line
from jobs.rollout.evidence import Evidence
from jobs.rollout.measurable import measurable_line, window_states
from jobs.rollout.sampling import sampling_lines
from jobs.rollout.volume import volume_line
from jobs.windows import DAY, days

UNSEEN = 0.05  # a count of nothing: what would have shown itself with 95 % certainty
SHOWN_DAYS = 3
MENU_CHECK = "menu_link_before_visible"  # of the gates


def judge(evidence: Evidence, expected_per_day: float | None, catalogue: Catalogue) -> Card:
    """Write the card of a rollout.

    Args:
        evidence: what is known.
        expected_per_day: loads of the dashboard a day that were expected, if anybody said so.
        catalogue: the metrics.
    """
    states = window_states(evidence, catalogue)
    lines = (
        input_line(evidence),
        *silence_lines(evidence),
        *first_lines(evidence),
        *sampling_lines(evidence),
        volume_line(evidence, expected_per_day),
        measurable_line(states),
    )
    wiki = evidence.wiki
    return Card(
        wiki.wiki_db, evidence.as_of, wiki.enabled_from, wiki.visible_from, evidence.source, lines,
        _first(evidence, "n_loads") is not None, states,
    )  # fmt: skip


def input_line(evidence: Evidence) -> Line:
    """Judge whether all days since the deployment are there, whole and published."""
    asked = days(evidence.wiki.enabled_from, evidence.as_of + DAY)
    expected = f"every hour since {evidence.wiki.enabled_from}"
    if not asked:
        step = f"come back after {evidence.wiki.enabled_from}"
        return Line("input", f"not deployed yet on {evidence.as_of}", expected, OPEN, step)
    known = [day for day in asked if day in evidence.missing_hours]
    absent = [day for day in asked if day not in evidence.missing_hours]
    hours = [f"{day} {hour:02d}:00" for day in known for hour in evidence.missing_hours[day]]
    parts = [f"{len(known)} of {len(asked)} days, the last {evidence.as_of}"]
    steps = []
    if absent:
        parts.append(f"without {_listed(absent)}")
        steps.append(f"run the days that are missing, from {absent[0]} on")
    parts.append(f"{counted(len(hours), 'hour')} missing ({_listed(hours)})" if hours else "no hour missing")
    if hours:
        steps.append("ask for the hours, then run their days again")
    if evidence.hold_up:
        parts.append(f"the newest run is not published: {evidence.hold_up}")
        steps.append("mend what stopped the run, then run its days again")
    return Line("input", "; ".join(parts), expected, OPEN if steps else OK, "; ".join(steps))


def silence_lines(evidence: Evidence) -> tuple[Line, ...]:
    """Judge whether nobody was shown the dashboard before its first display: menu link, then loads."""
    silent, enabled_from, visible_from = evidence.silent_days, evidence.wiki.enabled_from, evidence.wiki.visible_from
    seen = [day for day in evidence.missing_hours if day < visible_from]
    expected = f"none before {visible_from}"
    n_menu = sum(evidence.menu_early.values())
    leaks = [check.message for check in evidence.failed if check.check_id == MENU_CHECK]
    if enabled_from == visible_from and not n_menu and not leaks:
        return (Line("silence", "no silent days: deployed and displayed on one day", expected, OK),)
    span = f"{len(set(silent) & set(seen))} ingested of {len(silent)} silent days"
    if n_menu or leaks:
        where = f"{n_menu} impressions on {_listed(sorted(evidence.menu_early))}"
        step = "it is displayed already: take the link away, or set visible_from in wikis.csv to the true day"
        found = where if n_menu else _listed(leaks)
        menu = Line("menu link before display", f"{found}; {span}", expected, WRONG, step)
    elif not seen:
        step = f"run --start {silent[0]} --end {silent[-1] + DAY}"
        menu = Line("menu link before display", f"not known: {span}", expected, OPEN, step)
    else:
        unseen = _unseen(evidence, seen)
        menu = Line("menu link before display", f"0 impressions, {span}{unseen}", expected, OK)
    return menu, _early_loads(evidence, span)


def _unseen(evidence: Evidence, seen: list[date]) -> str:
    """Say how many impressions could have gone unseen where the rate was below 1."""
    regimes = [r for timeline in evidence.timelines.values() for r in timeline.within(min(seen), max(seen) + DAY)]
    sampled = [regime for regime in regimes if regime.sample_rate < 1]
    if not sampled:
        return ""
    low = min(sampled, key=lambda regime: regime.sample_rate)
    if low.sample_rate == 0:
        return "; but at a rate of 0 none could be seen"
    most = math.floor(math.log(UNSEEN) / math.log1p(-low.sample_rate))
    return f"; at {low.sample_rate:.4g} up to {most} {low.sample_unit}s with it could have gone unseen (95 %)"


def _early_loads(evidence: Evidence, span: str) -> Line:
    """Tell of loads before the display: a few of the team that tests are usual, and only a person can tell."""
    early = [row for row in evidence.loads if row.event_date < evidence.wiki.visible_from and row.n_loads]
    n_loads = sum(row.n_loads for row in early)
    what, expected = "loads before display", "none, or a few of the team that tests"
    if not n_loads:
        return Line(what, f"0 loads, {span}", expected, OK)
    found = f"{n_loads} loads as kept on {_listed(sorted({row.event_date for row in early}))}"
    return Line(what, found, expected, OPEN, "are they of the team? if not, the address has got about")


def first_lines(evidence: Evidence) -> tuple[Line, Line]:
    """Judge whether the wiki speaks since it is visible: any event, then a load of the dashboard."""
    return _first_line(evidence, "first event", "n_events"), _first_line(evidence, "first load", "n_loads")


def _first_line(evidence: Evidence, what: str, column: str) -> Line:
    visible_from = evidence.wiki.visible_from
    expected = f"since {visible_from}"
    day = _first(evidence, column)
    if day is not None:
        delay = (day - visible_from).days
        after = "on the day of display" if delay == 0 else f"{delay} day{'s' if delay > 1 else ''} after display"
        return Line(what, f"{day}, {after}", expected, OK)
    if not evidence.is_visible:
        return Line(what, "not visible yet", expected, OPEN, f"come back after {visible_from}")
    judged = [day for day in evidence.visible_days if evidence.measures(day)]
    if not judged:
        found = "none, and no whole visible day with a rate above 0 is ingested"
        return Line(what, found, expected, OPEN, "run the days since the display; see the line on sampling")
    found = f"none on {len(judged)} whole visible day{'s' if len(judged) > 1 else ''}"
    if column == "n_events":
        step = "silent: check the deployment, the stream and its sampling, and `quarantine` for lines that were refused"
        return Line(what, found, expected, WRONG, step)
    return Line(
        what, found, expected, OPEN, "few may visit: open the dashboard once and look for the load the day after"
    )


def _first(evidence: Evidence, column: str) -> date | None:
    """Return the first day since the display on which a count of `baseline_daily` is not 0."""
    found = (row.event_date for row in evidence.loads if getattr(row, column) > 0)
    return min((day for day in found if day >= evidence.wiki.visible_from), default=None)


def _listed(items: list[date] | list[str]) -> str:
    """Name the first few of a list, and how many there are beyond."""
    shown = ", ".join(map(str, items[:SHOWN_DAYS]))
    return shown if len(items) <= SHOWN_DAYS else f"{shown} and {len(items) - SHOWN_DAYS} more"
