"""The sampling policy as a timeline: which unit and rate held on a wiki at any moment, and what the client kept.

The wiki's own row in force beats the `*` row in force. A change of rate reaches clients over some minutes: during the
grace after it the smaller of the rates applies (exact, since samples are nested); if the unit changes, everything of
the grace is dropped. There is no grace after a gap, nor where both rates are 1.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import NamedTuple

from jobs.reference.load import ANY_WIKI, PolicyRow, Reference
from jobs.windows import days


@dataclass(frozen=True)
class Regime:
    """An interval of one instrument on one wiki in which nothing about sampling changes.

    Attributes:
        instrument_name: the instrument.
        wiki_db: a wiki of `wikis.csv`, never `*`.
        sample_unit: `pageview` or `session`, as in force.
        sample_rate: the rate in force.
        kept_rate: the rate the in-sample replay uses and a kept event carries: the smallest of the rates within a
            grace, 0 while everything is dropped for a change of unit, else the rate in force.
        is_grace: within a grace; ids not in at `kept_rate` are then out of scope, not impossible.
        is_unit_change: all events of the interval are dropped.
        valid_from: first moment, UTC.
        valid_to: end, exclusive; null while open.
    """

    instrument_name: str
    wiki_db: str
    sample_unit: str
    sample_rate: float
    kept_rate: float
    is_grace: bool
    is_unit_change: bool
    valid_from: datetime
    valid_to: datetime | None


class Sampling(NamedTuple):
    """A unit and a rate."""

    sample_unit: str
    sample_rate: float


class Span(NamedTuple):
    """A unit and rate in force from `start` to `end` (exclusive, null while open)."""

    sampling: Sampling
    start: datetime
    end: datetime | None


class RateChange(NamedTuple):
    """At `at` the sampling of a wiki went from `old` to `new`."""

    at: datetime
    old: Sampling
    new: Sampling


def timeline(reference: Reference, grace: timedelta) -> list[Regime]:
    """Return the regimes of every instrument of the policy on every wiki of `wikis.csv`, in order of time.

    Args:
        reference: with a policy free of overlaps.
        grace: how long a change takes to reach clients.

    Returns:
        Regimes that do not overlap and cover exactly the union of the rows in force, ordered by instrument, wiki, time.
    """
    regimes: list[Regime] = []
    for instrument in sorted({row.instrument_name for row in reference.policy}):
        for wiki in sorted(row.wiki_db for row in reference.wikis):
            spans = in_force(reference.policy, instrument, wiki)
            regimes.extend(_regimes(instrument, wiki, spans, grace))
    return regimes


def in_force(policy: Iterable[PolicyRow], instrument_name: str, wiki_db: str) -> list[Span]:
    """Return what was in force on a wiki: the own row, else the `*` row; equal neighbours are one span."""
    rows = [r for r in policy if r.instrument_name == instrument_name and r.wiki_db in (wiki_db, ANY_WIKI)]
    rows.sort(key=lambda r: r.wiki_db == ANY_WIKI)  # own rows first
    starts = {r.valid_from for r in rows} | {r.valid_to for r in rows if r.valid_to is not None}
    cuts: list[datetime | None] = [*sorted(starts), None]
    spans: list[Span] = []
    for start, end in pairwise(cuts):
        row = next((r for r in rows if start is not None and _holds(r.valid_from, r.valid_to, start)), None)
        if row is None or start is None:
            continue
        sampling = Sampling(row.sample_unit, row.sample_rate)
        if spans and spans[-1].end == start and spans[-1].sampling == sampling:
            spans[-1] = spans[-1]._replace(end=end)
        else:
            spans.append(Span(sampling, start, end))
    return spans


def _holds(start: datetime, end: datetime | None, moment: datetime) -> bool:
    return start <= moment and (end is None or moment < end)


def _changes(spans: Sequence[Span]) -> list[RateChange]:
    """Return the changes between spans that touch; after a gap there is none."""
    return [
        RateChange(after.start, before.sampling, after.sampling)
        for before, after in pairwise(spans)
        if before.end == after.start
    ]


def _regimes(instrument: str, wiki: str, spans: Sequence[Span], grace: timedelta) -> list[Regime]:
    """Cut the spans where a grace begins or ends."""
    graced = [c for c in _changes(spans) if not c.old.sample_rate == c.new.sample_rate == 1]
    regimes: list[Regime] = []
    for span in spans:
        inside = {c.at + grace for c in graced if c.at + grace > span.start}
        cuts: list[datetime | None] = [
            span.start,
            *sorted(cut for cut in inside if span.end is None or cut < span.end),
            span.end,
        ]
        for start, end in pairwise(cuts):
            assert start is not None  # only a span's end is open
            live = [c for c in graced if c.at <= start < c.at + grace]
            mixed = [span.sampling, *(c.old for c in live), *(c.new for c in live)]
            # Clients with another unit may still send: no single replay holds for all, so all is dropped.
            is_unit_change = len({s.sample_unit for s in mixed}) > 1
            regime = Regime(
                instrument_name=instrument,
                wiki_db=wiki,
                sample_unit=span.sampling.sample_unit,
                sample_rate=span.sampling.sample_rate,
                kept_rate=0.0 if is_unit_change else min(s.sample_rate for s in mixed),
                is_grace=bool(live),
                is_unit_change=is_unit_change,
                valid_from=start,
                valid_to=end,
            )
            last = regimes[-1] if regimes else None
            if last is not None and replace(last, valid_from=start, valid_to=end) == regime and last.valid_to == start:
                regimes[-1] = replace(last, valid_to=end)
            else:
                regimes.append(regime)
    return regimes


def group_regimes(regimes: Iterable[Regime]) -> Mapping[tuple[str, str], list[Regime]]:
    """Group regimes by (instrument, wiki); pass one group to the functions below where there are many windows."""
    groups: dict[tuple[str, str], list[Regime]] = defaultdict(list)
    for regime in regimes:
        groups[regime.instrument_name, regime.wiki_db].append(regime)
    return groups


def regimes_within(
    regimes: Iterable[Regime], instrument_name: str, wiki_db: str, start: date, end: date
) -> list[Regime]:
    """Return the regimes of a wiki that touch the days `[start, end)`, cut to them, graces included."""
    first, last = _midnight(start), _midnight(end)
    cut = []
    for r in regimes:
        if (r.instrument_name, r.wiki_db) != (instrument_name, wiki_db):
            continue
        begins = max(r.valid_from, first)
        ends = last if r.valid_to is None else min(r.valid_to, last)
        if begins < ends:
            cut.append(replace(r, valid_from=begins, valid_to=ends))
    return sorted(cut, key=lambda r: r.valid_from)


def window_regimes(
    regimes: Iterable[Regime], instrument_name: str, wiki_db: str, start: date, end: date
) -> tuple[Span, ...]:
    """Return the units and rates in force in the days `[start, end)` with their intervals, equal neighbours as one."""
    spans: list[Span] = []
    for r in regimes_within(regimes, instrument_name, wiki_db, start, end):
        sampling = Sampling(r.sample_unit, r.sample_rate)
        if spans and spans[-1].sampling == sampling and spans[-1].end == r.valid_from:
            spans[-1] = spans[-1]._replace(end=r.valid_to)
        else:
            spans.append(Span(sampling, r.valid_from, r.valid_to))
    return tuple(spans)


def applied_rates(
    regimes: Iterable[Regime], instrument_name: str, wiki_db: str, start: date, end: date
) -> tuple[Sampling, ...]:
    """Return the distinct units and rates that kept events of the days can carry, graces included, sorted."""
    found = regimes_within(regimes, instrument_name, wiki_db, start, end)
    return tuple(sorted({Sampling(r.sample_unit, r.kept_rate) for r in found if r.kept_rate > 0}))


def is_exact(regimes: Iterable[Regime], instrument_name: str, wiki_db: str, start: date, end: date) -> bool:
    """Whether every covered moment of the days kept everything (and at least one moment is covered)."""
    found = regimes_within(regimes, instrument_name, wiki_db, start, end)
    return bool(found) and all(r.kept_rate == 1 for r in found)


def uncovered_days(
    regimes: Iterable[Regime], instrument_name: str, wiki_db: str, start: date, end: date
) -> tuple[date, ...]:
    """Return the whole UTC days of `[start, end)` without any policy of a positive rate."""
    spans = [
        span for span in window_regimes(regimes, instrument_name, wiki_db, start, end) if span.sampling.sample_rate > 0
    ]
    return tuple(
        day
        for day in days(start, end)
        if not any(
            span.start < _midnight(day + timedelta(days=1)) and (span.end is None or span.end > _midnight(day))
            for span in spans
        )
    )


def has_gap(regimes: Iterable[Regime], instrument_name: str, wiki_db: str, start: date, end: date) -> bool:
    """Whether any moment of the days has no policy of a positive rate."""
    spans = window_regimes(regimes, instrument_name, wiki_db, start, end)
    covered = sum(
        ((span.end or _midnight(end)) - span.start for span in spans if span.sampling.sample_rate > 0), timedelta()
    )
    return covered < _midnight(end) - _midnight(start)


def has_unit_change(regimes: Iterable[Regime], instrument_name: str, wiki_db: str, start: date, end: date) -> bool:
    """Whether events of the days were dropped for a change of unit (never where both rates were 1)."""
    return any(r.is_unit_change for r in regimes_within(regimes, instrument_name, wiki_db, start, end))


def rate_changes(
    regimes: Iterable[Regime], instrument_name: str, wiki_db: str, start: date, end: date
) -> tuple[RateChange, ...]:
    """Return the changes of unit or rate inside the days, also those across a gap.

    A change at the very start of the window does not divide it, so it is not one of them.
    """
    spans = window_regimes(regimes, instrument_name, wiki_db, start, end)
    return tuple(
        RateChange(after.start, before.sampling, after.sampling)
        for before, after in pairwise(spans)
        if before.sampling != after.sampling
    )


def describe_changes(changes: Sequence[RateChange]) -> str | None:
    """Write changes as the sentence of `series_break`; null where there are none."""
    if not changes:
        return None
    parts = [
        f"from {describe(change.old)} to {describe(change.new)} at {change.at:%Y-%m-%d %H:%M} UTC" for change in changes
    ]
    return f"sampling changed {', then '.join(parts)}"


def describe(sampling: Sampling) -> str:
    """Write a unit and rate as `10 % of pageviews`."""
    return f"{format_rate(sampling.sample_rate)} of {sampling.sample_unit}s"


def format_rate(rate: float) -> str:
    """Write a rate as a percentage: `10 %`, `0.1 %`."""
    return f"{rate * 100:g} %"


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)
