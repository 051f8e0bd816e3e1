"""The client's in-sample rule, the sampling settings of a world, and the fate the contract gives a valid event."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from jobs.simulation.scenarios import PolicyStep, Scenario
from jobs.simulation.vocabulary import INSTRUMENT_START

MINUTE_MS = 60_000
DAY_MS = 86_400_000
GRACE_MS = 15 * MINUTE_MS
PICK_UP_MS = 10 * MINUTE_MS  # a cached setting lives at most this long in a client

Int = npt.NDArray[np.int64]
Ids = npt.NDArray[np.uint64]
Bool = npt.NDArray[np.bool_]
Float = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Regime:
    """A sampling setting of one instrument and wiki from `valid_from` (ms since the epoch) on.

    Where it is not `declared`, clients follow it but no policy says so.
    """

    valid_from: int
    unit: str
    rate: float
    true_rate: float
    declared: bool = True


@dataclass(frozen=True)
class PolicyRow:
    """A row of sampling_policy.csv; times in ms since the epoch, `valid_to` null while in force."""

    instrument: str
    wiki_db: str
    unit: str
    rate: float
    true_rate: float
    valid_from: int
    valid_to: int | None
    declared: bool = True


def epoch_ms(day: date) -> int:
    """Milliseconds from the epoch to the start of a UTC day."""
    return (day - date(1970, 1, 1)).days * DAY_MS


def policy_rows(scenario: Scenario, start: date, days: int) -> list[PolicyRow]:
    """Date the scenario's steps; changes fall at 12:17 UTC, away from any hour or day boundary."""
    by_key: dict[tuple[str, str], list[PolicyStep]] = {}
    for step in scenario.policy:
        by_key.setdefault((step.instrument, step.wiki_db), []).append(step)
    rows = []
    for (instrument, wiki_db), steps in by_key.items():
        times = [_step_time(step, start, days) for step in steps]
        for step, (valid_from, valid_to) in zip(steps, pairwise([*times, None]), strict=True):
            true_rate = step.rate if step.true_rate is None else step.true_rate
            rows.append(
                PolicyRow(
                    instrument, wiki_db, step.unit, step.rate, true_rate, valid_from or 0, valid_to, step.declared
                )
            )
    return rows


def _step_time(step: PolicyStep, start: date, days: int) -> int:
    if step.from_share == 0.0:
        return epoch_ms(INSTRUMENT_START)
    return epoch_ms(start + timedelta(days=int(days * step.from_share))) + 12 * 60 * MINUTE_MS + 17 * MINUTE_MS


def regimes_of(rows: list[PolicyRow], instrument: str, wiki_db: str) -> list[Regime]:
    """Settings of a wiki in order of time: its own rows if it has any, else those of `*`."""
    named = [row for row in rows if row.instrument == instrument and row.wiki_db == wiki_db]
    chosen = named or [row for row in rows if row.instrument == instrument and row.wiki_db == "*"]
    return [Regime(row.valid_from, row.unit, row.rate, row.true_rate, row.declared) for row in chosen]


def fraction(ids: Ids) -> Float:
    """Fraction of an id: its first eight hex digits over 0xFFFFFFFF (the client's rule). Ids hold 16 digits."""
    return (ids >> np.uint64(32)).astype(np.float64) / 0xFFFFFFFF


@dataclass(frozen=True)
class Units:
    """What sampling looks at, one entry per event.

    Attributes:
        time: receive time, ms since the epoch.
        session_id, pageview_id: first 64 bits of the ids.
        pick_up: ms after a change at which this page's client has the new setting.
    """

    time: Int
    session_id: Ids
    pageview_id: Ids
    pick_up: Int

    def fractions(self, unit: str) -> Float:
        """Fractions of the ids of a unit."""
        return fraction(self.session_id if unit == "session" else self.pageview_id)


def sent_by_client(units: Units, regimes: list[Regime]) -> Bool:
    """Whether the client sends each event, by the true rate of the setting it holds at that moment."""
    held = np.searchsorted([regime.valid_from for regime in regimes], units.time - units.pick_up, side="right") - 1
    result = np.zeros(len(units.time), dtype=bool)
    for position, regime in enumerate(regimes):
        mine = held == position
        if regime.true_rate >= 1.0:
            result |= mine
        else:
            result |= mine & (units.fractions(regime.unit) < regime.true_rate)
    return result


KEPT, GRACE, NOT_IN_SAMPLE, NO_POLICY, RATE_ZERO = range(5)


def expected_fate(units: Units, regimes: list[Regime]) -> npt.NDArray[np.int8]:
    """Fate of valid, first-seen events under the declared settings: one of the five codes above."""
    held = np.searchsorted([regime.valid_from for regime in regimes], units.time, side="right") - 1
    result = np.full(len(units.time), NOT_IN_SAMPLE, dtype=np.int8)
    for position, regime in enumerate(regimes):
        mine = held == position
        if not regime.declared or regime.rate == 0.0:
            result[mine] = RATE_ZERO if regime.declared else NO_POLICY
            continue
        within = units.fractions(regime.unit) < regime.rate if regime.rate < 1.0 else np.ones(len(mine), dtype=bool)
        result[mine & within] = KEPT
        before = regimes[position - 1] if position else None
        if before is None or not before.declared or (before.rate >= 1.0 and regime.rate >= 1.0):
            continue
        grace = mine & (units.time < regime.valid_from + GRACE_MS)
        if before.unit != regime.unit:
            result[grace] = GRACE
        else:
            smaller = min(before.rate, regime.rate)
            result[grace] = np.where(units.fractions(regime.unit)[grace] < smaller, KEPT, GRACE)
    return result
