"""Put a finished folder in the place of another in one step, so that nobody ever sees half of either."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from jobs.errors import LockedError, UsageError

MARKER = "report.json"
MADE_BY = "pdmetrics report"
FOLDERS = ("assets", "dbt", "data_docs")  # of a site, beside its pages
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


def require_ours(out: Path) -> None:
    """Refuse a place that holds anything but a site of ours: it would be deleted.

    Raises:
        UsageError: there is a file, or a folder with something else in it.
    """
    if not out.exists() and not out.is_symlink():
        return
    if out.is_dir() and not out.is_symlink() and {file.name for file in out.iterdir()} <= _names_of_site(out):
        return
    raise UsageError(
        "There is something that is no report, and it is left as it is.",
        where=str(out),
        next_step="name a folder that is new, empty or an earlier report, with nothing else in it:"
        " pdmetrics report --out DIR",
    )


def _names_of_site(out: Path) -> set[str]:
    """Return what a folder may hold by its marker; nothing where that is not ours."""
    try:
        told = json.loads((out / MARKER).read_text(encoding="utf-8"))
        return {MARKER, *FOLDERS, *told["pages"]} if told["made_by"] == MADE_BY else set()
    except (OSError, ValueError, KeyError, TypeError):
        return set()


@contextlib.contextmanager
def sole_maker(out: Path) -> Iterator[None]:
    """Hold a place, so that two commands do not put their sites there at once. The lock goes with its process.

    Raises:
        LockedError: another command is making a site there.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    place = out.with_name(f".{out.name}.lock")
    while True:
        with place.open("a", encoding="utf-8") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise LockedError(
                    "Another command is making a report there.",
                    where=str(out),
                    next_step="wait until it is done; the lock goes with its process",
                ) from None
            if not _is_still(handle.fileno(), place):  # who had it has just deleted it
                continue
            try:
                yield
            finally:
                place.unlink(missing_ok=True)
            return


def _is_still(handle: int, place: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), place.stat())
    except FileNotFoundError:
        return False


def fresh_folder(out: Path) -> Path:
    """Return an empty folder beside a place; what a killed run left there is deleted. The caller holds the place.

    It lies in a folder of its own, which `swap` and `discard` delete: that one is its owner's only, the site is not.
    """
    prefix = f".{out.name}.next-"
    for left in out.parent.iterdir():
        if left.name.startswith(prefix):
            shutil.rmtree(left, ignore_errors=True)
    fresh = Path(tempfile.mkdtemp(prefix=prefix, dir=out.parent)) / "site"
    fresh.mkdir()
    return fresh


def discard(fresh: Path) -> None:
    """Delete what `fresh_folder` made, and what `swap` put in it."""
    shutil.rmtree(fresh.parent, ignore_errors=True)


def swap(fresh: Path, out: Path) -> None:
    """Give a folder another's name; what had that name is deleted.

    On Linux both change places in one step. Elsewhere there is a moment without either, and a run that is killed in
    it leaves the new one beside, which the next run makes again.

    Args:
        fresh: the finished folder, of `fresh_folder`.
        out: where it goes; a site of ours, or nothing.
    """
    if not (out.exists() and _exchange(fresh, out)):
        if out.exists():
            out.rename(fresh.with_name("old"))
        fresh.rename(out)
    discard(fresh)


def _exchange(one: Path, other: Path) -> bool:
    """Let two folders change places; False where the system, or the disk, cannot."""
    if sys.platform != "linux":
        return False
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is None:
        return False
    told = renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), ctypes.c_uint(_RENAME_EXCHANGE))
    return bool(told == 0)
