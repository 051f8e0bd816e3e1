"""Faults in whole worlds: 36 days run, one fault put into the files of the next, and what the gates say of it.

    .venv/bin/python -m benchmarks.faults --folder /tmp/faults                    # all of the catalogue that has files
    .venv/bin/python -m benchmarks.faults --folder /tmp/faults --only "a rate"    # those whose name holds a text
    .venv/bin/python -m benchmarks.faults --folder /tmp/larger --scale 4 --only "half an hour"

The catalogue is `tests/quality/faults.py`. Each fault is a line of `benchmarks/results/faults.csv`; those that stand
there are not done again. The world, the warehouse of the days before and its copy stay in the folder, so a run that was
broken off goes on where it was. A fault takes a run of a day.
"""

from __future__ import annotations

import argparse
import csv
import shutil
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from datetime import date, timedelta
from pathlib import Path

from jobs.contracts import table
from jobs.simulation.writer import day_path
from tests.integration import worlds
from tests.quality.fault_files import Files
from tests.quality.faults import FAULTS, Fault

RESULTS = Path(__file__).parent / "results" / "faults.csv"
START, DAY, AFTER = date(2026, 3, 2), date(2026, 4, 7), date(2026, 4, 8)
SCENARIO, SEED, N_DAYS = "default", 11, 40
CLEAN = "nothing at all"
VERDICTS = "lake.data_quality_metrics"
Contents = dict[str, set[tuple[object, ...]]]


@dataclass(frozen=True)
class Case:
    """What became of a fault.

    Attributes:
        fault, gate, check, severity: as in the catalogue.
        exit_code: of the run.
        caught: on which day of the fault the check failed with its severity; empty if it did not.
        others: what else failed, `gate/check` by severity.
        n_differing: rows of published tables and marts that a run that failed changed; empty of one that was published.
        seconds: of the run, on a machine that may be busy.
        scale: of the world; 1 is about 11,000 lines a day.
    """

    fault: str
    gate: str
    check: str
    severity: str
    exit_code: int
    caught: str
    others: str
    n_differing: str
    seconds: float
    scale: float


class Site:
    """A warehouse with its days published, its copy, and the input of the next days."""

    def __init__(self, folder: Path, scale: float) -> None:
        self.scale = scale
        self.world, self.input = folder / "world", folder / "input"
        self.warehouse, self.base = folder / "warehouse", folder / "base"
        self._lake: Contents | None = None
        if not (self.world / "truth.json").exists():
            shape = ("--start", str(START), "--days", str(N_DAYS), "--scenario", SCENARIO)
            worlds.pdmetrics("simulate", "--out", str(self.world), *shape, "--scale", str(scale), "--seed", str(SEED))
        if not self.base.exists():
            shutil.rmtree(self.warehouse, ignore_errors=True)
            days = ("--start", str(START), "--end", str(DAY))
            worlds.pdmetrics("--warehouse", str(self.warehouse), "run", "--input", str(self.world), *days, timeout=7200)
            shutil.copytree(self.warehouse, self.base)

    def restore(self) -> None:
        """Put the warehouse back to the days before, always to the same folder, and the days of faults beside it."""
        shutil.rmtree(self.warehouse, ignore_errors=True)
        shutil.copytree(self.base, self.warehouse)
        shutil.rmtree(self.input, ignore_errors=True)
        for day in (DAY, AFTER):
            shutil.copytree(self.world / day_path(day), self.input / day_path(day))
        for file in self.world.glob("*.csv"):
            shutil.copy(file, self.input)

    def run(self, *arguments: str) -> int:
        """Run a command on the warehouse; return its exit code."""
        done = worlds.pdmetrics("--warehouse", str(self.warehouse), *arguments, check=False, timeout=3600)
        if done.returncode not in (0, 1):
            print(done.stderr[-2000:])
        return done.returncode

    def before(self) -> Contents:
        """What is published before the fault's run; the lake, which no fault changes, is read once."""
        if self._lake is None:
            self._lake = worlds.lake_contents(self.warehouse)
        return {**worlds.contents(self.warehouse), **self._lake}

    def after(self) -> Contents:
        """What is published after it."""
        return {**worlds.contents(self.warehouse), **worlds.lake_contents(self.warehouse)}

    def failed(self, day: date) -> list[dict[str, object]]:
        """The newest verdicts on a day that say that something failed, as the lake has them."""
        columns = list(table("data_quality_metrics").columns)[:-2]  # which run said it is left out there
        rows = [dict(zip(columns, row, strict=True)) for row in worlds.lake_contents(self.warehouse)[VERDICTS]]
        return [row for row in rows if row["event_date"] == str(day) and row["success"] == "false"]


def do(site: Site, fault: Fault | None) -> Case:
    """Put a fault into the day, run it, and look at what was said and published."""
    site.restore()
    if fault is not None and fault.into_files is not None:
        fault.into_files(Files(site.input, site.warehouse, DAY))
    before = site.before()
    # Of a day of which nothing came, the run of the next one tells.
    day = DAY if (site.input / day_path(DAY)).exists() else AFTER
    began = time.monotonic()
    code = site.run("run", "--input", str(site.input), "--date", str(day))
    seconds = time.monotonic() - began
    changed = _n_differing(before, site.after()) if code == 1 else None
    failed = site.failed(day)
    others = sorted({f"{row['gate']}/{row['check_id']} ({row['severity']})" for row in failed})
    shown = "" if changed is None else str(changed)
    if fault is None:
        return Case(CLEAN, "", "", "", code, "", ", ".join(others), shown, round(seconds, 1), site.scale)
    caught = str((day - DAY).days + 1) if any(_is_named(row, fault) for row in failed) else ""
    named = f"{fault.gate}/{fault.check} ({fault.severity})"
    others = [other for other in others if other != named]
    if not caught and code == 0 and fault.check == "regime_undeclared":
        caught = _by_audit(site, fault)
    told = (fault.name, fault.gate, fault.check, fault.severity, code, caught, ", ".join(others), shown)
    return Case(*told, round(seconds, 1), site.scale)


def _is_named(row: dict[str, object], fault: Fault) -> bool:
    return (row["gate"], row["check_id"], row["severity"]) == (fault.gate, fault.check, fault.severity)


def _by_audit(site: Site, fault: Fault) -> str:
    """Ask the gate of a day that the change reaches back to; a run looks at its own days only."""
    past = str(DAY - timedelta(days=5))
    done = worlds.pdmetrics(
        "--warehouse", str(site.warehouse), "audit", "--gate", fault.gate, "--date", past, check=False
    )
    return "by audit" if fault.check in done.stdout + done.stderr else ""


def _n_differing(before: Contents, after: Contents) -> int:
    """Rows too many or missing; verdicts are left out, for a run that fails leaves its own."""
    names = (before.keys() | after.keys()) - {VERDICTS, "fct_data_quality"}
    return sum(len(before.get(name, set()) ^ after.get(name, set())) for name in names)


def done_before(results: Path) -> list[tuple[str, float]]:
    """The faults that stand in the results, with the scale of their world."""
    if not results.exists():
        return []
    with results.open(encoding="utf-8") as handle:
        return [(row["fault"], float(row["scale"])) for row in csv.DictReader(handle)]


def add(results: Path, case: Case) -> None:
    """Append a line, and print it."""
    results.parent.mkdir(parents=True, exist_ok=True)
    is_new = not results.exists()
    with results.open("a", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, [field.name for field in fields(Case)], lineterminator="\n")
        if is_new:
            writer.writeheader()
        writer.writerow(asdict(case))
    print(case, flush=True)


def wanted(only: Iterable[str]) -> list[Fault | None]:
    """The faults to do, and the day without any (`None`)."""
    texts = list(only)
    known: list[Fault | None] = [None, *(fault for fault in FAULTS if fault.into_files is not None)]
    return [fault for fault in known if not texts or any(text in (fault.name if fault else CLEAN) for text in texts)]


def main() -> None:
    """Do the faults that were not done."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="where worlds and warehouses are, and stay")
    parser.add_argument("--scale", type=float, default=1.0, help="of the world; a folder has one")
    parser.add_argument("--only", nargs="*", default=(), help="texts; faults whose names hold one of them")
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    site = Site(options.folder, options.scale)
    for fault in wanted(options.only):
        name = CLEAN if fault is None else fault.name
        if (name, site.scale) not in done_before(options.results):
            add(options.results, do(site, fault))


if __name__ == "__main__":
    main()
