"""Every fault of the catalogue against the real gates, on profiles: caught by its check, on its day, and not before.

All faults of a gate are judged at once, each with its number before the subject: a gate costs seconds whatever it looks
at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pandas as pd
import pytest

from expectations.checks import CRITICAL
from expectations.gate import run_gate
from expectations.thresholds import load_thresholds
from tests.quality.changes_cases import D as TODAY
from tests.quality.fault_marts import FaultMarts
from tests.quality.fault_tables import FAULT
from tests.quality.fault_world import FaultWorld
from tests.quality.faults import FAULTS, Fault

DAYS_BEFORE = 2  # that are judged before a fault
CLEAN_FROM, CLEAN_DAYS = 40, 60
HOLIDAYS = (52, 53, 54, 80)
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


def world_with(fault: Fault, seed: int = 7) -> FaultWorld:
    world = FaultWorld(SIZES["usual"], FAULT + fault.within, seed=seed, dispersion=1.5, rates={"enwiki": 0.25})
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


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, list[Hit]]]:
    """By fault and gate, all that fails."""
    worlds = [fault for fault in FAULTS if fault.gate != "marts"]
    profiles = [runs_of(world_with(fault)) for fault in worlds]
    hits: dict[str, dict[str, list[Hit]]] = {fault.name: {} for fault in FAULTS}
    for gate in ("raw", "facts"):
        for fault, own in zip(worlds, judged(gate, [frames[gate] for frames in profiles]), strict=True):
            hits[fault.name][gate] = own
    marts = [fault for fault in FAULTS if fault.gate == "marts"]
    for fault, own in zip(marts, judged("marts", [marts_with(f, tmp_path_factory) for f in marts]), strict=True):
        hits[fault.name]["marts"] = own
    return hits


def runs_of(world: FaultWorld) -> dict[str, Profiles]:
    """Profiles by gate of two runs, put together: the last day by itself, and the days from before the fault to it."""
    tables = world.tables()
    runs = [world.profiles(days, tables) for days in (range(FAULT - DAYS_BEFORE, world.n_days - 1), [world.n_days - 1])]
    return {gate: {name: pd.concat([run[gate][name] for run in runs]) for name in runs[0][gate]} for gate in runs[0]}


def marts_with(fault: Fault, tmp_path_factory: pytest.TempPathFactory) -> Profiles:
    marts = FaultMarts()
    fault.into_tables(marts)
    return marts.profiles(tmp_path_factory.mktemp("marts"))


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.name for fault in FAULTS])
def test_a_fault_is_caught_by_its_check_on_its_day_and_not_before(
    found: dict[str, dict[str, list[Hit]]], fault: Fault
) -> None:
    before = 0 if fault.gate == "marts" else DAYS_BEFORE
    hits = found[fault.name]
    early = [hit for own in hits.values() for hit in own if hit.day < before]
    assert early == []
    named = [hit for hit in hits[fault.gate] if hit.check == fault.check and fault.subject in hit.subject]
    assert {hit.severity for hit in named} == {fault.severity}
    assert min(hit.day for hit in named) - before < fault.within


def test_no_fault_that_is_called_a_warning_stops_a_run(found: dict[str, dict[str, list[Hit]]]) -> None:
    stopped = {
        fault.name: critical
        for fault in FAULTS
        if fault.severity != CRITICAL
        if (critical := {hit.check for own in found[fault.name].values() for hit in own if hit.severity == CRITICAL})
    }
    # Of a day that ends at noon three quarters are gone: nobody should see it.
    assert stopped == {"a stream stops at noon": {"volume_low_far"}}


@pytest.mark.parametrize("size", SIZES)
def test_sixty_clean_days_with_holidays_and_growth_say_nothing(size: str) -> None:
    world = FaultWorld(
        SIZES[size], n_days=CLEAN_FROM + CLEAN_DAYS, seed=11, dispersion=1.5, holidays=HOLIDAYS, rates={"enwiki": 0.25}
    )
    profiles = world.profiles(range(CLEAN_FROM, CLEAN_FROM + CLEAN_DAYS))
    for gate, frames in profiles.items():
        assert judged(gate, [frames]) == [[]], gate


def test_clean_marts_say_nothing(tmp_path_factory: pytest.TempPathFactory) -> None:
    profiles = FaultMarts().profiles(tmp_path_factory.mktemp("marts"))
    assert {day for frame in profiles.values() for day in frame["event_date"]} == {TODAY}
    assert judged("marts", [profiles]) == [[]]


def test_the_catalogue_names_each_fault_once_and_covers_every_gate_and_severity() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) >= 22
    assert {(fault.gate, fault.severity) for fault in FAULTS if fault.into_files is not None} >= {
        ("raw", "critical"), ("raw", "warning"), ("facts", "critical"), ("facts", "warning"), ("marts", "critical"),
    }  # fmt: skip
