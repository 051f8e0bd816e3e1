"""Worlds with dumps that several modules look at."""

import json
from datetime import date

import pytest

from jobs.simulation import simulate


@pytest.fixture(scope="session")
def history_world(tmp_path_factory):
    """Return a function that gives the two weeks to the end of a month of a scenario: directory and truth."""
    worlds = {}

    def get(scenario):
        if scenario not in worlds:
            out = tmp_path_factory.mktemp("history") / scenario
            simulate(out, start=date(2026, 3, 18), days=14, scale=0.12, scenario=scenario)
            worlds[scenario] = out, json.loads((out / "truth.json").read_text(encoding="utf-8"))
        return worlds[scenario]

    return get
