"""The raw partitions under `--input`: which files and hours there are.

Layout: `raw/<stream>/year=2026/month=3/day=19/hour=20/<any>.json.gz|.json|.parquet`, UTC, unpadded numbers. The input
is a directory, or whatever else Arrow or fsspec has a file system for (`s3://bucket/input`, `hdfs://…`, `memory://…`).
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

import pyarrow as pa
from pyarrow.fs import FileInfo, FileSelector, FileSystem, FileType, FSSpecHandler, LocalFileSystem, PyFileSystem

from jobs.errors import InputError, NoInputError

_SUFFIXES = (".json", ".json.gz", ".parquet")
_HOURS = range(24)
_HOUR_FOLDERS = {f"hour={hour}": hour for hour in _HOURS}
_UNKNOWN_SIZE = -1
# raw/<stream>/year=/month=/day=/hour=/<file>: the last seven parts of a path.
_PARTS_OF_PATH = 7


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
        scheme, found, path = self.uri.partition("://")
        if not found:
            return LocalFileSystem(), str(Path(self.uri).resolve())
        try:
            filesystem, root = FileSystem.from_uri(self.uri)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            filesystem, root = _of_fsspec(scheme, path, self.uri)
        except OSError as error:
            raise InputError(f"The input cannot be reached: {error}.", where=self.uri) from None
        return filesystem, root.rstrip("/")

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
        whole = f"{self.root}/{path}".rstrip("/")
        try:
            return bool(self.filesystem.get_file_info(whole).type == FileType.Directory)
        except OSError as error:
            raise InputError(f"The input cannot be reached: {error}.", where=self.uri) from None

    def listed(self, folder: str, *, recursive: bool = False) -> list[FileInfo]:
        """Return what lies in a folder, none if there is no such folder.

        Raises:
            InputError: it cannot be listed.
        """
        try:
            found = self.filesystem.get_file_info(FileSelector(folder, recursive=recursive, allow_not_found=True))
        except OSError as error:
            raise InputError(
                f"A folder of the input cannot be listed: {error}.", where=folder, next_step="check its permissions"
            ) from None
        return list(found)

    def broken_links(self, folder: str) -> list[str]:
        """Return the links in a folder that lead nowhere, which Arrow leaves out of its listings."""
        if not isinstance(self.filesystem, LocalFileSystem):
            return []
        with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
            return [f"{folder}/{e.name}" for e in entries if e.is_symlink() and not Path(e.path).exists()]
        return []


def open_input(place: str | Path) -> Input:
    """Return the input that `--input` names."""
    return Input(str(place))


def _of_fsspec(scheme: str, path: str, uri: str) -> tuple[FileSystem, str]:
    """Open what Arrow has no file system for, if fsspec has one."""
    try:
        import fsspec

        filesystem, root = fsspec.core.url_to_fs(uri)
        return PyFileSystem(FSSpecHandler(filesystem)), root
    except (ImportError, ValueError) as error:
        raise InputError(
            f"There is no file system for {scheme}: {error}.", where=uri,
            next_step="--input takes a directory, or an address that Arrow or fsspec knows, such as s3://bucket/input",
        ) from None  # fmt: skip


@dataclass(frozen=True, order=True)
class RawFile:
    """A file of events.

    Attributes:
        path: where it is on the input's file system.
        day: UTC day of its partition.
        hour: UTC hour of its partition.
        n_bytes: its size, -1 if that is not known; an empty file makes its hour arrive and is not read.
    """

    path: str
    day: date
    hour: int
    n_bytes: int

    @property
    def name(self) -> str:
        """Its path relative to the input directory, with slashes."""
        return "/".join(self.path.split("/")[-_PARTS_OF_PATH:])

    @property
    def is_parquet(self) -> bool:
        """Whether it holds rows as they are after Refine instead of JSON lines."""
        return self.path.endswith(".parquet")


@dataclass(frozen=True)
class RawDays:
    """What the input holds for the asked days.

    Attributes:
        files: the files of events, ordered by path.
        arrived: (day, hour) with at least one file, of whatever stream.
        missing: (day, hour) for which a stream with any file that day has none.
        empty_days: days without any file.
        ignored: files of an unknown kind in the partitions of the asked days (hidden and `_` files are no surprise).
    """

    files: tuple[RawFile, ...]
    arrived: tuple[tuple[date, int], ...]
    missing: tuple[tuple[date, int], ...]
    empty_days: tuple[date, ...]
    ignored: tuple[str, ...] = ()


def discover(source: Input, days: Iterable[date]) -> RawDays:
    """List the files of exactly the asked days.

    Raises:
        InputError: there is no such directory, or no `raw` in it.
    """
    if not source.is_folder("raw"):
        is_there = source.is_folder()
        raise InputError(
            "the input directory has no raw events" if is_there else "there is no such input directory",
            where=f"{source.uri}/raw" if is_there else source.uri,
            next_step="--input wants a directory with raw/<stream>/year=…/month=…/day=…/hour=…; see docs/input.md, section 1",
        )
    inside = source.listed(f"{source.root}/raw")
    streams = sorted(info.path for info in inside if info.type == FileType.Directory and not _is_hidden(info.base_name))
    files: list[RawFile] = []
    ignored: list[str] = []
    missing_hours: set[tuple[date, int]] = set()
    wanted = sorted(set(days))
    for day in wanted:
        for stream in streams:
            found, strange = _list_day(source, stream, day)
            files += found
            ignored += strange
            if found:
                missing_hours |= {(day, hour) for hour in _HOURS} - {(file.day, file.hour) for file in found}
    arrived = {(file.day, file.hour) for file in files}
    with_input = {day for day, _ in arrived}
    return RawDays(
        files=tuple(sorted(files)),
        arrived=tuple(sorted(arrived)),
        missing=tuple(sorted(missing_hours)),
        empty_days=tuple(day for day in wanted if day not in with_input),
        ignored=tuple(ignored),
    )


def find_input(source: Input, days: Sequence[date]) -> RawDays:
    """List the files of some days, of which at least one must have input.

    Raises:
        NoInputError: none of the days has any file.
        InputError: there is no such directory, or no `raw` in it.
    """
    found = discover(source, days)
    if not found.arrived:
        first = days[0]
        raise NoInputError(
            f"There is no input for {first}{f' to {days[-1]}' if len(days) > 1 else ''}.",
            where=f"{source.uri}/raw/<stream>/year={first.year}/month={first.month}/day={first.day}",
            next_step="wait for the data, or check --input and the days",
        )
    return found


def _is_hidden(name: str) -> bool:
    return name.startswith(("_", "."))


def _list_day(source: Input, stream: str, day: date) -> tuple[list[RawFile], list[str]]:
    """Files of one stream's day, and those of unknown kind."""
    folder = f"{stream}/year={day.year}/month={day.month}/day={day.day}"
    found, strange = [], []
    for info in source.listed(folder, recursive=True):
        hour_folder, _, name = info.path.removeprefix(f"{folder}/").partition("/")
        hour = _HOUR_FOLDERS.get(hour_folder)
        if hour is None or "/" in name:
            continue
        if info.type == FileType.Directory:
            # A link that leads nowhere is a file that cannot be read.
            links = [] if name else source.broken_links(info.path)
            found += [RawFile(path, day, hour, _UNKNOWN_SIZE) for path in links if _is_of_events(path.split("/")[-1])]
        elif info.type == FileType.File and _is_of_events(name):
            found.append(RawFile(info.path, day, hour, _UNKNOWN_SIZE if info.size is None else info.size))
        elif not _is_hidden(name):
            strange.append(info.path)
    return sorted(found), sorted(strange)


def _is_of_events(name: str) -> bool:
    return name.endswith(_SUFFIXES) and not _is_hidden(name)
