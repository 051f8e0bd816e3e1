"""The sampling policy as a timeline: which unit and rate held on a wiki at any moment, and what the client kept.

The wiki's own row in force beats the `*` row in force. A change of rate reaches clients over some minutes: during the
grace after it the smaller of the rates applies (exact, since samples are nested); if the unit changes, everything of
the grace is dropped. There is no grace after a gap, nor where both rates are 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import pairwise, zip_longest
from typing import NamedTuple

from jobs.reference.load import Reference
from jobs.reference.rows import ANY_WIKI, PolicyRow
from jobs.reference.stretch import Stretch
from jobs.windows import DAY, days, midnight


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

    @property
    def stretch(self) -> Stretch[datetime]:
        """When it holds."""
        return Stretch(self.valid_from, self.valid_to)

    @property
    def unit_rate(self) -> UnitRate:
        """The unit and rate in force."""
        return UnitRate(self.sample_unit, self.sample_rate)


class UnitRate(NamedTuple):
    """A sampling unit and rate."""

    sample_unit: str
    sample_rate: float


class Span(NamedTuple):
    """A unit and rate in force from `start` to `end` (exclusive, null while open)."""

    unit_rate: UnitRate
    start: datetime
    end: datetime | None


class RateChange(NamedTuple):
    """At `at` the sampling of a wiki went from `old` to `new`."""

    at: datetime
    old: UnitRate
    new: UnitRate


@dataclass(frozen=True)
class Timeline:
    """The regimes of one instrument on one wiki, in order of time; none overlaps another.

    What it is asked is about the UTC days `[start, end)`.
    """

    regimes: tuple[Regime, ...] = ()

    def within(self, start: date, end: date) -> list[Regime]:
        """Return the regimes that touch the days, cut to them, graces included."""
        found = []
        for regime in self.regimes:
            cut = regime.stretch.clip(midnight(start), midnight(end))
            if cut is not None:
                found.append(replace(regime, valid_from=cut[0], valid_to=cut[1]))
        return found

    def spans(self, start: date, end: date) -> tuple[Span, ...]:
        """Return the units and rates in force with their intervals, equal neighbours as one."""
        return tuple(_joined(Span(r.unit_rate, r.valid_from, r.valid_to) for r in self.within(start, end)))

    def applied_rates(self, start: date, end: date) -> tuple[UnitRate, ...]:
        """Return the distinct units and rates that kept events can carry, graces included, sorted."""
        return tuple(sorted({UnitRate(r.sample_unit, r.kept_rate) for r in self.within(start, end) if r.kept_rate > 0}))

    def is_sampled(self, start: date, end: date) -> bool:
        """Whether some rate below 1 was in force, kept anything or not."""
        return any(regime.sample_rate < 1 for regime in self.within(start, end))

    def uncovered_days(self, start: date, end: date) -> tuple[date, ...]:
        """Return the whole days without any policy of a positive rate."""
        positive = [regime.stretch for regime in self.within(start, end) if regime.sample_rate > 0]
        return tuple(
            day
            for day in days(start, end)
            if not any(stretch.touches(midnight(day), midnight(day + DAY)) for stretch in positive)
        )

    def has_gap(self, start: date, end: date) -> bool:
        """Whether some moment had no policy of a positive rate, after the first there ever was."""
        positive = [regime for regime in self.regimes if regime.sample_rate > 0]
        since = max([midnight(start), *(regime.valid_from for regime in positive[:1])])
        found = [cut for regime in positive if (cut := regime.stretch.clip(since, midnight(end)))]
        return sum((last - first for first, last in found), timedelta()) < midnight(end) - since

    def has_empty_grace(self, start: date, end: date) -> bool:
        """Whether all events of a grace were dropped: around a change of unit, or from rate 0."""
        return any(regime.sample_rate > 0 and regime.kept_rate == 0 for regime in self.within(start, end))

    def has_unit_change(self, start: date, end: date) -> bool:
        """Whether events were dropped for a change of unit (never where both rates were 1)."""
        return any(regime.is_unit_change for regime in self.within(start, end))

    def rate_changes(self, start: date, end: date) -> tuple[RateChange, ...]:
        """Return the changes of unit or rate, also those across a gap.

        A change at the very start of the days does not divide them, so it is not one of them.
        """
        return tuple(
            RateChange(after.start, before.unit_rate, after.unit_rate)
            for before, after in pairwise(self.spans(start, end))
            if before.unit_rate != after.unit_rate
        )


def timelines(reference: Reference, grace: timedelta) -> dict[tuple[str, str], Timeline]:
    """Return the timeline of every instrument of the policy on every wiki of `wikis.csv`.

    Args:
        reference: with a policy free of overlaps.
        grace: how long a change takes to reach clients.

    Returns:
        By (instrument, wiki), in that order; regimes cover exactly the union of the rows in force.
    """
    return {
        (instrument, wiki): Timeline(
            tuple(_regimes(instrument, wiki, spans_in_force(reference.policy, instrument, wiki), grace))
        )
        for instrument in sorted({row.instrument_name for row in reference.policy})
        for wiki in sorted(row.wiki_db for row in reference.wikis)
    }


def all_regimes(reference: Reference, grace: timedelta) -> list[Regime]:
    """Return the regimes of `timelines`, ordered by instrument, wiki and time."""
    return [regime for timeline in timelines(reference, grace).values() for regime in timeline.regimes]


def spans_in_force(policy: Iterable[PolicyRow], instrument_name: str, wiki_db: str) -> list[Span]:
    """Return what was in force on a wiki: the own row, else the `*` row; equal neighbours are one span."""
    rows = [r for r in policy if r.instrument_name == instrument_name and r.wiki_db in (wiki_db, ANY_WIKI)]
    rows.sort(key=lambda r: r.wiki_db == ANY_WIKI)  # own rows first
    starts = sorted({r.valid_from for r in rows} | {r.valid_to for r in rows if r.valid_to is not None})
    spans: list[Span] = []
    for start, end in zip_longest(starts, starts[1:]):
        row = next((r for r in rows if r.stretch.holds(start)), None)
        if row is not None:
            spans.append(Span(unit_rate_of(row), start, end))
    return _joined(spans)


def unit_rate_of(row: PolicyRow) -> UnitRate:
    """Return the unit and rate of a row."""
    return UnitRate(row.sample_unit, row.sample_rate)


def _joined(spans: Iterable[Span]) -> list[Span]:
    """Make one of neighbours that say the same."""
    found: list[Span] = []
    for span in spans:
        last = found[-1] if found else None
        if last is not None and (last.end, last.unit_rate) == (span.start, span.unit_rate):
            found[-1] = last._replace(end=span.end)
        else:
            found.append(span)
    return found


def _changes(spans: Sequence[Span]) -> list[RateChange]:
    """Return the changes between spans that touch; after a gap there is none."""
    return [
        RateChange(after.start, before.unit_rate, after.unit_rate)
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
            live = [c for c in graced if Stretch(c.at, c.at + grace).holds(start)]
            mixed = [span.unit_rate, *(c.old for c in live), *(c.new for c in live)]
            # Clients with another unit may still send: no single replay holds for all, so all is dropped.
            is_unit_change = len({s.sample_unit for s in mixed}) > 1
            regime = Regime(
                instrument_name=instrument,
                wiki_db=wiki,
                sample_unit=span.unit_rate.sample_unit,
                sample_rate=span.unit_rate.sample_rate,
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


def describe_changes(changes: Sequence[RateChange]) -> str | None:
    """Write changes as the sentence of `series_break`; null where there are none."""
    if not changes:
        return None
    parts = [
        f"from {format_unit_rate(change.old)} to {format_unit_rate(change.new)} at {change.at:%Y-%m-%d %H:%M} UTC"
        for change in changes
    ]
    return f"sampling changed {', then '.join(parts)}"


def format_unit_rate(one: UnitRate) -> str:
    """Write a unit and rate as `10 % of pageviews`."""
    return f"{format_rate(one.sample_rate)} of {one.sample_unit}s"


def format_rate(rate: float) -> str:
    """Write a rate as a percentage: `10 %`, `0.1 %`."""
    return f"{rate * 100:g} %"
