"""The tables of docs/quality.md, from the suites, the catalogue of faults and what was measured.

.venv/bin/python -m tests.quality.quality_docs     # writes them into the page
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from expectations.gate import SUITES, suite_of
from tests.quality.faults import FAULTS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "quality.md"
RESULTS = ROOT / "benchmarks" / "results"
NO_FILES = "-"


def tables() -> dict[str, str]:
    """Each table by its name in the page."""
    found = {f"checks {gate}": checks(gate) for gate in SUITES}
    return {**found, "faults": faults(), "false alarms": false_alarms()}


def checks(gate: str) -> str:
    """The checks of a gate."""
    rows = [(f"`{check.id}`", check.severity, check.about.owner, check.about.why) for check in suite_of(gate)]
    return _table(("check", "severity", "owner", "without it"), rows)


def faults() -> str:
    """The catalogue, with what was measured on profiles and in a whole world."""
    measured = {row["fault"]: row for row in _results("faults_delays.csv")}
    worlds: dict[str, list[str]] = {}
    for row in _results("faults.csv"):
        worlds.setdefault(row["fault"], []).append(_in_world(row))
    rows = []
    for fault in FAULTS:
        own = measured.get(fault.name)
        seen = "day 1 of 1 (CI)" if own is None else _delay(own)
        nothing = NO_FILES if fault.into_files is None else "not run yet"
        in_world = "; ".join(worlds.get(fault.name, [nothing]))
        rows.append(
            (f"**{fault.name}**: {fault.what}", f"{fault.gate} / `{fault.check}`", fault.severity, seen, in_world)
        )
    return _table(("fault", "caught by", "severity", "profiles", "whole world"), rows)


def false_alarms() -> str:
    """Clean days, and what was said of them."""
    rows = [
        (row["size"], row["dispersion"], row["wiki_days"], row["critical"], row["warnings"], row["which"] or "-")
        for row in _results("faults_false_alarms.csv")
    ]
    return _table(("wikis", "dispersion", "wiki-days", "critical", "warnings", "which"), rows)


def _delay(row: dict[str, str]) -> str:
    days = (
        "not caught"
        if not row["median_day"]
        else f"day {float(row['median_day']):g}, at the latest {row['latest_day']}"
    )
    return f"{days}; {row['caught']} of {row['seeds']}"


def _in_world(row: dict[str, str]) -> str:
    caught, scale = row["caught"], float(row["scale"])
    day = "not caught" if not caught else f"day {caught}" if caught.isdigit() else caught
    return f"{day}, exit {row['exit_code']}" + (f" (at {scale:g} times the lines)" if scale != 1 else "")


def _results(name: str) -> list[dict[str, str]]:
    path = RESULTS / name
    if not path.exists():
        return []
    with path.open(encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def filled(page: str) -> str:
    """The page with every table as it should be; what stands between `<!-- NAME -->` and `<!-- end -->` goes."""
    for name, text in tables().items():
        place = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        if not place.search(page):
            raise ValueError(f"the page has no place for the table '{name}'")
        page = place.sub(lambda found, text=text: f"{found[1]}{text}\n{found[2]}", page)
    return page


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
