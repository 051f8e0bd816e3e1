"""Folders of this machine for a warehouse that lies elsewhere: one for each command, and a copy of the last marts.

    WORK/commands/<name>/            what one command works in, as if it were the warehouse; gone when it ends
    WORK/commands/<name>.lock        held by its process, so that what a killed one left is known and deleted
    WORK/marts/<sha256>/<file>       marts that were fetched, by what they hold, so that no command sees them change

All of it may be gone at any start: nothing that must survive is here.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO
from uuid import uuid4

from jobs.errors import WarehouseError
from jobs.log import get_logger

KEPT_MARTS = 2


class WorkFolder:
    """The folder of one command, and what commands of this machine share.

    Args:
        root: `[run] work_dir`, or `default_root`.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._commands, self._marts = root / "commands", root / "marts"
        try:
            for folder in (root, self._commands, self._marts):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._forget_dead()
            self.path = self._commands / uuid4().hex
            self._lock = _hold(self._lock_of(self.path))  # first: a folder that nobody holds is a dead command's
            self.path.mkdir(mode=0o700)
        except OSError as error:
            raise WarehouseError(
                f"The folder to work in cannot be written: {error.strerror}.",
                where=str(root),
                next_step="free space or permissions there, or name another with [run] work_dir",
            ) from None

    def close(self) -> None:
        """Delete the command's folder."""
        shutil.rmtree(self.path, ignore_errors=True)
        self._lock_of(self.path).unlink(missing_ok=True)
        self._lock.close()

    def link_marts(self, sha256: str, place: Path, fetch: Callable[[Path], None]) -> None:
        """Put marts into the place of a command's, after fetching them where they are not here yet.

        Args:
            sha256: of the file, by which it is kept.
            place: in the command's folder.
            fetch: writes it into a file, whole, or raises.
        """
        kept = self._marts / sha256 / place.name
        for _ in range(3):
            if not kept.exists():
                self._fetch_marts(kept, fetch)
            with contextlib.suppress(FileNotFoundError):  # forgotten this very moment
                os.utime(kept.parent)
                link(kept, place)
                break
        self._forget_marts()

    def _fetch_marts(self, kept: Path, fetch: Callable[[Path], None]) -> None:
        aside = Path(tempfile.mkdtemp(prefix="marts", dir=self.path))  # of a killed command it goes with its folder
        try:
            (aside / kept.name).touch(mode=0o600)
            fetch(aside / kept.name)
            with contextlib.suppress(OSError):  # another command was faster
                aside.rename(kept.parent)
        finally:
            shutil.rmtree(aside, ignore_errors=True)

    def _forget_dead(self) -> None:
        """Delete the folders of commands that were killed."""
        for folder in self._commands.iterdir():
            if not folder.is_dir():
                continue
            with contextlib.suppress(BlockingIOError), _hold(self._lock_of(folder)):
                get_logger().info("deleting what a killed command left", folder=str(folder))
                shutil.rmtree(folder, ignore_errors=True)
                self._lock_of(folder).unlink(missing_ok=True)

    def _forget_marts(self) -> None:
        for folder in sorted(self._marts.iterdir(), key=_used)[
            :-KEPT_MARTS
        ]:  # a command that reads them has a link of its own
            shutil.rmtree(folder, ignore_errors=True)

    @staticmethod
    def _lock_of(folder: Path) -> Path:
        return folder.with_name(f"{folder.name}.lock")


def _used(path: Path) -> float:
    """Return when a file was last used; one that another command has just deleted, long ago."""
    with contextlib.suppress(FileNotFoundError):
        return path.stat().st_mtime
    return 0.0


def default_root(address: str) -> Path:
    """Return where commands work on a warehouse unless it is set: a private folder in the user's cache."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "pdmetrics" / hashlib.sha256(address.rstrip("/").encode()).hexdigest()[:12]


def link(file: Path, place: Path) -> None:
    """Give a file a second name, in the place of what had it; a copy where the disk has no links."""
    aside = place.with_name(f".{place.name}.{os.getpid()}")
    aside.unlink(missing_ok=True)
    try:
        os.link(file, aside)
    except OSError:
        shutil.copyfile(file, aside)
        aside.chmod(0o600)
    aside.replace(place)


def _hold(path: Path) -> IO[str]:
    """Lock a file for as long as this process lives, or the handle.

    Raises:
        BlockingIOError: somebody holds it.
    """
    handle = path.open("a", encoding="utf-8")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.close()
        raise
    return handle
