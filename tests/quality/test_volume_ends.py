"""What is far out stops a run on a typical world of small wikis, by the gate, and is warned of too."""

from __future__ import annotations

import pytest

from expectations.checks import CRITICAL, WARNING
from tests.quality.fault_runs import DAYS_BEFORE, judged, runs_of, world_with
from tests.quality.faults import FAULTS
from tests.quality.history_world import TYPICAL, World

FAR = "volume_high_far"


def test_what_stops_a_run_is_warned_of_too() -> None:
    # Of fifteen days that differ by much: without the rule the warning's end, wider by what is unknown, is the farther.
    world = World({"enwiki": 100.0, "idwiki": 400.0}, n_days=16, dispersion=4.0)
    profile = world.frames([15])["volume"]
    assert profile["fail_high"].notna().all()
    assert (profile["warn_high"] <= profile["fail_high"]).all()


@pytest.mark.parametrize(
    ("name", "wikis"),
    [("a day twice under other ids", {"enwiki", "idwiki"}), ("a storm of robots", {"idwiki"})],
)
def test_a_typical_world_is_stopped_for_volume(name: str, wikis: set[str]) -> None:
    (fault,) = (fault for fault in FAULTS if fault.name == name)
    # Of enwiki's 900 loads a day 225 are kept; on trwiki and thwiki twice the usual may be one busy user.
    (hits,) = judged("raw", [runs_of(world_with(fault, sizes=TYPICAL))["raw"]])
    assert {(hit.day, hit.subject, hit.severity) for hit in hits if hit.check == FAR} == {
        (DAYS_BEFORE, wiki, CRITICAL) for wiki in wikis
    }
    assert wikis <= {hit.subject for hit in hits if hit.check == "volume_high" and hit.severity == WARNING}
