"""Is the warehouse able to take a run."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

from jobs.errors import WarehouseError
from jobs.health.finding import Finding, shown
from jobs.settings import Settings
from jobs.warehouse.home import open_home
from jobs.warehouse.runs import Warehouse

GIGABYTE = 1e9
NEEDED_GIGABYTES = 2


def warehouse_findings(settings: Settings, warehouse: Warehouse) -> list[Finding]:
    """Look at catalog, folder, disk, salt and what earlier runs left."""
    return [
        _catalog(settings, warehouse),
        _folder(warehouse),
        _disk(warehouse.path),
        _salt(settings, warehouse),
        _runs(warehouse),
    ]


def _catalog(settings: Settings, warehouse: Warehouse) -> Finding:
    try:
        catalog, properties = open_home(settings.catalog.properties(), warehouse.path, look_only=True)
    except WarehouseError as error:
        return Finding("catalog", error.what, error.next_step, blocks=True)
    is_made = catalog is not None and catalog.namespace_exists("pd")
    state = f"{len(catalog.list_tables('pd'))} tables" if catalog and is_made else "no tables yet"
    places = [shown(key, properties[key]) for key in ("uri", "warehouse") if key in properties]
    return Finding("catalog", f"{', '.join([properties['type'], *places[:1]])}: {state}")


def _folder(warehouse: Warehouse) -> Finding:
    place = next(path for path in (warehouse.path, *warehouse.path.parents) if path.exists())
    if not place.is_dir():
        return Finding("warehouse", f"{place} is no folder", "name another with --warehouse", blocks=True)
    if not os.access(place, os.W_OK):
        return Finding("warehouse", str(warehouse.path), f"{place} is not writable", blocks=True)
    state = "published" if warehouse.marts.exists() else "nothing published yet"
    return Finding("warehouse", f"{warehouse.path}: {state}")


def _disk(path: Path) -> Finding:
    place = next(item for item in (path, *path.parents) if item.exists())
    free = shutil.disk_usage(place).free / GIGABYTE
    if free > NEEDED_GIGABYTES:
        return Finding("free disk", f"{free:,.1f} GB")
    return Finding("free disk", f"{free:,.1f} GB", f"free some: a run needs about {NEEDED_GIGABYTES} GB", blocks=True)


def _salt(settings: Settings, warehouse: Warehouse) -> Finding:
    path = settings.privacy.salt_file or warehouse.path / "salt"
    if not path.exists():
        return Finding("salt", f"{path}: not there yet", "the first run creates it; keep a backup")
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        return Finding("salt", f"{path}: others can read it", f"chmod 600 {path}", blocks=True)
    return Finding("salt", f"{path}: owner only")


def _runs(warehouse: Warehouse) -> Finding:
    if warehouse.journal.exists():
        return Finding("publishing", "an earlier publish was cut off", "the next run or query finishes it")
    unfinished = [run for run in warehouse.all_runs() if run.state != "published"] if warehouse.runs.exists() else []
    if not unfinished:
        return Finding("publishing", "nothing left over")
    last = unfinished[-1]
    found = f"{last.run_id} is {last.state} after {', '.join(last.done) or 'no step'}"
    return Finding("publishing", found, "go on with its next step, or rerun its days")
