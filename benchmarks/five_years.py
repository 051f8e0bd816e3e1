"""One more day after five years: does it cost what it costs after six weeks, and how large is the warehouse?

    .venv/bin/python benchmarks/five_years.py --source demo --folder DIR

SOURCE is what `make demo` left: a world and a warehouse of six weeks. It is copied twice. In one copy what is kept for
good is repeated backwards in time, six weeks by six weeks, events and users' days as far as `purge` would keep them.
Then the last day is run again in both, by turns, once without counting, which builds the marts of all that history
anew, and then so many times. CPU seconds are those of the process and all below it, since the machine may be shared.
A copy that is there is used as it is.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from by_hand import Watch

from jobs import contracts
from jobs.warehouse.home import open_home
from jobs.warehouse.relocate import relocate
from jobs.warehouse.runs import MARTS_FILE
from jobs.warehouse.tables import MAIN, Tables

PERIOD = 42  # days of the demo, so that weekdays stay
KEPT = {"events": 2, "duplicates": 2, "quarantine": 2, "user_days": 3, "user_link_days": 3, "unit_link_days": 3}
NAMES = ("six weeks", "five years")


@dataclass
class Measured:
    """Runs of one warehouse: CPU seconds, memory in GB, and seconds by step, a value for each run."""

    cpu: list[float] = field(default_factory=list)
    gigabytes: list[float] = field(default_factory=list)
    steps: dict[str, list[float]] = field(default_factory=dict)


def main() -> None:
    """Copy, lengthen, run by turns, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--years", type=float, default=5)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--steps", default="ingest,estimates,marts,report")
    options = parser.parse_args()
    warehouses = {name: options.folder / name.replace(" ", "-") for name in NAMES}
    for name, warehouse in warehouses.items():
        if not warehouse.exists():
            shutil.copytree(options.source / "warehouse", warehouse)
            relocate(warehouse)
            if name == NAMES[1]:
                _lengthen(warehouse, round(options.years * 365 / PERIOD))
        print(f"{name}: {_sizes(warehouse)}", file=sys.stderr)
    measured = {name: Measured() for name in NAMES}
    for attempt in range(options.times + 1):
        if attempt == 1:
            measured = {name: Measured() for name in NAMES}
        for name, warehouse in warehouses.items():
            _run(options.source / "world", warehouse, options.steps, measured[name])
            print(name, measured[name], file=sys.stderr, flush=True)
    print("| after | CPU s | by step, s | GB of memory | warehouse |\n|---|---|---|---|---|")
    for name, found in measured.items():
        steps = ", ".join(f"{step} {statistics.median(seconds):.1f}" for step, seconds in found.steps.items())
        cpu, memory = statistics.median(found.cpu), statistics.median(found.gigabytes)
        print(f"| {name} | {cpu:.1f} | {steps} | {memory:.1f} | {_sizes(warehouses[name])} |")


def _tables(warehouse: Path) -> Tables:
    tables = Tables(open_home({}, warehouse)[0])
    tables.ensure_tables()
    return tables


def _lengthen(warehouse: Path, times: int) -> None:
    """Repeat what a warehouse holds backwards in time, six weeks in each commit."""
    tables = _tables(warehouse)
    for name, contract in contracts.TABLES.items():
        rows, n_periods = tables.table(name).scan().to_arrow(), KEPT.get(name, times)
        if rows.num_rows == 0:
            continue
        first = pc.add(pc.max(rows[contract.partition]).cast(pa.int32()), 1 - PERIOD)
        rows = rows.filter(pc.greater_equal(rows[contract.partition].cast(pa.int32()), first))
        for n in range(n_periods - 1, 0, -1):
            tables.table(name).append(_shift(rows, PERIOD * n))
        print(f"{name}: {rows.num_rows * n_periods:,} rows", file=sys.stderr, flush=True)
    (warehouse / MARTS_FILE).unlink()  # to the marts gate all those rows would be rows that no run touched


def _shift(rows: pa.Table, n_days: int) -> pa.Table:
    for place, column in enumerate(rows.schema):
        if pa.types.is_date(column.type):
            days = pc.subtract(rows[column.name].cast(pa.int32()), n_days).cast(pa.int32()).cast(column.type)
            rows = rows.set_column(place, column, days)
        elif pa.types.is_timestamp(column.type):
            moments = pc.subtract(rows[column.name], pa.scalar(timedelta(days=n_days), pa.duration("us")))
            rows = rows.set_column(place, column, moments.cast(column.type))
    return rows


def _sizes(warehouse: Path) -> str:
    """Return how large a warehouse is, and how many files its tables have."""
    marts, lake = warehouse / MARTS_FILE, warehouse / "lake"
    megabytes = marts.stat().st_size / 1e6 if marts.exists() else 0
    files = [path for path in lake.rglob("*") if path.is_file()]
    n_bytes = sum(path.stat().st_size for path in files)
    manifests = {name: len(_manifests(warehouse, name)) for name in ("metric_values", "events")}
    return f"lake {n_bytes / 1e6:,.0f} MB in {len(files):,} files, marts {megabytes:,.0f} MB, {manifests}"


def _manifests(warehouse: Path, name: str) -> list[object]:
    table = _tables(warehouse).table(name)
    head = table.snapshot_by_name(MAIN)
    return list(head.manifests(table.io)) if head else []


def _run(world: Path, warehouse: Path, steps: str, measured: Measured) -> None:
    last = json.loads((world / "truth.json").read_text())["fates"]
    day = max(map(date.fromisoformat, last))
    command = [sys.executable, "-m", "jobs", "--log-format", "json", "--warehouse", str(warehouse), "run"]
    process = subprocess.Popen(
        [*command, "--input", str(world), "--date", str(day), "--steps", steps],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    watch = Watch(process)
    watch.start()
    assert process.stderr is not None
    said = process.stderr.read().decode()
    if process.wait() != 0:
        raise SystemExit(said)
    watch.join()
    measured.cpu.append(round(watch.cpu, 1))
    measured.gigabytes.append(round(watch.gigabytes, 1))
    for line in said.splitlines():
        if '"step done"' in line:
            entry = json.loads(line)
            measured.steps.setdefault(entry["step"], []).append(entry["seconds"])
    time.sleep(1)


if __name__ == "__main__":
    main()
