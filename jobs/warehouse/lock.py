"""The lock of a warehouse directory: one command writes at a time, and a killed one leaves nothing behind."""

from __future__ import annotations

import contextlib
import fcntl
import time
from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path

from jobs.errors import LockedError
from jobs.log import get_logger
from jobs.warehouse.processes import whose

ASK_AGAIN_SECONDS = 0.5


@contextlib.contextmanager
def locked(path: Path, wait_seconds: float) -> Iterator[None]:
    """Hold the lock file. It names its holder and dies with its process.

    Args:
        path: the lock file, which is made where it is missing.
        wait_seconds: how long to wait for whoever holds it; it is told once that one waits.

    Raises:
        LockedError: it is still held after that.
    """
    with path.open("a+", encoding="utf-8") as handle:
        _acquire(handle, path, wait_seconds)
        handle.truncate(0)
        handle.write(f"{whose()}\n")
        handle.flush()
        try:
            yield
        finally:
            handle.truncate(0)


def holder_of(path: Path) -> str | None:
    """Return which living process holds a lock file, None where nobody does."""
    if not path.exists():
        return None
    with path.open(encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return handle.read().strip() or "unknown holder"
    return None


def _acquire(handle: TextIOWrapper, path: Path, wait_seconds: float) -> None:
    began, is_told = time.monotonic(), False
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            pass
        handle.seek(0)
        holder = handle.read().strip() or "unknown holder"
        if time.monotonic() - began >= wait_seconds:
            raise LockedError(
                f"Another command is writing: {holder}.",
                where=str(path),
                next_step="wait until it is done, as --set run.lock_wait_seconds=600 does; the lock goes with it",
            ) from None
        if not is_told:
            get_logger().info("waiting for the command that is writing", holder=holder, at_most_seconds=wait_seconds)
            is_told = True
        time.sleep(ASK_AGAIN_SECONDS)
