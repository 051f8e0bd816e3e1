"""Addresses with a scheme (`s3://…`, `hdfs://…`): which file system they are on, and what may not stand in them."""

from __future__ import annotations

import re

import pyarrow as pa
from pyarrow.fs import FileSystem, FSSpecHandler, PyFileSystem

_GOOGLE_GIVES_UP = "retry_limit_seconds"
# `s3://id:key@bucket`, whose key may hold slashes; a port is no key.
_WITH_KEY = re.compile(r"(?P<scheme>[a-z0-9+]+://)[^:@/]*:(?!\d+/)[^@]+@(?P<place>.*)")
# The next steps of what is refused.
TAKE_OUT = "take it out, and set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or what your store asks for"
REACH = "check the address, the network and the credentials, which Arrow takes from its environment"


class NoFileSystemError(Exception):
    """Neither Arrow nor fsspec has a file system for a scheme."""

    def __init__(self, scheme: str, why: Exception) -> None:
        super().__init__(f"There is no file system for {scheme}: {why}.")


def without_key(address: str) -> str | None:
    """Return an address that holds a key as it may be shown, None for one that holds none."""
    held = _WITH_KEY.fullmatch(address)
    return f"{held['scheme']}***@{held['place']}" if held else None


def file_system_of(address: str) -> tuple[FileSystem, str]:
    """Return the file system of an address, with Arrow or else fsspec, and its path there.

    Raises:
        NoFileSystemError: there is none.
        OSError: it cannot be reached.
    """
    scheme = address.partition("://")[0]
    try:
        filesystem, root = FileSystem.from_uri(_impatient(scheme, address))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        filesystem, root = _of_fsspec(scheme, address)
    return filesystem, root.rstrip("/")


def _impatient(scheme: str, address: str) -> str:
    """Return the address with a limit to retries; Google's client goes on for a quarter of an hour."""
    if scheme not in ("gs", "gcs") or _GOOGLE_GIVES_UP in address:
        return address
    return f"{address}{'&' if '?' in address else '?'}{_GOOGLE_GIVES_UP}=20"


def _of_fsspec(scheme: str, address: str) -> tuple[FileSystem, str]:
    """Open what Arrow has no file system for, if fsspec has one."""
    try:
        import fsspec

        filesystem, root = fsspec.core.url_to_fs(address)
        return PyFileSystem(FSSpecHandler(filesystem)), root
    except (ImportError, ValueError) as error:
        raise NoFileSystemError(scheme, error) from None
