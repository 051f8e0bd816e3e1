"""Measure the main job as a user runs it: seconds, CPU and memory of weeks at once, then of one more day, step by step.

    .venv/bin/python benchmarks/pipeline.py --scale 7.1 --write docs/performance.md
    .venv/bin/python benchmarks/pipeline.py --scale 7.1 --engine spark --folder DIR

The world is scenario `unsampled` with all its dirt, 36 days of it; `--scale` sets its size (7.1 makes 2 million lines,
17.8 five). First 34 days at once, then a Sunday, then a Monday, on which cohorts and self-validation are added. Every
run is a process of its own; CPU and memory are those of the process and all below it. With `--folder` the world is kept
and found again, and `by_hand.py` can go on from there.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from by_hand import Watch

START, DAYS = date(2026, 3, 16), 36
STEPS = ("ingest", "estimates", "marts", "report")
DAY = timedelta(days=1)


@dataclass
class Measured:
    """One run: wall seconds in all and by step, CPU seconds, peak memory in GB, input lines."""

    name: str
    lines: int
    seconds: float
    cpu: float
    steps: dict[str, float]
    gigabytes: float


def main() -> None:
    """Simulate, run, print, and write the table if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="size of the world")
    parser.add_argument("--engine", default="embedded", choices=("embedded", "spark"))
    parser.add_argument("--folder", type=Path, help="where to work; default a temporary folder")
    parser.add_argument("--write", type=Path, help="append the table to this file")
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="pd-benchmark-"))
    world, warehouse = folder / "world", folder / f"warehouse-{options.engine}"
    if not world.exists():
        simulate = ["simulate", "--out", str(world), "--start", str(START), "--days", str(DAYS)]
        simulate += ["--scenario", "unsampled", "--scale", str(options.scale)]
        subprocess.run([sys.executable, "-m", "jobs", *simulate], check=True)
    shutil.rmtree(warehouse, ignore_errors=True)
    fates = json.loads((world / "truth.json").read_text())["fates"]
    lines = {date.fromisoformat(day): sum(counts.values()) for day, counts in fates.items()}
    sunday = START + (DAYS - 2) * DAY
    asked = (
        (f"{DAYS - 2} days", START, sunday),
        ("one more day, a Sunday", sunday, sunday + DAY),
        ("one more day, a Monday", sunday + DAY, sunday + 2 * DAY),
    )
    runs = []
    for name, first, end in asked:
        n_lines = sum(count for day, count in lines.items() if first <= day < end)
        runs.append(_run(name, world, warehouse, options.engine, (first, end), n_lines))
        print(runs[-1], flush=True)
    text = _table(runs, options.engine)
    print(text)
    if options.write:
        with options.write.open("a", encoding="utf-8") as handle:
            handle.write(text)
    if options.folder is None:
        shutil.rmtree(folder)


def _run(name: str, world: Path, warehouse: Path, engine: str, days: tuple[date, date], lines: int) -> Measured:
    """Run the main job and watch it."""
    command = [sys.executable, "-m", "jobs", "--log-format", "json", "--warehouse", str(warehouse)]
    command += ["--set", f"engine.name={engine}", "run", "--input", str(world)]
    command += ["--start", str(days[0]), "--end", str(days[1])]
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    watch = Watch(process)
    watch.start()
    steps: dict[str, float] = {}
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line.decode())
        if b'"step done"' in line:
            entry = json.loads(line)
            steps[entry["step"]] = entry["seconds"]
    if process.wait() != 0:
        raise SystemExit(f"the run of {name} failed:\n{''.join(said[-30:])}")
    seconds = time.monotonic() - began
    watch.join()
    return Measured(name, lines, seconds, watch.cpu, steps, watch.gigabytes)


def _table(runs: list[Measured], engine: str) -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    system = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    machine = f"{os.cpu_count()} cores, {memory:.0f} GB, {system}"
    lines = [
        "",
        f"Engine {engine}, measured on {time.strftime('%Y-%m-%d', time.gmtime())}: {machine}",
        "",
        "| run | input lines | seconds | CPU s | start-up | ingest | estimates | marts | report | peak GB |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for run in runs:
        parts = [run.steps.get(step, 0.0) for step in STEPS]
        shares = " | ".join(f"{part:.1f} ({part / run.seconds:.0%})" for part in (run.seconds - sum(parts), *parts))
        lines.append(
            f"| {run.name} | {run.lines:,} | {run.seconds:.1f} | {run.cpu:.1f} | {shares} | {run.gigabytes:.1f} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
