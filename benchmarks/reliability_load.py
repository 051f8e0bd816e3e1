"""Two writers and ten readers at once: who reads sees one of two published states, whole, whatever the writers do.

One writer runs the last day from one world, the other from another world, again and again, waiting for nobody; so a
published state is one of two, and both are known beforehand. A reader hashes every row of the two largest marts.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import duckdb

from benchmarks.reliability_site import ROOT, Case, Results, Site
from tests.integration import worlds

READERS = 10  # the first half asks `pdmetrics query`, the others DuckDB
STATE = (
    "select (select cast(sum(hash(t)) as varchar) from {0}fct_metric_values t) || ' ' || "
    "(select cast(sum(hash(t)) as varchar) from {0}fct_ingest_log t) as state"
)
PAUSE = 1.0  # seconds between two looks
LOCKED = 75


def load(site: Site, results: Results, minutes: float) -> None:
    """Write and read for so long, then compare what is there with an undisturbed run."""
    if results.has("load", site.engine, f"{minutes:g} minutes"):
        return
    other = site.folder / "other"
    shape = ["--days", "4", "--start", "2026-03-15", "--scenario", "default", "--scale", "0.05", "--seed", "8"]
    site.finish(site.start(["simulate", "--out", str(other), *shape]))
    inputs = (site.world, other)
    known = {_publish(site, world) for world in inputs}
    if len(known) != len(inputs):
        raise RuntimeError("the two worlds give the same rows: nothing could be told")
    until = time.monotonic() + minutes * 60
    told: list[str] = []  # appending is safe among threads
    work = [threading.Thread(target=_write, args=(site, world, until, told)) for world in inputs]
    work += [threading.Thread(target=_read, args=(site, number, until, known, told)) for number in range(READERS)]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    rerun = site.do(site.run())
    said = "; ".join(f"{what}: {count}" for what, count in sorted(Counter(told).items()))
    results.add(Case("load", site.engine, f"{minutes:g} minutes", "", None, "", rerun.code, site.differing(), said))


def _publish(site: Site, world: Path) -> str:
    done = _command(site, *_day(world))
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return _look(site)


def _day(world: Path) -> list[str]:
    return ["run", "--input", str(world), "--date", "2026-03-16"]


def _command(site: Site, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "jobs", "--warehouse", str(site.warehouse), *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=worlds.ENVIRONMENT,
    )


def _write(site: Site, world: Path, until: float, told: list[str]) -> None:
    """Publish a day again and again; the only error there may be is that the other holds the lock."""
    while time.monotonic() < until:
        done = _command(site, *_day(world))
        if done.returncode in (0, LOCKED):
            told.append("runs published" if done.returncode == 0 else "runs refused, exit 75")
        else:
            told.append(f"RUNS FAILED, exit {done.returncode}: {done.stderr.splitlines()[-3:]}")
        if done.returncode == LOCKED:
            time.sleep(PAUSE)


def _read(site: Site, number: int, until: float, known: set[str], told: list[str]) -> None:
    """Look again and again; every look must see a state that was published."""
    seen = set()
    while time.monotonic() < until:
        if number < READERS // 2:
            done = _command(site, "query", "--format", "csv", STATE.format(""))
            state = done.stdout.splitlines()[-1] if done.returncode == 0 else f"{done.returncode} {done.stderr}"
        else:
            state = _look(site)
        seen.add(state)
        told.append("looks that saw a published state" if state in known else f"LOOKS THAT SAW {state[:200]}")
        time.sleep(PAUSE)
    if len(seen & known) > 1:
        told.append("readers that saw both states")


def _look(site: Site) -> str:
    """Return the published state, read as any program would."""
    try:
        with duckdb.connect(str(site.warehouse / "personal_dashboard.duckdb"), read_only=True) as connection:
            return str(connection.execute(STATE.format("marts.")).fetchone()[0])
    except duckdb.Error as error:
        return f"{type(error).__name__} {error}"
