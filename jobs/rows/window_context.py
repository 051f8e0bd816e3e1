"""What was recorded in a window: which hours arrived, under which sampling regimes, and was the instrument alive."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

import pandas as pd

from jobs.catalogue import Catalogue, load_catalogue
from jobs.policy.timeline import Timeline, describe_changes, timelines
from jobs.reference.instruments import instruments_between
from jobs.reference.load import Reference
from jobs.reference.rows import USAGE_ROLES
from jobs.reference.vocabulary import Vocabulary
from jobs.rows.arrival import Arrival
from jobs.rows.cautions import EVENTS_LOST, POLICY_GAP, Cautions, LowerRate, lower_rates
from jobs.rows.hourly import HourlyCounts
from jobs.windows import DAY, days

Recorded = tuple[date, str, str, str, float]


@dataclass(frozen=True)
class WindowSampling:
    """The sampling regimes inside a window.

    Attributes:
        regimes: (unit, rate) pairs under which events of the window were kept, rate 0 left out.
        has_unit_change: one wiki changed its unit inside the window.
        losses: what was not recorded of a day that was otherwise (around a change of unit or from rate 0, in a gap of
            the policy), or since the clients sampled at a lower rate than declared.
        unrecorded: why whole days of it were not recorded (rate 0, or no policy), or None.
        series_break: what changed, for a reader who compares windows, or None.
    """

    regimes: frozenset[tuple[str, float]]
    has_unit_change: bool = False
    losses: Cautions = ()
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
        """Nothing of the window was left out by sampling; what was lost around a change of it is `losses`."""
        return all(rate == 1 for _, rate in self.regimes)


@dataclass(frozen=True)
class _Life:
    """The days `[start, end)` of a window in which an instrument is in force, and its timeline on a wiki."""

    wiki_db: str
    instrument_name: str
    timeline: Timeline
    start: date
    end: date

    def recorded_days(self) -> set[date]:
        """Return the days of which some moment had a rate above 0."""
        return set(days(self.start, self.end)).difference(self.timeline.uncovered_days(self.start, self.end))


class WindowContext:
    """Facts about days, asked for by window.

    Args:
        reference: the run's frozen reference.
        arrival: which hours of input there are.
        recorded: regimes that kept events carry, as (day, wiki, instrument, unit, rate). Where the policy was corrected
            after a day was ingested they differ from the policy, and both count until the day is ingested again.
        audited: by (instrument, wiki) the days whose ids show a rate lower than declared.
        first_seen: elements that the vocabulary lacks, with the day each was first seen.
        sent: by (wiki, element) the instruments that were seen to send it, with the day of the first sight.
        grace_minutes: how long a change of rate takes to reach clients.
        catalogue: what metrics there are; the shipped one unless another is given.
        hourly: what was kept hour by hour; needed where an hour was lost only.
    """

    def __init__(
        self,
        reference: Reference,
        arrival: Arrival,
        grace_minutes: int,
        recorded: Iterable[Recorded] = (),
        first_seen: Mapping[str, date] | None = None,
        sent: Mapping[tuple[str, str], Mapping[str, date]] | None = None,
        catalogue: Catalogue | None = None,
        audited: Mapping[tuple[str, str], Sequence[LowerRate]] | None = None,
        hourly: HourlyCounts | None = None,
    ) -> None:
        self.reference, self.catalogue = reference, catalogue or load_catalogue()
        self.arrival, self.hourly = arrival, hourly
        self.first_seen, self._sent = dict(first_seen or {}), dict(sent or {})
        self._recorded: dict[tuple[str, str], list[tuple[date, str, float]]] = {}
        for day, wiki, instrument, unit, rate in recorded:
            self._recorded.setdefault((instrument, wiki), []).append((day, unit, rate))
        self._audited = dict(audited or {})
        self.vocabulary = Vocabulary(reference.vocabulary)
        self._timelines = timelines(reference, timedelta(minutes=grace_minutes))
        # Windows are few, and asked about for every wiki, element and metric.
        self.sampling = cache(self._sampling)
        self.declared = cache(self._declared)
        self.instruments = cache(self._instruments)
        self.usage_unmeasured = cache(self._usage_unmeasured)

    def visible_wikis(self, day: date) -> list[str]:
        """Return the wikis that show the dashboard on a day and all days after it."""
        return [row.wiki_db for row in self.reference.wikis if row.visible_from <= day]

    def sampled_wikis(self, start: date, end: date) -> list[str]:
        """Return the wikis on which some rate below 1 was in force in [start, end), kept anything or not."""
        return sorted({wiki for (_, wiki), own in self._timelines.items() if own.is_sampled(start, end)})

    def usage_instruments(self, start: date, end: date) -> tuple[str, ...]:
        """Return the instruments that measure the dashboard itself in [start, end)."""
        return self.instruments(USAGE_ROLES, start, end)

    def _instruments(self, roles: tuple[str, ...], start: date, end: date) -> tuple[str, ...]:
        """Return the instruments with one of the roles that are in force on some day of [start, end)."""
        return instruments_between(self.reference.instruments, roles, start, end)

    def _declared(self, wiki: str, start: date, end: date) -> frozenset[tuple[str, float]]:
        """Return the units and rates above 0 that the policy had for a wiki's dashboard in [start, end)."""
        lives = self._lives(self.usage_instruments(start, end), (wiki,), start, end)
        return frozenset().union(*(life.timeline.applied_rates(life.start, life.end) for life in lives))

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
        lives = self._lives(instruments, wikis, start, end)
        return WindowSampling(
            regimes=frozenset().union(*map(self._pairs, lives)),
            has_unit_change=any(life.timeline.has_unit_change(life.start, life.end) for life in lives),
            losses=(
                *next(filter(None, map(_losses, lives)), ()),
                *lower_rates(rate for life in lives for rate in self._lower_rates(life)),
            ),
            unrecorded=_unrecorded(lives, wikis, days(start, end)),
            series_break=_series_break(lives, with_wiki=len(wikis) > 1),
        )

    def _lives(self, instruments: Sequence[str], wikis: Sequence[str], start: date, end: date) -> list[_Life]:
        """Return the days of instruments inside [start, end), wiki by wiki."""
        return [
            _Life(wiki, row.instrument_name, self._timelines.get((row.instrument_name, wiki), Timeline()), *cut)
            for wiki in wikis
            for row in self.reference.instruments
            if row.instrument_name in instruments and (cut := row.stretch.clip(start, end))
        ]

    def _pairs(self, life: _Life) -> frozenset[tuple[str, float]]:
        """Return the units and rates that kept events of some days can carry, or were seen to."""
        recorded = self._recorded.get((life.instrument_name, life.wiki_db), ())
        seen = {(unit, rate) for day, unit, rate in recorded if life.start <= day < life.end}
        return frozenset(seen | {(unit, rate) for unit, rate in life.timeline.applied_rates(life.start, life.end)})

    def _lower_rates(self, life: _Life) -> list[LowerRate]:
        """Return the days of an instrument whose ids show a rate lower than declared."""
        audited = self._audited.get((life.instrument_name, life.wiki_db), ())
        return [rate for rate in audited if life.start <= rate.day < life.end]


def _losses(life: _Life) -> Cautions:
    """Return what was lost of days that all recorded something.

    What lies before the first policy with a positive rate is no loss: the instrument was not there yet.
    """
    if life.timeline.has_empty_grace(life.start, life.end):
        return (EVENTS_LOST,)
    return (POLICY_GAP,) if life.timeline.has_gap(life.start, life.end) else ()


def _unrecorded(lives: Sequence[_Life], wikis: Sequence[str], window: Sequence[date]) -> str | None:
    """Say on which wiki no instrument recorded anything on a whole day of a window, or None."""
    for wiki in wikis:
        own = [life for life in lives if life.wiki_db == wiki]
        silent = set(window).difference(*(life.recorded_days() for life in own))
        if silent:
            return f"{wiki} recorded nothing on {min(silent)}: its sampling policy had no rate above 0"
    return None


def _series_break(lives: Sequence[_Life], *, with_wiki: bool) -> str | None:
    """Say what changed inside a window, or None."""
    told = ((life.wiki_db, describe_changes(life.timeline.rate_changes(life.start, life.end))) for life in lives)
    return "; ".join(dict.fromkeys(f"{wiki}: {text}" if with_wiki else text for wiki, text in told if text)) or None


def joined(*reasons: str | None) -> str | None:
    """Put the given reasons into one sentence, or None where none is given."""
    return "; ".join(dict.fromkeys(reason for reason in reasons if isinstance(reason, str) and reason)) or None


def joined_columns(frame: pd.DataFrame, *columns: str) -> pd.Series:
    """Put the reasons of some columns of each row into one sentence."""
    sentence = cache(joined)  # many rows, few sentences
    sentences = map(sentence, *(frame[column].to_numpy(dtype=object) for column in columns))
    return pd.Series(list(sentences), index=frame.index, dtype=object)
