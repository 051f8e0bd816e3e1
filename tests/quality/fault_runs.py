"""Judging many worlds at once by the real gates: each has its number before the subject, for a gate costs seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from expectations.gate import run_gate
from expectations.thresholds import load_thresholds
from tests.quality.fault_tables import FAULT
from tests.quality.fault_world import FaultWorld
from tests.quality.faults import Fault

DAYS_BEFORE = 2  # that are judged before a fault
CLEAN_FROM, CLEAN_DAYS = 40, 60
HOLIDAYS = (52, 53, 54, 80)  # 60 % of a usual day
SIZES: dict[str, dict[str, float]] = {
    "small": {"enwiki": 60.0, "idwiki": 25.0, "trwiki": 8.0, "thwiki": 3.0},
    "usual": {"enwiki": 10_000.0, "idwiki": 400.0, "trwiki": 80.0, "thwiki": 25.0},
    "large": {"enwiki": 40_000.0, "idwiki": 6000.0, "trwiki": 2000.0, "thwiki": 900.0},
}
Profiles = Mapping[str, pd.DataFrame]


class Hit(NamedTuple):
    """Something that failed; `day` counts from the first judged one, 0."""

    day: int
    check: str
    severity: str
    subject: str


def world_with(fault: Fault, seed: int = 7, sizes: dict[str, float] = SIZES["usual"]) -> FaultWorld:
    world = FaultWorld(sizes, FAULT + fault.within, seed=seed, dispersion=1.5, rates={"enwiki": 0.25})
    fault.into_tables(world)
    return world


def judged(gate: str, cases: Sequence[Profiles]) -> list[list[Hit]]:
    """What fails of each case, by one call of the gate."""
    names = {name for frames in cases for name in frames}
    frames = {
        name: pd.concat(
            [
                case[name].assign(subject=f"{number}|" + case[name]["subject"].astype("str"))
                for number, case in enumerate(cases) if len(case[name])
            ] or [cases[0][name]]
        )
        for name in names
    }  # fmt: skip
    first = [min(day for frame in case.values() for day in frame["event_date"]) for case in cases]
    hits: list[list[Hit]] = [[] for _ in cases]
    for failure in run_gate(gate, frames, load_thresholds()).failures:
        number, _, subject = failure.subject.partition("|")
        day = (failure.day - first[int(number)]).days
        hits[int(number)].append(Hit(day, failure.check_id, failure.severity, subject))
    return hits


def runs_of(world: FaultWorld) -> dict[str, Profiles]:
    """Profiles by gate of two runs, put together: the last day by itself, and the days from before the fault to it."""
    tables = world.tables()
    runs = [world.profiles(days, tables) for days in (range(FAULT - DAYS_BEFORE, world.n_days - 1), [world.n_days - 1])]
    return {gate: {name: pd.concat([run[gate][name] for run in runs]) for name in runs[0][gate]} for gate in runs[0]}


def clean_world(size: str, seed: int, dispersion: float = 1.5) -> FaultWorld:
    """A world with growth and holidays, and nothing wrong."""
    n_days, rates = CLEAN_FROM + CLEAN_DAYS, {"enwiki": 0.25}
    return FaultWorld(SIZES[size], n_days, seed=seed, dispersion=dispersion, holidays=HOLIDAYS, rates=rates)
