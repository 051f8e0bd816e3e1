"""The file with the key of the user hashes: made once, whole or not at all, and read by its owner only."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from jobs.errors import WarehouseError


def key_at(path: Path) -> str:
    """Return the key in a file; create it on first use.

    Raises:
        WarehouseError: it cannot be read, or is empty.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        _make_key(path)
    try:
        key = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise WarehouseError(
            f"The salt cannot be read: {error.strerror if isinstance(error, OSError) else 'it is not ASCII'}.",
            where=str(path),
            next_step="mend its permissions, restore it from a backup, or check [privacy] salt_file",
        ) from None
    if not key:
        raise WarehouseError(
            "The salt is empty.",
            where=str(path),
            next_step="restore it from a backup: a new salt breaks every user's history",
        )
    return key


def _make_key(path: Path) -> None:
    """Write a key aside, then give it its name: there is a whole one or none, and never a second."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    aside.unlink(missing_ok=True)
    try:
        handle = os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as stream:
            stream.write(os.urandom(32).hex())
            stream.flush()
            os.fsync(handle)
        with contextlib.suppress(FileExistsError):
            os.link(aside, path)  # unlike a rename it leaves what another process has just made
    finally:
        aside.unlink(missing_ok=True)
