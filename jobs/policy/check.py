"""`policy check`: what is wrong with a sampling policy, and its timeline as a table."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from jobs.policy.timeline import Regime, Span, format_rate, spans_in_force
from jobs.reference import rules
from jobs.reference.csv_file import Problem, Problems, format_time
from jobs.reference.load import Reference
from jobs.reference.rows import (
    ANY_WIKI,
    INSTRUMENTS_CSV,
    POLICY_CSV,
    UNITS,
    USAGE_ROLES,
    WIKIS_CSV,
    InstrumentRow,
    WikiRow,
)
from jobs.reference.stretch import hull
from jobs.windows import DAY, midnight

# The first event of an instrument on a wiki in `[start, end)` of one day, if the input has any.
FindEvent = Callable[[str, str, datetime, datetime], datetime | None]

TIMELINE_HEADER = ("instrument", "wiki", "unit", "rate", "from", "to", "note")


@dataclass(frozen=True)
class _Life:
    """When an instrument should have a policy: from `start` on, until `end` if it is known to end."""

    start: datetime
    end: datetime | None
    measures_usage: bool


def check_policy(reference: Reference, find_event: FindEvent | None = None) -> list[Problem]:
    """Return everything wrong with the policy, errors first.

    Errors: overlaps, rates outside 0 to 1, units the client ignores, unknown wikis, a gap inside a wiki's life, a
    usage instrument without any policy, a policy that starts on a later day than its instrument and wiki, or on that
    day after an event. Warnings: a start later on that day without an event before it (wikis are enabled on a day, at
    whatever hour), an entry point without any policy, a policy that ends while its instrument goes on, an instrument
    nobody listens to.

    Args:
        reference: with the policy.
        find_event: looks for events that a late start loses; without it none are known.
    """
    problems = Problems()
    rules.check_policy_overlaps(reference.policy, problems)
    known = frozenset(row.wiki_db for row in reference.wikis)
    rules.check_known_wikis(known, reference.policy, (), (), problems)
    for row in reference.policy:
        if not 0 <= row.sample_rate <= 1:
            what, step = "outside 0 to 1", "Write a share between 0 and 1"
            problems.add(POLICY_CSV, row.line, "sample_rate", row.sample_rate, what, step)
        if row.sample_unit not in UNITS:
            what, step = "the client sends nothing for this unit", "Write pageview or session"
            problems.add(POLICY_CSV, row.line, "sample_unit", row.sample_unit, what, step)
    found = [*problems.found, *_coverage(reference, find_event)]
    return sorted(found, key=lambda problem: problem.severity != "error")


def _coverage(reference: Reference, find_event: FindEvent | None) -> Iterable[Problem]:
    """Yield gaps, late starts and early ends, per instrument and wiki."""
    by_name: dict[str, list[InstrumentRow]] = {}
    for row in reference.instruments:
        by_name.setdefault(row.instrument_name, []).append(row)
    in_policy = {row.instrument_name for row in reference.policy}
    for name in sorted(in_policy - by_name.keys()):
        line = min(row.line for row in reference.policy if row.instrument_name == name)
        what = f"not in {INSTRUMENTS_CSV}: its events are out of scope"
        step = f"Check the name, or add it to {INSTRUMENTS_CSV}"
        yield Problem(POLICY_CSV, line, "instrument_name", name, what, step, "warning")
    for name in sorted(by_name):
        for wiki in reference.wikis:
            spans = spans_in_force(reference.policy, name, wiki.wiki_db)
            yield from _wiki_coverage(name, wiki, spans, _life(by_name[name], wiki), find_event)


def _life(rows: list[InstrumentRow], wiki: WikiRow) -> _Life:
    whole = hull(row.stretch for row in rows)
    end = None if whole.end is None else midnight(whole.end)
    measures_usage = any(row.role in USAGE_ROLES for row in rows)
    return _Life(midnight(max(whole.start, wiki.enabled_from)), end, measures_usage)


def _wiki_coverage(
    name: str, wiki: WikiRow, spans: list[Span], life: _Life, find_event: FindEvent | None
) -> Iterable[Problem]:
    """Yield what is wrong with one wiki's stretches of one instrument."""
    if life.end is not None and life.end <= life.start:
        return

    def problem(value: object, what: str, step: str, severity: str = "error") -> Problem:
        return Problem(POLICY_CSV, None, "valid_from", str(value), f"{name} on {wiki.wiki_db}: {what}", step, severity)

    if not spans:
        step = f"Add a line for {wiki.wiki_db} or {ANY_WIKI}: without one its events are quarantined"
        yield problem("", "no policy at all", step, "error" if life.measures_usage else "warning")
        return
    first = spans[0].start
    if first > life.start:
        event = None
        if find_event is not None and first < life.start + DAY:
            event = find_event(name, wiki.wiki_db, life.start, first)
        yield problem(format_time(first), *_late_start(first, life, event))
    for before, after in pairwise(spans):
        if before.end is not None and before.end < after.start and after.start > life.start:
            what = f"a gap from {format_time(before.end)}"
            yield problem(format_time(after.start), what, "Close it: events in a gap are quarantined")
    last = spans[-1].end
    if last is not None and (life.end is None or last < life.end):
        what = f"ends at {format_time(last)} while {INSTRUMENTS_CSV} goes on"
        yield problem("", what, f"Give it a valid_to in {INSTRUMENTS_CSV} if it has ended", "warning")


def _late_start(first: datetime, life: _Life, event: datetime | None) -> tuple[str, str, str]:
    """Return what is wrong with a start after the life began, what to do about it, and how bad it is."""
    day = life.start.date()
    if first >= life.start + DAY:
        step = f"Let a line start by {day}: events before it are quarantined (or mend {WIKIS_CSV} or {INSTRUMENTS_CSV})"
        return f"starts after its first day {day}", step, "error"
    if event is not None:
        step = "Let a line start before it: events without a policy are quarantined"
        return f"starts after its first event, of {format_time(event)}", step, "error"
    time_of_day = f"{first:%H:%M:%S}".removesuffix(":00")
    what = f"starts at {time_of_day} of its first day {day}, no policy from 00:00 to {time_of_day}"
    return what, "Let a line start earlier if clients sent by then: such events are quarantined", "warning"


def timeline_table(regimes: Iterable[Regime]) -> list[tuple[str, ...]]:
    """Return the timeline as rows under `TIMELINE_HEADER`: a row per unit and rate in force, its graces as a note."""
    rows: list[tuple[str, ...]] = []
    last: Regime | None = None
    for r in regimes:
        note = _note(r)
        same = last is not None and last.valid_to == r.valid_from and _key(last) == _key(r)
        if same:
            *head, _, old_note = rows[-1]
            rows[-1] = (*head, _moment(r.valid_to), "; ".join(part for part in (old_note, note) if part))
        else:
            rows.append((*_key(r)[:3], format_rate(r.sample_rate), _moment(r.valid_from), _moment(r.valid_to), note))
        last = r
    return rows


def _key(r: Regime) -> tuple[str, str, str, float]:
    return r.instrument_name, r.wiki_db, r.sample_unit, r.sample_rate


def _note(r: Regime) -> str:
    if not r.is_grace or r.valid_to is None:
        return ""
    what = "dropped, the unit changes" if r.is_unit_change else f"kept at {format_rate(r.kept_rate)}"
    return f"until {r.valid_to:%H:%M} {what}"


def _moment(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S}".removesuffix(":00")
