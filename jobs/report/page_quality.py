"""The page of quality: how each gate stands, what it found, and what its checks are for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd
from markupsafe import Markup

from expectations.about import ABOUT
from expectations.checks import CRITICAL, NOBODY
from jobs.report.chart import ChartTable
from jobs.report.charts_sentences import day
from jobs.report.tables import records, verdict

if TYPE_CHECKING:
    from jobs.report.leaving import Leaving

GATES = ("raw", "facts", "marts", "audience")
MOST_FINDINGS = 100
PASSED, WARNED, FAILED = verdict("passed", "good"), verdict("warned", "warn"), verdict("failed", "bad")


@dataclass(frozen=True)
class GateState:
    """How a gate stands.

    Attributes:
        name: `raw`, `facts`, `marts` or `audience`.
        newest: the newest day it judged.
        chip: what it said of that day.
        n_days, n_warned, n_failed: days it judged, and those with a warning or a failure.
    """

    name: str
    newest: str
    chip: Markup
    n_days: int
    n_warned: int
    n_failed: int


def quality_page(leaving: Leaving) -> dict[str, Any]:
    """Return what `quality.html.j2` shows.

    Args:
        leaving: the verdicts that may leave.
    """
    gates = _latest(leaving.gates)
    found = gates[~gates["success"]].sort_values(["event_date", "gate", "check_id"], ascending=[False, True, True])
    return {
        "states": _states_table(gate_states(gates)),
        "findings": _findings(found.head(MOST_FINDINGS)),
        "n_findings": len(found),
        "most_findings": MOST_FINDINGS,
        "checks": _checks(gates),
    }


def gate_states(gates: pd.DataFrame) -> list[GateState]:
    """Return how each gate stands that judged anything, in the order of a run.

    Args:
        gates: verdicts, columns of `fct_data_quality`.
    """
    latest = _latest(gates)
    return [_state(name, own) for name in GATES if len(own := latest[latest["gate"] == name])]


def _latest(gates: pd.DataFrame) -> pd.DataFrame:
    return gates[gates["is_latest"]]


def _state(name: str, own: pd.DataFrame) -> GateState:
    bad = own[~own["success"]]
    failed = set(bad.loc[bad["severity"] == CRITICAL, "event_date"])
    warned = set(bad["event_date"]) - failed
    newest = own["event_date"].max()
    chip = FAILED if newest in failed else WARNED if newest in warned else PASSED
    return GateState(name, day(newest), chip, own["event_date"].nunique(), len(warned), len(failed))


def _states_table(states: list[GateState]) -> ChartTable:
    return ChartTable(
        ("Gate", "Newest day", "It says", "Days judged", "Days warned", "Days failed"),
        tuple((s.name, s.newest, s.chip, str(s.n_days), str(s.n_warned), str(s.n_failed)) for s in states),
        numbers=("Days judged", "Days warned", "Days failed"),
        cards=True,
    )


def _findings(found: pd.DataFrame) -> ChartTable:
    """Return what was found: no count leaves the house, but the command that shows it there does."""
    return ChartTable(
        ("Day", "Gate", "Check", "It says", "Concerns", "Why it matters", "To look closer, inside the house"),
        tuple(_finding(row) for row in records(found)),
        cards=True,
    )


def _finding(row: dict[str, Any]) -> tuple[str, ...]:
    about, when = ABOUT.get(row["check_id"], NOBODY), day(row["event_date"])
    chip = FAILED if row["severity"] == CRITICAL else WARNED
    look = about.look.format(day=when, subject=row["subject"], staged="")
    return when, row["gate"], row["check_id"], chip, row["subject"], _why(row), Markup("<code>{}</code>").format(look)


def _why(row: dict[str, Any]) -> str:
    return ABOUT.get(row["check_id"], NOBODY).why or "not described"


def _checks(gates: pd.DataFrame) -> ChartTable:
    """Return every check that was asked, by gate, with how often it found something and what it is for."""
    asked = gates.assign(is_bad=~gates["success"]).groupby(["gate", "check_id", "severity"], sort=True)
    counted = asked.agg(n_days=("event_date", "nunique"), n_found=("is_bad", "sum")).reset_index()
    counted = counted.sort_values(["gate", "check_id"], key=_order)
    rows = tuple(_check(row) for row in records(counted))
    return ChartTable(
        ("Check", "If it finds something", "Days", "Found", "Why it matters"), rows, numbers=("Days", "Found"),
        groups=tuple(f"Gate {gate}" for gate in counted["gate"]), cards=True,
    )  # fmt: skip


def _check(row: dict[str, Any]) -> tuple[str, ...]:
    stops = "stops the run" if row["severity"] == CRITICAL else "warns"
    return row["check_id"], stops, str(row["n_days"]), str(row["n_found"]), _why(row)


def _order(values: pd.Series[Any]) -> pd.Series[Any]:
    return values.map(GATES.index) if values.name == "gate" else values
