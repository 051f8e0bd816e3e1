"""Is the warehouse able to take a run: what a run will need, looked at by the same code, and nothing changed."""

from __future__ import annotations

import csv
import os
import shlex
import shutil
import stat
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from expectations.checks import CRITICAL
from expectations.thresholds import load_thresholds
from jobs import contracts, resources
from jobs.console import counted
from jobs.errors import PdmetricsError, UsageError
from jobs.health.finding import Finding, shown, told_of
from jobs.marts.read import REBUILD, fetch_file
from jobs.settings import Settings
from jobs.warehouse.catalog import is_own, known_tables, missing_columns
from jobs.warehouse.home import open_home
from jobs.warehouse.lease_table import require_place
from jobs.warehouse.manifest import AUDIENCE, PUBLISHES, STEPS, Run
from jobs.warehouse.runs import Warehouse
from jobs.warehouse.salt import check_salt

if TYPE_CHECKING:
    from pyiceberg.table import Table

GIGABYTE = 1e9
NEEDED_GIGABYTES = 2
OTHERS = 0o077  # the permissions of a file's group and of everybody else


def warehouse_findings(settings: Settings, warehouse: Warehouse) -> list[Finding]:
    """Look at catalog, tables, salt, folder, lock, marts, disk, thresholds and what the last run left."""
    tables: dict[str, Table] = {}
    stored = {"store": partial(_store, warehouse)} if warehouse.is_elsewhere else {}
    looks: dict[str, Callable[[], Finding]] = {
        **stored,
        "catalog": partial(_catalog, settings, warehouse, tables),
        "tables": partial(_tables, tables),
        "warehouse": partial(_folder, warehouse),
        "lock": partial(_lock, warehouse),
        "marts": partial(_marts, warehouse),
        "free disk": partial(_disk, warehouse.path),
        "salt": partial(_salt, settings, warehouse, tables),
        "thresholds": partial(_thresholds, settings),
        "last run": partial(_last_run, warehouse),
    }
    return [_looked(what, look) for what, look in looks.items()]


def _looked(what: str, look: Callable[[], Finding]) -> Finding:
    """Look at one thing; whatever is wrong with it, the rest is still to be looked at."""
    try:
        return look()
    except PdmetricsError as error:
        return told_of(what, error)
    except Exception as error:  # damage takes the form of whatever library meets it first
        words = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        return Finding(what, shown("", words), "cannot be looked at, and a run may not get further", blocks=True)


def _store(warehouse: Warehouse) -> Finding:
    """Fetch what is stored at the address, which the rest looks at."""
    warehouse.attach()
    return Finding("store", f"{warehouse.place}: reached; this command works in {warehouse.path}")


def _catalog(settings: Settings, warehouse: Warehouse, tables: dict[str, Table]) -> Finding:
    """Open the catalog and fill in the tables that are there."""
    catalog, properties = open_home(settings.catalog.properties(), warehouse.path, look_only=True)
    if catalog is not None:
        if not is_own(properties, warehouse.path):
            require_place(catalog, warehouse.place)
        tables.update(known_tables(catalog))
    state = counted(len(tables), "table") if tables else "no tables yet"
    places = [shown(key, properties[key]) for key in ("uri", "warehouse") if key in properties]
    return Finding("catalog", f"{', '.join([properties['type'], *places[:1]])}: {state}")


def _tables(tables: Mapping[str, Table]) -> Finding:
    if not tables:
        return Finding("tables", "none yet")
    lacking = [name for name, table in tables.items() if missing_columns(table, contracts.table(name))]
    if lacking:
        return Finding("tables", f"of an older version: {', '.join(lacking)}", "the next run adds their new columns")
    return Finding("tables", "as this version writes them")


def _folder(warehouse: Warehouse) -> Finding:
    place = next(path for path in (warehouse.path, *warehouse.path.parents) if path.exists())
    if not place.is_dir():
        return Finding("warehouse", f"{place} is no folder", "name another with --warehouse", blocks=True)
    if not os.access(place, os.W_OK):
        return Finding("warehouse", warehouse.place, f"{place} is not writable", blocks=True)
    is_published = warehouse.marts.exists() or warehouse.marts_are_lost()
    state = "published" if is_published else "nothing published yet"
    return Finding("warehouse", f"{warehouse.place}: {state}")


def _lock(warehouse: Warehouse) -> Finding:
    holder = warehouse.holder()
    if holder is None:
        return Finding("lock", "free")
    ends = "the lock lapses with its process, within [run] lease_minutes"
    mend = f"wait until it is done; {ends if warehouse.is_elsewhere else 'the lock goes with its process'}"
    return Finding("lock", f"another command is writing: {holder}", mend, blocks=True)


def _marts(warehouse: Warehouse) -> Finding:
    if warehouse.marts_are_lost():
        return Finding(
            "marts", f"{warehouse.said(warehouse.marts)}: not there, though a run is published", REBUILD, blocks=True
        )
    if not warehouse.marts.exists():
        return Finding("marts", "nothing published yet")
    try:
        names = [row[0] for row in fetch_file(warehouse.marts, "select table_name from (show tables) t(table_name)")[1]]
        for name in names:
            fetch_file(warehouse.marts, f'select max(hash(t)) from "{name}" t')  # reads every block, and its checksum
    except UsageError as error:
        return Finding("marts", error.what, REBUILD, blocks=True)
    if not names:
        return Finding("marts", f"{warehouse.said(warehouse.marts)}: no table in it", REBUILD, blocks=True)
    found = counted(len(names), "table")
    if _others_may_read(warehouse.marts):
        mend = f"the next run closes it; until then: chmod 600 {warehouse.marts}"
        return Finding("marts", f"{found}; others can read them", mend)
    return Finding("marts", f"{found}, owner only")


def _disk(path: Path) -> Finding:
    place = next(item for item in (path, *path.parents) if item.exists())
    free = shutil.disk_usage(place).free / GIGABYTE
    if free > NEEDED_GIGABYTES:
        return Finding("free disk", f"{free:,.1f} GB")
    return Finding("free disk", f"{free:,.1f} GB", f"free some: a run needs about {NEEDED_GIGABYTES} GB", blocks=True)


def _salt(settings: Settings, warehouse: Warehouse, tables: Mapping[str, Table]) -> Finding:
    check_salt(tables, warehouse, settings.privacy)
    if settings.privacy.salt is not None:
        return Finding("salt", "given with the settings")
    path = warehouse.salt_path(settings.privacy.salt_file)
    if not path.exists():
        return Finding("salt", f"{path}: not there yet", "the first run creates it; keep a backup")
    if _others_may_read(path):
        return Finding("salt", f"{path}: others can read it", f"chmod 600 {path}", blocks=True)
    return Finding("salt", f"{path}: owner only")


def _others_may_read(path: Path) -> bool:
    return bool(stat.S_IMODE(path.stat().st_mode) & OTHERS)


def _thresholds(settings: Settings) -> Finding:
    file = settings.quality.thresholds_file
    if file is None and resources.missing():
        return Finding("thresholds", "shipped", "see package data")
    n_periods = len(load_thresholds(file).periods)
    return Finding("thresholds", f"{file or 'shipped'}: {counted(n_periods, 'period')}")


def _last_run(warehouse: Warehouse) -> Finding:
    if warehouse.publishing() is not None:
        return Finding("last run", "its publishing was cut off", "the next run or query finishes it")
    runs = warehouse.all_runs()
    known = {run.run_id for run in runs}
    if damaged := sorted({path.parent.name for path in warehouse.runs.glob("run_*/run.json")} - known):
        return Finding("last run", f"the file of {', '.join(damaged)} is damaged", "the next run deletes its folder")
    if not runs:
        return Finding("last run", "none yet")
    last, rerun = runs[-1], shlex.join(["pdmetrics", "--warehouse", warehouse.place, *runs[-1].command])
    if last.state == "published":
        return Finding("last run", f"{last.run_id} is published")
    if last.state == "failed":
        return Finding(
            "last run", _failure(warehouse, last), f"mend what failed, then rerun {_its(last)}: {rerun}", blocks=True
        )
    found = f"{last.run_id} is open after {', '.join(last.done) or 'no step'}"
    if warehouse.holder() is not None:
        return Finding("last run", f"{found}, and under way")
    if last.is_claimed(datetime.now(UTC)):
        waits = f"waits for its step {STEPS[len(last.done)]}, until {last.claimed_until:%H:%M} UTC"
        mend = f"runs of other days wait for it: run that step, or its days whole: {rerun}"
        return Finding("last run", f"{last.run_id} is staged and {waits}", mend)
    mend = "go on with it" if last.backfill is not None else f"rerun {_its(last)}"
    return Finding("last run", found, f"{mend}: {rerun}; the next run drops what it had staged")


def _its(run: Run) -> str:
    return "its command" if run.is_audience else "its days"


def _failure(warehouse: Warehouse, run: Run) -> str:
    """Say in which step a run failed and, if a gate wrote down why, by which of its checks."""
    steps = (AUDIENCE, PUBLISHES) if run.is_audience else STEPS
    step = next((name for name in steps if name not in run.done), steps[-1])
    for gate in ("marts", "facts", AUDIENCE):
        file = warehouse.folder(run.run_id) / f"gate_{gate}.csv"
        if file.exists():
            with file.open(encoding="utf-8", newline="") as handle:
                rows = [row for row in csv.DictReader(handle) if row["severity"] == CRITICAL]
            checks = sorted({row["check_id"] for row in rows if row["success"] != "True"})
            if checks:
                by = f"the {gate} gate, {', '.join(checks)} ({warehouse.said(file)})"
                return f"{run.run_id} failed in its step {step}: {by}"
    return f"{run.run_id} failed and cannot go on with its step {step}"
