"""What lies beside the tables on an object storage: whole objects by relative path, over a file system of Arrow.

An object is put as a whole: a reader finds the old one or the new one. Arrow cannot give up what it has begun to put: a
stream that is closed, by an exception too, completes a shorter object. So what can fail happens before it is opened,
and a signal, which only the main thread hears, waits until it is closed. On a file system with folders an object is
written aside and renamed.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from uuid import uuid4

from pyarrow.fs import FileSelector, FileSystem, FileType, LocalFileSystem, S3FileSystem

from jobs.addresses import REACH, TAKE_OUT, NoFileSystemError, file_system_of, without_key
from jobs.errors import WarehouseError

OBJECTS = ("s3", "gs", "gcs", "abfs", "abfss")  # stores that replace an object as a whole
SCHEMES = (*OBJECTS, "memory", "file")  # the last two are for tests
CHUNK = 4 << 20  # bytes
PATIENCE = {"connect_timeout": 10, "request_timeout": 60}  # seconds
# The keys that PyIceberg has for S3 in `[catalog]`, by what Arrow calls them: set once, they hold for both.
_S3 = {
    "endpoint_override": "s3.endpoint",
    "access_key": "s3.access-key-id",
    "secret_key": "s3.secret-access-key",
    "session_token": "s3.session-token",
    "region": "s3.region",
}


@dataclass(frozen=True)
class Stored:
    """An object as its listing tells it.

    Attributes:
        path: relative to the store.
        size: bytes.
        changed: seconds since 1970, None where the file system does not say.
    """

    path: str
    size: int
    changed: float | None


class Store:
    """Objects below an address.

    Args:
        address: as `--warehouse` names it.
        filesystem: where it lies.
        root: its path there.
    """

    def __init__(self, address: str, filesystem: FileSystem, root: str) -> None:
        self.address = address.rstrip("/")
        self._files = filesystem
        self._root = root.rstrip("/")
        self._renames = isinstance(filesystem, LocalFileSystem)

    def get(self, path: str) -> bytes | None:
        """Return an object, None where there is none."""
        try:
            with self._files.open_input_stream(self._full(path)) as stream:
                found: bytes = stream.read()
                return found
        except FileNotFoundError:
            return None

    def put(self, path: str, content: bytes) -> None:
        """Put an object in the place of what was there."""
        self._put(path, iter((content,)))

    def put_file(self, path: str, file: Path) -> None:
        """Put a file of this machine, a part of it in memory at a time."""
        with file.open("rb") as source:
            self._put(path, iter(lambda: source.read(CHUNK), b""))

    def get_file(self, path: str, file: Path) -> str | None:
        """Copy an object into a file of this machine; return the SHA-256 of what came, None where there is none."""
        digest = hashlib.sha256()
        try:
            with self._files.open_input_stream(self._full(path)) as source, file.open("wb") as target:
                while part := source.read(CHUNK):
                    target.write(part)
                    digest.update(part)
        except FileNotFoundError:
            return None
        return digest.hexdigest()

    def listed(self, folder: str = "") -> list[Stored]:
        """Return the objects below a folder, none where there is none."""
        selector = FileSelector(self._full(folder).rstrip("/"), recursive=True, allow_not_found=True)
        return [
            Stored(info.path[len(self._root) + 1 :], info.size or 0, info.mtime_ns / 1e9 if info.mtime_ns else None)
            for info in self._files.get_file_info(selector)
            if info.type == FileType.File and not info.base_name.startswith(".")
        ]

    def delete(self, path: str) -> None:
        """Delete an object; one that is not there is deleted already."""
        try:
            self._files.delete_file(self._full(path))
        except FileNotFoundError:
            return

    def _full(self, path: str) -> str:
        return f"{self._root}/{path}"

    def _put(self, path: str, parts: Iterator[bytes]) -> None:
        first = list(islice(parts, 2))  # all of most objects: whatever keeps them from being read, nothing was put
        with ThreadPoolExecutor(1) as thread:
            thread.submit(int).result()  # it has begun: from here on a signal, wherever it strikes, waits for its end
            thread.submit(self._put_parts, self._full(path), chain(first, parts)).result()

    def _put_parts(self, full: str, parts: Iterator[bytes]) -> None:
        """Put an object; of a large one that is broken off nothing stays, rather than a shorter one."""
        folder, _, name = full.rpartition("/")
        aside = f"{folder}/.{name}.{uuid4().hex}" if self._renames else full
        if self._renames:
            self._files.create_dir(folder, recursive=True)
        try:
            with self._files.open_output_stream(aside) as stream:
                for part in parts:
                    stream.write(part)
        except Exception:
            with contextlib.suppress(OSError):
                self._files.delete_file(aside)
            raise
        if self._renames:
            self._files.move(aside, full)


def open_store(address: str, properties: Mapping[str, str] | None = None) -> Store:
    """Return the store that `--warehouse` names.

    Args:
        address: with one of `SCHEMES`.
        properties: of `[catalog]`; where they say how S3 is reached, that holds here too.

    Raises:
        WarehouseError: there is no file system for it, it cannot be reached, or a key stands in it.
    """
    if shown := without_key(address):
        raise WarehouseError("The address holds a key, which would end in logs.", where=shown, next_step=TAKE_OUT)
    if (scheme := address.partition("://")[0]) not in SCHEMES:
        raise WarehouseError(
            f"A warehouse cannot lie on {scheme}, which does not replace a file as a whole.",
            where=address,
            next_step=f"--warehouse takes a folder, or an address with {', '.join(OBJECTS)}; the input may lie there",
        )
    told = {ours: value for ours, name in _S3.items() if (value := (properties or {}).get(name))}
    try:
        if told and address.startswith("s3://"):
            return Store(address, S3FileSystem(**told, **PATIENCE), address.removeprefix("s3://"))
        return Store(address, *file_system_of(address))
    except NoFileSystemError as error:
        raise WarehouseError(
            str(error),
            where=address,
            next_step="install what it takes, or name an address such as s3://bucket/place with --warehouse",
        ) from None
    except OSError as error:
        raise out_of_reach(address, error) from None


def out_of_reach(address: str, error: Exception) -> WarehouseError:
    """Return what to raise where a store does not answer, or refuses."""
    return WarehouseError(f"The warehouse cannot be reached: {error}.", where=address, next_step=REACH)


def digest_of(file: Path) -> str:
    """Return the SHA-256 of a file of this machine."""
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while part := stream.read(CHUNK):
            digest.update(part)
    return digest.hexdigest()
