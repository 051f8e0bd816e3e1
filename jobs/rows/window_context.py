"""What was recorded in a window: which hours arrived, under which sampling regimes, and was the instrument alive."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache

import pandas as pd

from jobs.policy.timeline import (
    Regime,
    applied_rates,
    describe_changes,
    group_regimes,
    has_unit_change,
    rate_changes,
    regimes_within,
    timeline,
    uncovered_days,
)
from jobs.reference.load import USAGE_ROLES, Reference
from jobs.reference.vocabulary import Vocabulary
from jobs.windows import days

DAY = timedelta(days=1)
Recorded = tuple[date, str, str, str, float]
LOST = "a quarter of an hour around a change of sampling was lost"
GAP = "for a part of the window the sampling policy had no rate above 0"


@dataclass(frozen=True)
class WindowSampling:
    """The sampling regimes inside a window.

    Attributes:
        regimes: (unit, rate) pairs under which events of the window were kept, rate 0 left out.
        has_unit_change: one wiki changed its unit inside the window.
        loss: what was not recorded of a day that was otherwise (around a change of unit or from rate 0, in a gap of the
            policy), or None.
        unrecorded: why whole days of it were not recorded (rate 0, or no policy), or None.
        series_break: what changed, for a reader who compares windows, or None.
    """

    regimes: frozenset[tuple[str, float]]
    has_unit_change: bool = False
    loss: str | None = None
    unrecorded: str | None = None
    series_break: str | None = None

    @property
    def unit(self) -> str | None:
        """The sampling unit, `mixed` if there are several."""
        units = {unit for unit, _ in self.regimes}
        return units.pop() if len(units) == 1 else "mixed" if units else None

    @property
    def rates(self) -> tuple[float, float] | None:
        """The smallest and the largest rate."""
        rates = [rate for _, rate in self.regimes]
        return (min(rates), max(rates)) if rates else None

    @property
    def is_rate_one(self) -> bool:
        """Nothing of the window was left out by sampling; what was lost around a change of it is `loss`."""
        return all(rate == 1 for _, rate in self.regimes)


class WindowContext:
    """Facts about days, asked for by window.

    Args:
        reference: the run's frozen reference.
        arrived: days of which at least one hour arrived.
        incomplete: number of missing or unreadable hours by day.
        recorded: regimes that kept events carry, as (day, wiki, instrument, unit, rate). Where the policy was corrected
            after a day was ingested they differ from the policy, and both count until the day is ingested again.
        first_seen: elements that the vocabulary lacks, with the day each was first seen.
        sent: by (wiki, element) the instruments that were seen to send it, with the day of the first sight.
        grace_minutes: how long a change of rate takes to reach clients.
    """

    def __init__(
        self,
        reference: Reference,
        arrived: Iterable[date],
        incomplete: Mapping[date, int],
        grace_minutes: int,
        recorded: Iterable[Recorded] = (),
        first_seen: Mapping[str, date] | None = None,
        sent: Mapping[tuple[str, str], Mapping[str, date]] | None = None,
    ) -> None:
        self.reference = reference
        self.first_seen, self._sent = dict(first_seen or {}), dict(sent or {})
        self._recorded: dict[tuple[str, str], list[tuple[date, str, float]]] = {}
        for day, wiki, instrument, unit, rate in recorded:
            self._recorded.setdefault((instrument, wiki), []).append((day, unit, rate))
        self.vocabulary = Vocabulary(reference.vocabulary)
        self._arrived = sorted(arrived)
        self._incomplete = {day: hours for day, hours in incomplete.items() if hours}
        self._regimes = group_regimes(timeline(reference, timedelta(minutes=grace_minutes)))
        # Windows are few, and asked about for every wiki, element and metric.
        self.sampling = cache(self._sampling)
        self.instruments = cache(self._instruments)
        self.usage_unmeasured = cache(self._usage_unmeasured)

    def visible_wikis(self, day: date) -> list[str]:
        """Return the wikis that show the dashboard on a day and all days after it."""
        return [row.wiki_db for row in self.reference.wikis if row.visible_from <= day]

    def sampled_wikis(self, start: date, end: date) -> list[str]:
        """Return the wikis on which some rate below 1 was in force in [start, end), kept anything or not."""
        return sorted(
            {
                wiki
                for (_, wiki), regimes in self._regimes.items()
                for regime in regimes
                if regime.sample_rate < 1
                and regime.valid_from < _midnight(end)
                and (regime.valid_to is None or regime.valid_to > _midnight(start))
            }
        )

    def missing_days(self, start: date, end: date) -> int:
        """Return how many days of [start, end) never arrived."""
        return (end - start).days - (bisect_left(self._arrived, end) - bisect_left(self._arrived, start))

    def missing_hours(self, start: date, end: date) -> int:
        """Return how many hours of the arrived days of [start, end) are missing or unreadable."""
        return sum(hours for day, hours in self._incomplete.items() if start <= day < end)

    def is_complete(self, start: date, end: date) -> bool:
        """Whether every hour of [start, end) has arrived and could be read."""
        return not self.missing_days(start, end) and not self.missing_hours(start, end)

    def missing_reason(self, start: date, end: date) -> str | None:
        """Say why a window has days that were never ingested, or None."""
        missing = self.missing_days(start, end)
        return f"{missing} of {(end - start).days} days of the window have no input" if missing else None

    def caution_reason(self, start: date, end: date) -> str | None:
        """Say why a window with all its days is not whole, or None."""
        hours = self.missing_hours(start, end)
        return f"{hours} hour{'s' if hours > 1 else ''} of the window did not arrive" if hours else None

    def usage_instruments(self, start: date, end: date) -> tuple[str, ...]:
        """Return the instruments that measure the dashboard itself in [start, end)."""
        return self.instruments(USAGE_ROLES, start, end)

    def _instruments(self, roles: tuple[str, ...], start: date, end: date) -> tuple[str, ...]:
        """Return the instruments with one of the roles that are in force on some day of [start, end)."""
        found = {
            row.instrument_name
            for row in self.reference.instruments
            if row.role in roles and row.valid_from < end and (row.valid_to is None or row.valid_to > start)
        }
        return tuple(sorted(found))

    def senders(self, wiki: str, element: str, end: date) -> list[str]:
        """Return the instruments that were seen to send an element on a wiki before a day."""
        return [name for name, first in self._sent.get((wiki, element), {}).items() if first < end]

    def have_user_ids(self, instruments: Sequence[str]) -> bool:
        """Whether all of some instruments carry user ids."""
        return all(row.has_user_id for row in self.reference.instruments if row.instrument_name in instruments)

    def usage_began(self) -> date:
        """Return the first day on which any usage instrument is in force."""
        return min(row.valid_from for row in self.reference.instruments if row.role in USAGE_ROLES)

    def _usage_unmeasured(self, start: date, end: date) -> str | None:
        """Say why the dashboard was not measured on some day of [start, end), or None."""
        day = start
        while day < end:
            if not self.usage_instruments(day, day + DAY):
                return f"no instrument measured the dashboard on {day}"
            day += DAY
        return None

    def _sampling(self, instruments: tuple[str, ...], wikis: tuple[str, ...], start: date, end: date) -> WindowSampling:
        """Collect the regimes of instruments on wikis in [start, end)."""
        pairs: set[tuple[str, float]] = set()
        breaks: list[str] = []
        changed, loss, unrecorded = False, None, None
        lives = self._lives(instruments, start, end)
        for wiki in wikis:
            silent = set(days(start, end))
            for name, first, last in lives:
                own = self._regimes.get((name, wiki), [])
                pairs |= {(unit, rate) for unit, rate in applied_rates(own, name, wiki, first, last)}
                changed = changed or has_unit_change(own, name, wiki, first, last)
                loss = loss or _loss(own, name, wiki, first, last)
                recorded = self._recorded.get((name, wiki), ())
                pairs |= {(unit, rate) for day, unit, rate in recorded if first <= day < last}
                silent -= set(days(first, last)) - set(uncovered_days(own, name, wiki, first, last))
                told = describe_changes(rate_changes(own, name, wiki, first, last))
                breaks += [f"{wiki}: {told}" if len(wikis) > 1 else told] if told else []
            if silent and unrecorded is None:
                unrecorded = f"{wiki} recorded nothing on {min(silent)}: its sampling policy had no rate above 0"
        return WindowSampling(frozenset(pairs), changed, loss, unrecorded, "; ".join(dict.fromkeys(breaks)) or None)

    def _lives(self, instruments: Sequence[str], start: date, end: date) -> list[tuple[str, date, date]]:
        """Return each instrument's days inside [start, end)."""
        return [
            (row.instrument_name, max(start, row.valid_from), end if row.valid_to is None else min(end, row.valid_to))
            for row in self.reference.instruments
            if row.instrument_name in instruments
            and row.valid_from < end
            and (row.valid_to is None or row.valid_to > start)
        ]


def joined(*reasons: str | None) -> str | None:
    """Put the given reasons into one sentence, or None where none is given."""
    return "; ".join(dict.fromkeys(reason for reason in reasons if isinstance(reason, str) and reason)) or None


def joined_columns(frame: pd.DataFrame, *columns: str) -> pd.Series:
    """Put the reasons of some columns of each row into one sentence."""
    sentence = cache(joined)  # many rows, few sentences
    sentences = map(sentence, *(frame[column].to_numpy(dtype=object) for column in columns))
    return pd.Series(list(sentences), index=frame.index, dtype=object)


def _loss(regimes: Sequence[Regime], name: str, wiki: str, start: date, end: date) -> str | None:
    """Say what of [start, end) was lost although every day of it recorded something, or None.

    What lies before the first policy with a positive rate is no loss: the instrument was not there yet.
    """
    found = regimes_within(regimes, name, wiki, start, end)
    if any(regime.sample_rate > 0 and regime.kept_rate == 0 for regime in found):
        return LOST
    positive = [regime.valid_from for regime in regimes if regime.sample_rate > 0]
    begin = max(min(positive), _midnight(start)) if positive else _midnight(start)
    ends = ((regime.valid_from, regime.valid_to or _midnight(end)) for regime in found if regime.sample_rate > 0)
    covered = sum((stop - first for first, stop in ends), timedelta())
    return GAP if covered < _midnight(end) - begin else None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)
