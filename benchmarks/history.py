"""One more day after years of history: does the day cost what it costs after five weeks?

    .venv/bin/python benchmarks/history.py --folder DIR --years 5

DIR is what `pipeline.py --folder DIR` left: a world and a warehouse of 36 days. The warehouse is copied, its daily
sums, rows and verdicts are repeated backwards in time, 36 days by 36 days, and the last day is run again in the
copy. Users' days are not repeated: they are to be kept for 125 days.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import time
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from by_hand import Watch

from jobs import contracts
from jobs.warehouse.home import open_home
from jobs.warehouse.relocate import relocate
from jobs.warehouse.tables import Tables

REPEATED = (
    "ingest_log", "baseline_daily", "engagement_daily", "retention_windows", "sampling_audit", "metric_values",
    "self_validation", "data_quality_metrics",
)  # fmt: skip
PERIOD = 36
LAST = date(2026, 4, 20)


def main() -> None:
    """Copy, lengthen, run the last day again in both, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--years", type=float, default=5)
    options = parser.parse_args()
    short, long = options.folder / "warehouse-embedded", options.folder / "warehouse-history"
    if not long.exists():
        shutil.copytree(short, long)
        relocate(long)
        _lengthen(long, int(options.years * 365 / PERIOD))
    for name, warehouse in (("36 days", short), (f"{options.years:g} years", long)):
        for attempt in (1, 2):  # the first builds the marts of all that history anew for whatever cache there is
            print(f"| {name}, run {attempt} | {_run(options.folder / 'world', warehouse)} |", flush=True)


def _lengthen(warehouse: Path, times: int) -> None:
    """Repeat what a warehouse holds backwards in time, a year in each commit."""
    tables = Tables(open_home({}, warehouse)[0])
    tables.ensure_tables()
    for name in REPEATED:
        rows = tables.table(name).scan().to_arrow()
        partition = contracts.table(name).partition
        rows = rows.filter(pc.greater(rows[partition], pa.scalar(LAST - timedelta(days=PERIOD), pa.date32())))
        for start in range(1, times + 1, 10):
            shifted = [_shift(rows, PERIOD * n) for n in range(start, min(start + 10, times + 1))]
            tables.table(name).append(pa.concat_tables(shifted))
        print(f"{name}: {rows.num_rows * (times + 1):,} rows", file=sys.stderr)


def _shift(rows: pa.Table, n_days: int) -> pa.Table:
    for place, field in enumerate(rows.schema):
        if pa.types.is_date(field.type):
            days = pc.subtract(rows[field.name].cast(pa.int32()), n_days).cast(pa.int32()).cast(field.type)
            rows = rows.set_column(place, field, days)
    return rows


def _run(world: Path, warehouse: Path) -> str:
    command = [sys.executable, "-m", "jobs", "--warehouse", str(warehouse), "run", "--input", str(world)]
    began = time.monotonic()
    process = subprocess.Popen(
        [*command, "--date", str(LAST)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=False
    )
    watch = Watch(process)
    watch.start()
    assert process.stderr is not None
    said = process.stderr.read().decode()
    if process.wait() != 0:
        raise SystemExit(said)
    watch.join()
    steps = [line.split("seconds=")[1].split()[0] for line in said.splitlines() if "step done" in line]
    return f"{time.monotonic() - began:.1f} s | {watch.cpu:.1f} CPU s | {watch.gigabytes:.1f} GB | {', '.join(steps)}"


if __name__ == "__main__":
    main()
