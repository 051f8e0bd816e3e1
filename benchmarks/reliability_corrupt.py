"""Damaged files: each is a clear error that names it, or a recovery; never a wrong number."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.reliability_site import Case, Results, Site
from tests.integration.killing import kill

DAMAGE: dict[str, Callable[[Path], object]] = {
    "cut in half": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "garbage": lambda path: path.write_bytes(bytes(range(255, 0, -1)) * 20),
    "garbage within": lambda path: _overwritten(path),
    "empty": lambda path: path.write_bytes(b""),
    "gone": lambda path: path.unlink(),
}
FILES: dict[str, str] = {
    "catalog": "catalog.db",
    "run file": "runs/*/run.json",
    "salt": "salt",
    "marts file": "personal_dashboard.duckdb",
    "fit cache": "fits/*.json",
    "journal": "publish.json",
}
SAME = {("run file", "gone"), ("run file", "garbage within"), ("fit cache", "gone"), ("journal", "gone")}  # as others
ONE_ROW = "select count(*) as n from fct_metric_values"


def corrupt(site: Site, results: Results) -> None:
    """Damage each file in each way; then doctor, query, one more day; mend by hand what was refused, and compare."""
    for kind, pattern in FILES.items():
        if kind == "journal":
            _cut_off(site)
        for how, damage in DAMAGE.items():
            name = f"{kind} {how}"
            if (kind, how) in SAME:
                continue
            if not results.has("corrupt", site.engine, name):
                results.add(_case(site, name, pattern, damage))


def _case(site: Site, name: str, pattern: str, damage: Callable[[Path], object]) -> Case:
    site.restore()
    files = sorted(site.warehouse.glob(pattern))
    if not files:
        raise RuntimeError(f"no {pattern} to damage")
    kept = {path: path.read_bytes() for path in files}
    for path in files:
        damage(path)
    notes = []
    for command in (["doctor"], ["query", "--format", "csv", ONE_ROW]):
        done = site.do(site.command(*command))
        clear = "" if done.code == 0 or site.is_clear() else ", UNCLEAR"
        notes.append(f"{command[0]} {done.code}{clear}")
    first = site.do(site.run())
    if first.code != 0 and not site.is_clear():
        notes.append("run UNCLEAR")
    rerun = first
    if first.code != 0:
        notes.append(_mend(kept))
        rerun = site.do(site.run())
    return Case(
        "corrupt", site.engine, name, "", first.code, first.said, rerun.code, site.differing(), "; ".join(notes)
    )


def _mend(kept: dict[Path, bytes]) -> str:
    """Do what the message asks for, and say what: a journal is deleted, anything else comes from the backup."""
    for path, content in kept.items():
        if path.name == "publish.json":
            path.unlink(missing_ok=True)
        else:
            path.write_bytes(content)
    return "deleted, and run again" if any(path.name == "publish.json" for path in kept) else "put back, and run again"


def _cut_off(site: Site) -> None:
    """Make the copy one whose next day was killed behind the journal."""
    for _ in range(20):
        site.restore()
        process = site.start(site.run())
        while not (site.warehouse / "publish.json").exists() and process.poll() is None:
            time.sleep(0.001)
        kill(process)
        if (site.warehouse / "publish.json").exists():
            shutil.rmtree(site.copy)
            shutil.copytree(site.warehouse, site.copy)
            return
    raise RuntimeError("no run could be killed behind its journal")


def _overwritten(path: Path) -> None:
    """Overwrite some of the middle, so that head and length are as they were."""
    content = bytearray(path.read_bytes())
    middle, length = len(content) // 2, max(1, min(4096, len(content) // 4))
    content[middle : middle + length] = b"\xa5" * len(content[middle : middle + length])
    path.write_bytes(bytes(content))
