"""From events to files: sampling, lines, dirt, hours; counts every line under the fate it should get."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from jobs.simulation import writer
from jobs.simulation.dirt import DayBatch, Extra, draw_dirt
from jobs.simulation.events import Events
from jobs.simulation.lines import LineBuilder, day_bounds, sequence_positions
from jobs.simulation.population import Codes, Pageviews, Users
from jobs.simulation.rollouts import rollout_truth
from jobs.simulation.sampling import (
    DAY_MS,
    GRACE,
    KEPT,
    NO_POLICY,
    NOT_IN_SAMPLE,
    PICK_UP_MS,
    RATE_ZERO,
    Bool,
    Int,
    PolicyRow,
    Regime,
    Units,
    epoch_ms,
    expected_fate,
    regimes_of,
    sent_by_client,
)
from jobs.simulation.scenarios import ENTRY_POINTS, HEALTH_METRICS, USAGE, Scenario, WikiSpec
from jobs.simulation.seeds import Purpose, Seeds
from jobs.simulation.vocabulary import ENTRY_POINT

_SKEW_MS = 600_000
_FATES = {
    KEPT: "kept",
    GRACE: "out_of_scope/rate_change_grace",
    NOT_IN_SAMPLE: "quarantined/not_in_sample",
    NO_POLICY: "quarantined/no_sampling_policy",
    RATE_ZERO: "quarantined/sampling_rate_zero",
}
_MISSING_HOUR, _BROKEN_HOUR = 13, 15
_FIRST_MISSING, _BETWEEN_MISSING, _BROKEN_DAY = 2, 60, 1  # days of the world, whatever its length
_COPIES_WAIT = 7  # days: so long a copy of a line may be on its way


@dataclass(frozen=True)
class Sent:
    """What the clients of one wiki sent, by receive time."""

    builder: LineBuilder
    events: Events
    position: Int
    units: Units
    key: Int
    fate: Codes
    skewed: Bool
    bounds: list[int]


class Delivery:
    """Collects what the clients of all wikis send and writes it day by day, from day `first` of the world on.

    Attributes:
        fates: expected fates of the lines by day of the world, of the days that are written.
        n_files: files written.
        missing_hours: partitions never written, as `YYYY-MM-DDTHH`.
        unreadable_files: paths of broken files, relative to the world.
        rollouts: by wiki, what it sent around its first display (`rollout_truth`), of the whole world.
    """

    def __init__(
        self, out: Path, scenario: Scenario, start: date, days: int, policy: list[PolicyRow], seed: int, first: int = 0
    ) -> None:
        """Start a delivery into `out`."""
        self._out, self._scenario, self._start, self._days, self._first = out, scenario, start, days, first
        self._policy, self._seed = policy, seed
        self._sent: list[Sent] = []
        self._regimes: list[list[Regime]] = []
        self._pending: defaultdict[int, list[Extra]] = defaultdict(list)
        self.fates: dict[int, Counter[str]] = {day: Counter() for day in range(first, days)}
        self.n_files = 0
        self.missing_hours: list[str] = []
        self.unreadable_files: list[str] = []
        self.rollouts: dict[str, dict[str, int | str | None]] = {}

    def add_wiki(self, wiki: WikiSpec, users: Users, views: Pageviews, events: Events) -> None:
        """Sample a wiki's events as its clients would, and keep what they send."""
        number = len(self._sent)
        entry_codes = self._scenario.vocabulary.codes(ENTRY_POINT)
        instruments = (USAGE, ENTRY_POINTS) if self._scenario.split else (HEALTH_METRICS,)
        first_key = len(self._regimes)
        self._regimes += [regimes_of(self._policy, instrument, wiki.wiki_db) for instrument in instruments]
        pick_up = _pick_up(views)
        is_entry = np.isin(events.element, entry_codes) if self._scenario.split else np.zeros(len(events.time), bool)
        sent = np.zeros(len(events.time), dtype=bool)
        for which in range(len(instruments)):
            mine = np.flatnonzero(is_entry == bool(which))
            sent[mine] = sent_by_client(_units(views, events.take(mine), pick_up), self._regimes[first_key + which])
        events, key = events.take(sent), first_key + is_entry[sent].astype(np.int64)
        self.rollouts[wiki.wiki_db] = rollout_truth(wiki, events, entry_codes, self._start)
        units = _units(views, events, pick_up)
        clock = views.clock_offset[views.session[events.pageview]] - events.delay
        self._sent.append(
            Sent(
                LineBuilder(wiki, users, views, self._scenario.vocabulary, self._scenario.split,
                            (self._seed * 64 + number) % 2**31),
                events, sequence_positions(events, self._scenario.vocabulary), units, key,
                self._expected(units, key), np.abs(clock) > _SKEW_MS, day_bounds(events, self._start, self._days),
            )
        )  # fmt: skip

    def _expected(self, units: Units, key: Int) -> Codes:
        fate = np.zeros(len(key), dtype=np.int8)
        for number in np.unique(key).tolist():
            mine = key == number
            part = Units(units.time[mine], units.session_id[mine], units.pageview_id[mine], units.pick_up[mine])
            fate[mine] = expected_fate(part, self._regimes[number])
        return fate

    def write(self, report: Callable[[str, float], None]) -> None:
        """Write all days in order; copies due on later days wait in between, those of the days before `first` too."""
        seeds = Seeds(self._seed, len(self._sent))
        for day in range(max(self._first - _COPIES_WAIT, 0), self._days):
            self._write_day(day, seeds.of(Purpose.lines, day))
            report("events", (day + 1) / self._days)

    def _write_day(self, day: int, rng: np.random.Generator) -> None:
        first_ms = epoch_ms(self._start) + day * DAY_MS
        parts = [(sent, slice(sent.bounds[day], sent.bounds[day + 1])) for sent in self._sent]
        lines = [
            line for sent, rows in parts
            for line in sent.builder.build(rng, sent.events.take(_positions(rows)), sent.position[rows])
        ]  # fmt: skip
        key = np.concatenate([sent.key[rows] for sent, rows in parts])
        fate = np.concatenate([sent.fate[rows] for sent, rows in parts])
        skewed = np.concatenate([sent.skewed[rows] for sent, rows in parts])
        units = Units(
            *(np.concatenate(columns) for columns in zip(*(_columns(s.units, r) for s, r in parts), strict=True))
        )
        hour = (units.time - first_ms) // 3_600_000
        broken = self._in_broken_file(rng, day, hour)
        lost = broken | ((hour == _MISSING_HOUR) & self._misses_an_hour(day))
        extras = self._pending.pop(day, [])
        if self._scenario.dirt:
            usable = (fate == KEPT) & ~skewed & ~lost
            a_date = self._start + timedelta(days=day)
            batch = DayBatch(day, a_date, first_ms, lines, key, units, usable, self._regimes)
            for extra in draw_dirt(rng, batch):
                (extras if extra.day == day else self._pending[extra.day]).append(extra)
        if day >= self._first:
            self._count(day, fate[~lost], skewed[~lost])
            self._write_hours(rng, day, lines, hour, broken, extras)

    def _misses_an_hour(self, day: int) -> bool:
        since = day - _FIRST_MISSING
        return self._scenario.missing_hour and since >= 0 and since % _BETWEEN_MISSING == 0

    def _in_broken_file(self, rng: np.random.Generator, day: int, hour: Int) -> Bool:
        """Mark the half of an hour's lines that go into the file that breaks off."""
        if day != _BROKEN_DAY or not self._scenario.truncated_file:
            return np.zeros(len(hour), dtype=bool)
        return np.asarray((hour == _BROKEN_HOUR) & (rng.random(len(hour)) < 0.5))

    def _count(self, day: int, fate: Codes, skewed: Bool) -> None:
        counts = self.fates[day]
        for code, name in _FATES.items():
            counts[name] += int((fate == code).sum())
        n_skewed = int(((fate == KEPT) & skewed).sum())
        counts["kept"] -= n_skewed
        counts["kept/clock_skew"] += n_skewed
        self.fates[day] = +counts

    def _write_hours(
        self, rng: np.random.Generator, day: int, lines: list[str], hour: Int, broken: Bool, extras: list[Extra]
    ) -> None:
        good: list[list[str]] = [[] for _ in range(24)]
        bad: list[str] = []
        for line, at, is_broken in zip(lines, hour.tolist(), broken.tolist(), strict=True):
            (bad if is_broken else good[at]).append(line)
        a_date = self._start + timedelta(days=day)
        missing = _MISSING_HOUR if self._misses_an_hour(day) else -1
        if missing >= 0:
            extras = [extra for extra in extras if extra.hour != _MISSING_HOUR]
        for extra in extras:
            good[extra.hour].append(extra.line)
            self.fates[day][extra.fate] += 1
        for at in range(24):
            if at == missing:
                self.missing_hours.append(f"{a_date.isoformat()}T{at:02d}")
                continue
            part = good[at]
            # A broker does not keep order; a clean world comes sorted by wiki and time.
            order = rng.permutation(len(part)).tolist() if self._scenario.dirt else range(len(part))
            self.n_files += writer.write_hour(
                self._out, a_date, at, [part[i] for i in order], bad if at == _BROKEN_HOUR else ()
            )
        if bad:
            self.fates[day]["quarantined/unreadable_file"] += 1
            self.unreadable_files.append(writer.broken_path(a_date, _BROKEN_HOUR))


def _positions(rows: slice) -> Int:
    return np.arange(rows.start, rows.stop)


def _columns(units: Units, rows: slice) -> tuple[Int, ...]:
    return units.time[rows], units.session_id[rows], units.pageview_id[rows], units.pick_up[rows]  # type: ignore[return-value]


def _pick_up(views: Pageviews) -> Int:
    """Return the delay with which each page's client picks up a new rate: of bits of its id that do not sample it."""
    return ((views.id_head & np.uint64(0xFFFFFFFF)) * np.uint64(PICK_UP_MS) >> np.uint64(32)).astype(np.int64)


def _units(views: Pageviews, events: Events, pick_up: Int) -> Units:
    page = events.pageview
    return Units(events.time, views.session_head[views.session[page]], views.id_head[page], pick_up[page])
