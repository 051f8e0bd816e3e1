"""Measure the main job as a user runs it: seconds and memory of 35 days, then of one more day, with each step's share.

    .venv/bin/python benchmarks/pipeline.py --scale 6.5 --write docs/performance.md

The world is scenario `unsampled` with all its dirt; `--scale` sets its size. Every run is a process of its own; memory
is the largest sum of resident sizes of the process and its children, looked at five times a second.
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
import threading
import time
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

START, DAYS = date(2026, 3, 16), 36
STEPS = ("ingest", "estimates", "marts")


@dataclass
class Measured:
    """One run: wall seconds in all and by step, peak memory in GB, input lines."""

    name: str
    lines: int
    seconds: float
    steps: dict[str, float]
    gigabytes: float


def main() -> None:
    """Simulate, run, print, and write the table if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="size of the world")
    parser.add_argument("--folder", type=Path, help="where to work; default a temporary folder")
    parser.add_argument("--write", type=Path, help="append the table to this file")
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="pd-benchmark-"))
    world, warehouse = folder / "world", folder / "warehouse"
    simulate = ["simulate", "--out", str(world), "--start", str(START), "--days", str(DAYS), "--scenario", "unsampled"]
    subprocess.run([sys.executable, "-m", "jobs", *simulate, "--scale", str(options.scale)], check=True)
    shutil.rmtree(warehouse, ignore_errors=True)
    fates = json.loads((world / "truth.json").read_text())["fates"]
    by_day = {day: sum(counts.values()) for day, counts in fates.items()}
    last = START + timedelta(days=DAYS - 1)
    many = _run("35 days", world, warehouse, START, last, sum(by_day.values()) - by_day.get(str(last), 0))
    one = _run("one more day", world, warehouse, last, last + timedelta(days=1), by_day.get(str(last), 0))
    text = _table([many, one])
    print(text)
    if options.write:
        with options.write.open("a", encoding="utf-8") as handle:
            handle.write(text)
    if options.folder is None:
        shutil.rmtree(folder)


def _run(name: str, world: Path, warehouse: Path, start: date, end: date, lines: int) -> Measured:
    """Run the main job and watch it."""
    command = [sys.executable, "-m", "jobs", "--log-format", "json", "--warehouse", str(warehouse), "run",
               "--input", str(world), "--start", str(start), "--end", str(end)]  # fmt: skip
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    peak = [0.0]
    watcher = threading.Thread(target=_watch, args=(process, peak), daemon=True)
    watcher.start()
    steps: dict[str, float] = {}
    assert process.stderr is not None
    for line in process.stderr:
        if '"step done"' in line:
            entry = json.loads(line)
            steps[entry["step"]] = entry["seconds"]
    if process.wait() != 0:
        raise SystemExit(f"the run of {name} failed")
    return Measured(name, lines, time.monotonic() - began, steps, peak[0])


def _watch(process: subprocess.Popen[str], peak: list[float]) -> None:
    while process.poll() is None:
        peak[0] = max(peak[0], _resident(process.pid))
        time.sleep(0.2)


def _resident(root: int) -> float:
    """Sum the resident memory of a process and all below it, in GB."""
    parents, sizes = {}, {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
                pages = int((entry / "statm").read_text().split()[1])
            except (OSError, IndexError):
                continue
            parents[int(entry.name)] = int(fields[1])
            sizes[int(entry.name)] = pages * os.sysconf("SC_PAGE_SIZE") / 1e9
    total = 0.0
    for pid, size in sizes.items():
        up: int | None = pid
        while up is not None and up != root:
            up = parents.get(up)
        total += size if up == root else 0
    return total


def _table(runs: list[Measured]) -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    system = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    machine = f"{os.cpu_count()} cores, {memory:.0f} GB, {system}"
    lines = [
        "",
        f"Measured on {time.strftime('%Y-%m-%d', time.gmtime())}: {machine}",
        "",
        "| run | input lines | seconds | start-up | ingest | estimates | marts | lines/s of ingest | peak GB |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for run in runs:
        parts = [run.steps.get(step, 0.0) for step in STEPS]
        rate = run.lines / parts[0] if parts[0] else 0.0
        shares = " | ".join(f"{part:.1f} ({part / run.seconds:.0%})" for part in (run.seconds - sum(parts), *parts))
        lines.append(
            f"| {run.name} | {run.lines:,} | {run.seconds:.1f} | {shares} | {rate:,.0f} | {run.gigabytes:.1f} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
