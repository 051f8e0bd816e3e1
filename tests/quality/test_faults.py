"""Every fault of the catalogue against the real gates, on profiles: caught by its check, on its day, and not before."""

from __future__ import annotations

import pytest

from expectations.checks import CRITICAL
from tests.quality.changes_cases import D as TODAY
from tests.quality.fault_marts import FaultMarts
from tests.quality.fault_runs import (
    CLEAN_DAYS,
    CLEAN_FROM,
    DAYS_BEFORE,
    SIZES,
    Hit,
    Profiles,
    clean_world,
    judged,
    runs_of,
    world_with,
)
from tests.quality.faults import FAULTS, Fault


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
    profiles = clean_world(size, seed=11).profiles(range(CLEAN_FROM, CLEAN_FROM + CLEAN_DAYS))
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
