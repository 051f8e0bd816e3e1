"""Silence of a wiki with a past is judged by it; one that never spoke is asked for its first event."""

from __future__ import annotations

import pytest

from tests.quality.fault_world import FaultWorld

SILENT = 30  # from this day on


def due(world: FaultWorld, n: int) -> object:
    wikis = world.profiles([n])["raw"]["wikis"].set_index("subject")["n_events_due"]
    return None if wikis.isna()["thwiki"] else int(wikis["thwiki"])


@pytest.mark.parametrize(
    ("n", "spoke_from", "expected"),
    [
        pytest.param(SILENT, 0, None, id="known"),
        pytest.param(SILENT, SILENT - 7, None, id="for a week"),
        pytest.param(SILENT, SILENT - 6, 0, id="for less than a week"),
        pytest.param(SILENT, SILENT, 0, id="never"),
        pytest.param(SILENT + 29, 0, 0, id="so long ago that nobody remembers"),
    ],
)
def test_events_are_due_of_wikis_without_a_past(n: int, spoke_from: int, expected: int | None) -> None:
    world = FaultWorld(n_days=n + 1, seed=3)
    for day in [*range(spoke_from), *range(SILENT, n + 1)]:
        world.lose(day, 1.0, wiki="thwiki")
    assert due(world, n) == expected
