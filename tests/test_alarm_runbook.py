"""What an operator does for each alarm stands in docs/operations.md: that list and the alarms of the code agree."""

from __future__ import annotations

import re
from pathlib import Path

from expectations.checks import CRITICAL
from expectations.gate import SUITES, suite_of
from jobs.scheduling.causes import ALARMS
from jobs.steps.gates import ROW_RULES
from jobs.steps.late_hours import CAUSE, NOT_RUN

PAGE = Path(__file__).resolve().parents[1] / "docs" / "operations.md"
OF_OTHERS = {"lineage/unreachable", "alerts/unreachable"}  # told by what writes to others


def rows() -> list[tuple[list[str], str, str]]:
    """Of each row of the section's tables: the alarms, what stops, what to do."""
    text = PAGE.read_text(encoding="utf-8")
    section = text.split("## What to do for each alarm", 1)[1].split("\n## ", 1)[0]
    cells = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("| `")]
    return [
        (re.findall(r"`([a-z_]+/[a-z0-9_ ]+)`", names), stops.strip(), what.strip()) for names, stops, what in cells
    ]


def test_each_alarm_is_in_the_list_once_and_no_other() -> None:
    checks = {f"{gate}/{check.id}" for gate in SUITES for check in suite_of(gate)}
    of_late_hours = {cause.rpartition("/")[0] for cause in (CAUSE, NOT_RUN)}
    known = checks | {f"marts/{ROW_RULES}"} | of_late_hours | set(ALARMS)
    told = [name for names, _, _ in rows() for name in names]
    assert len(told) == len(set(told))
    assert set(told) == known | OF_OTHERS


def test_what_stops_a_run_is_marked_so() -> None:
    critical = {f"{gate}/{check.id}" for gate in SUITES for check in suite_of(gate) if check.severity == CRITICAL}
    for names, stops, what in rows():
        assert len(what) > 40, names
        of_gates = [name for name in names if name.split("/")[0] in SUITES and name != f"marts/{ROW_RULES}"]
        expected = {name in critical for name in of_gates}
        if expected == {True}:
            assert stops == "stops", names
        elif expected == {False}:
            assert stops == "", names
        elif expected:
            assert stops == "the first stops", names
            assert [name in critical for name in of_gates] == [True, False]
