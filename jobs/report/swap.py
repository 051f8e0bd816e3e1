"""Put a finished folder in the place of another in one step, so that nobody ever sees half of either."""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
from pathlib import Path

from jobs.errors import UsageError

MARKER = "report.json"
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


def require_ours(out: Path) -> None:
    """Refuse a place that holds anything but a site of ours: it would be deleted.

    Raises:
        UsageError: there is a file, or a folder with something else in it.
    """
    if not out.exists() and not out.is_symlink():
        return
    if out.is_dir() and not out.is_symlink() and ((out / MARKER).is_file() or not any(out.iterdir())):
        return
    raise UsageError(
        "There is something that is no report, and it is left as it is.",
        where=str(out),
        next_step="name a folder that is new, empty or an earlier report: pdmetrics report --out DIR",
    )


def fresh_folder(out: Path) -> Path:
    """Return an empty folder beside a place, under a name of our own; what a killed run left there is deleted."""
    fresh = out.with_name(f".{out.name}.next")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    return fresh


def swap(fresh: Path, out: Path) -> None:
    """Give a folder another's name; what had that name is deleted.

    On Linux both change places in one step. Elsewhere there is a moment without either, and a run that is killed in
    it leaves the new one beside, which the next run makes again.

    Args:
        fresh: the finished folder, on the same disk.
        out: where it goes; a site of ours, or nothing.
    """
    if not out.exists():
        fresh.rename(out)
        return
    if not _exchange(fresh, out):
        old = out.with_name(f".{out.name}.old")
        shutil.rmtree(old, ignore_errors=True)
        out.rename(old)
        fresh.rename(out)
        fresh = old
    shutil.rmtree(fresh, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Let two folders change places; False where the system, or the disk, cannot."""
    if sys.platform != "linux":
        return False
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is None:
        return False
    told = renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), ctypes.c_uint(_RENAME_EXCHANGE))
    return bool(told == 0)
