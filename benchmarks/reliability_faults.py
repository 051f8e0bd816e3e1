"""A full disk, a read-only one, and a clock that jumps."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from benchmarks.reliability_site import Case, Done, Results, Site, is_root

ROOM = (0, 16, 64, 256, 512, 1024, 2048, 4096, 6144)  # KiB left on the warehouse's disk
LARGEST = (16, 64, 1024)  # KiB that a file may have
DAY = 86_400
CLOCKS = {  # seconds into the run, and what is then added to its clock
    "a day back from the start": ((0, -DAY),),
    "40 days ahead from the start": ((0, 40 * DAY),),
    "an hour back in ingest": ((4, -3600),),
    "ahead and back and ahead": ((2, 40 * DAY), (5, -DAY), (8, 3600), (11, -3600)),
    "back and forth each second": tuple((n, DAY if n % 2 else -DAY) for n in range(40)),
}
ZONES = ("Pacific/Kiritimati", "Pacific/Marquesas")
LIBRARY = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")  # of the system's package faketime


def full_disk(site: Site, results: Results) -> None:
    """Run the next day on a disk with little room, free some, run again; then the same with a limit on each file."""
    for kibibytes in ROOM if is_root() else ():
        name = f"{kibibytes} KiB free"
        if not results.has("disk", site.engine, name):
            with _small_disk(site) as disk:
                disk.leave(kibibytes)
                results.add(_case(site, "disk", name, site.do(site.run()), disk.make_room))
    for kibibytes in LARGEST:
        name = f"no file above {kibibytes} KiB"
        if not results.has("disk", site.engine, name):
            site.restore()
            limit = (kibibytes * 1024, resource.RLIM_INFINITY)
            with _limit_of_files(limit):
                process = site.start(site.run())
            results.add(_case(site, "disk", name, site.finish(process, check=False), lambda: None))


def read_only(site: Site, results: Results) -> None:
    """Run, ask and look on a read-only disk, then write again."""
    commands = {"run": site.run(), "doctor": site.command("doctor")}
    commands["query"] = site.command("query", "--format", "csv", "select count(*) from fct_metric_values")
    for name, command in commands.items() if is_root() else ():
        if not results.has("readonly", site.engine, name):
            with _small_disk(site) as disk:
                disk.remount("ro")
                done = site.do(command)
                n_differing = site.differing(site.before)
                disk.remount("rw")
                if name == "run":
                    note = f"{n_differing} rows changed meanwhile"
                    results.add(_case(site, "readonly", name, done, lambda: None, note))
                else:
                    clear = "" if done.code == 0 or site.is_clear() else "UNCLEAR"
                    results.add(Case("readonly", site.engine, name, "", done.code, done.said, None, n_differing, clear))


def clock(site: Site, results: Results) -> None:
    """Run the next day under clocks that jump and in zones far away, then again with the right clock."""
    for name, jumps in CLOCKS.items() if LIBRARY.exists() else ():
        if not results.has("clock", site.engine, name):
            site.restore()
            with _jumping(site.folder / "clock", jumps) as environment:
                results.add(_clock_case(site, name, environment))
    for zone in ZONES:
        if not results.has("clock", site.engine, zone):
            site.restore()
            results.add(_clock_case(site, zone, {"TZ": zone}))
    for name, shift in {"files of next year": 365 * DAY, "files of 1971": None}.items():
        if not results.has("clock", site.engine, name):
            site.restore()
            _touch(site, time.time() + shift if shift else 400 * DAY)
            results.add(_clock_case(site, name, {}))


@contextlib.contextmanager
def _jumping(file: Path, jumps: Iterable[tuple[int, int]]) -> Iterator[dict[str, str]]:
    """Give the environment of a command whose clock is moved, some seconds after its start each time."""
    file.write_text("+0")
    timers = [threading.Timer(after, file.write_text, [f"{added:+d}"]) for after, added in jumps]
    for timer in timers:
        timer.start()
    try:
        yield {
            "LD_PRELOAD": str(LIBRARY), "FAKETIME_TIMESTAMP_FILE": str(file), "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1", "FAKETIME_DONT_RESET": "1",
        }  # fmt: skip
    finally:
        for timer in timers:
            timer.cancel()


def _clock_case(site: Site, name: str, environment: dict[str, str]) -> Case:
    done = site.do(site.run(), environment)
    note = f"{site.differing()} rows differ before the next run" if done.code == 0 else ""
    return _case(site, "clock", name, done, lambda: None, note)


def _touch(site: Site, moment: float) -> None:
    for folder in (site.warehouse, site.world):
        for path in folder.rglob("*"):
            os.utime(path, (moment, moment))


def _case(site: Site, part: str, name: str, done: Done, mend: object, note: str = "") -> Case:
    """Mend the surroundings, run the day again and compare."""
    at = "" if done.code == 0 else _step(site)
    if done.code != 0 and not site.is_clear():
        note += "UNCLEAR "
    if callable(mend):
        mend()
    rerun = site.do(site.run())
    note += f" next run said: {rerun.said}" if rerun.code != 0 else ""
    return Case(part, site.engine, name, at, done.code, done.said, rerun.code, site.differing(), note.strip())


def _step(site: Site) -> str:
    """Return the step that the last command was in."""
    text = (site.folder / "err").read_text(errors="replace")
    begun = [step for step in ("ingest", "estimates", "marts") if f"step={step}" in text]
    return "publish" if "journal written" in text else begun[-1] if begun else "start"


class Disk:
    """The warehouse's own small disk."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def remount(self, options: str) -> None:
        """Change it while it is in use."""
        subprocess.run(["mount", "-o", f"remount,{options}", str(self.path)], check=True)

    def leave(self, kibibytes: int) -> None:
        """Leave so much room."""
        used = shutil.disk_usage(self.path).used // 1024
        self.remount(f"size={used + kibibytes}k")

    def make_room(self) -> None:
        """Leave more than a run needs."""
        self.remount("size=500m")


@contextlib.contextmanager
def _small_disk(site: Site) -> Iterator[Disk]:
    """Put the warehouse, at its first day, on a disk of its own."""
    shutil.rmtree(site.warehouse, ignore_errors=True)
    site.warehouse.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=500m", "small", str(site.warehouse)], check=True)
    try:
        shutil.copytree(site.copy, site.warehouse, dirs_exist_ok=True)
        yield Disk(site.warehouse)
    finally:
        subprocess.run(["umount", str(site.warehouse)], check=True)


@contextlib.contextmanager
def _limit_of_files(limit: tuple[int, int]) -> Iterator[None]:
    """Let no file of processes started in this block grow beyond a limit."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
