"""Synthetic worlds with known truth, in the layout of the input contract."""

from __future__ import annotations

from jobs.simulation.scenarios import SCENARIOS, Scenario
from jobs.simulation.world import SimulationSummary, simulate

__all__ = ["SCENARIOS", "Scenario", "SimulationSummary", "simulate"]
