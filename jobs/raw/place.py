"""Where the input lies: a directory of this machine, or whatever else Arrow or fsspec has a file system for."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pyarrow.fs import FileInfo, FileSelector, FileSystem, FileType, LocalFileSystem

from jobs.addresses import REACH, TAKE_OUT, NoFileSystemError, file_system_of, without_key
from jobs.errors import InputError


@dataclass(frozen=True)
class Input:
    """The input directory, wherever it lies; small enough to be sent to worker processes.

    Attributes:
        uri: what `--input` says: a path, or an address with a scheme.
    """

    uri: str

    def __reduce__(self) -> tuple[type[Input], tuple[str]]:
        """Travel by the address alone."""
        return Input, (self.uri,)

    @cached_property
    def _opened(self) -> tuple[FileSystem, str]:
        if "://" not in self.uri:
            return LocalFileSystem(), str(Path(self.uri).resolve())
        try:
            return file_system_of(self.uri)
        except NoFileSystemError as error:
            raise InputError(
                str(error), where=self.uri,
                next_step="--input takes a directory, or an address that Arrow or fsspec knows, such as s3://bucket/input",
            ) from None  # fmt: skip
        except OSError as error:
            raise self.out_of_reach(error) from None

    def out_of_reach(self, error: Exception) -> InputError:
        """Return what to raise of an error that is not a file's fault."""
        next_step = "check its permissions" if "://" not in self.uri else REACH
        return InputError(f"The input cannot be reached: {error}.", where=self.uri, next_step=next_step)

    @property
    def whole(self) -> str:
        """The address as it holds from every folder: a path made absolute."""
        return self.uri if "://" in self.uri else self.root

    @property
    def filesystem(self) -> FileSystem:
        """The file system it lies on."""
        return self._opened[0]

    @property
    def is_local(self) -> bool:
        """Whether it lies on this machine."""
        return isinstance(self.filesystem, LocalFileSystem)

    @property
    def root(self) -> str:
        """Its path there."""
        return self._opened[1]

    @contextlib.contextmanager
    def csv_folder(self) -> Iterator[Path]:
        """Give its CSVs as a folder of this machine: its own, or a copy of them while the block lasts."""
        if self.is_local:
            yield Path(self.root)
            return
        with tempfile.TemporaryDirectory(prefix="pdmetrics-input-") as folder:
            for info in self.listed(self.root):
                if info.type == FileType.File and info.path.endswith(".csv"):
                    with self.filesystem.open_input_stream(info.path) as stream:
                        (Path(folder) / info.base_name).write_bytes(stream.read())
            yield Path(folder)

    def is_folder(self, path: str = "") -> bool:
        """Whether a path in it is a directory.

        Raises:
            InputError: the input does not say.
        """
        return bool(self._type(f"{self.root}/{path}".rstrip("/")) == FileType.Directory)

    def is_file(self, path: str) -> bool:
        """Whether a path in it is a file.

        Raises:
            InputError: the input does not say.
        """
        return bool(self._type(f"{self.root}/{path}") == FileType.File)

    def _type(self, path: str) -> FileType:
        try:
            return self.filesystem.get_file_info(path).type
        except OSError as error:
            raise self.out_of_reach(error) from None

    def listed(self, folder: str, *, recursive: bool = False) -> list[FileInfo]:
        """Return what lies in a folder, none if there is no such folder.

        Raises:
            InputError: it cannot be listed.
        """
        try:
            found = self.filesystem.get_file_info(FileSelector(folder, recursive=recursive, allow_not_found=True))
        except OSError as error:
            raise InputError(
                f"A folder of the input cannot be listed: {error}.",
                where=folder,
                next_step="check its permissions" if self.is_local else REACH,
            ) from None
        return list(found)

    def broken_links(self, folder: str) -> list[str]:
        """Return the links in a folder that lead nowhere, which Arrow leaves out of its listings."""
        if not isinstance(self.filesystem, LocalFileSystem):
            return []
        with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
            return [f"{folder}/{e.name}" for e in entries if e.is_symlink() and _leads_nowhere(e)]
        return []


def _leads_nowhere(link: os.DirEntry[str]) -> bool:
    try:
        link.stat()
    except OSError:
        return True
    return False


def open_input(place: str | Path) -> Input:
    """Return the input that `--input` names.

    Raises:
        InputError: it is an address with a key in it.
    """
    if shown := without_key(str(place)):
        raise InputError(
            "The address holds a key, which would end in logs and in the record of the run.",
            where=shown,
            next_step=TAKE_OUT,
        )
    return Input(str(place))
