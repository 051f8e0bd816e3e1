"""Synthetic worlds with known truth, in the layout of the input contract."""

from __future__ import annotations

from jobs.simulation.place import Parameters, present
from jobs.simulation.scenarios import SCENARIOS, Scenario
from jobs.simulation.world import LONGEST, SEED, SimulationSummary, extend, simulate

__all__ = [
    "LONGEST", "SCENARIOS", "SEED", "Parameters", "Scenario", "SimulationSummary", "extend", "present", "simulate",
]  # fmt: skip
