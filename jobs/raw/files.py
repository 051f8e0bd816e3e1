"""The raw partitions under `--input`: which files and hours there are.

Layout: `raw/<stream>/year=2026/month=3/day=19/hour=20/<any>.json.gz|.json|.parquet`, UTC, unpadded numbers. The input
is a directory, or whatever else Arrow or fsspec has a file system for (`s3://bucket/input`, `hdfs://…`, `memory://…`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from pyarrow.fs import FileType

from jobs.errors import InputError, NoInputError
from jobs.raw.place import Input, open_input
from jobs.raw.strays import LAYOUT, FoldersAbove, in_words, input_above, is_hidden, is_of_events, is_stray

__all__ = ["Input", "RawDays", "RawFile", "discover", "find_input", "open_input", "require_raw", "require_whole"]

_HOURS = range(24)
_HOUR_FOLDERS = {f"hour={hour}": hour for hour in _HOURS}
_UNKNOWN_SIZE = -1
# raw/<stream>/year=/month=/day=/hour=/<file>: the last seven parts of a path.
_PARTS_OF_PATH = 7
_INCOMPLETE = "INCOMPLETE"


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
        ignored: what lies in the partitions of the asked days, or beside them, and is not read (`raw/strays.py`).
    """

    files: tuple[RawFile, ...]
    arrived: tuple[tuple[date, int], ...]
    missing: tuple[tuple[date, int], ...]
    empty_days: tuple[date, ...]
    ignored: tuple[str, ...] = ()

    def of(self, days: Iterable[date]) -> RawDays:
        """Return the part of some of the days; what is ignored is told with the whole."""
        wanted = set(days)
        return RawDays(
            files=tuple(file for file in self.files if file.day in wanted),
            arrived=tuple(hour for hour in self.arrived if hour[0] in wanted),
            missing=tuple(hour for hour in self.missing if hour[0] in wanted),
            empty_days=tuple(day for day in self.empty_days if day in wanted),
        )


def discover(source: Input, days: Iterable[date]) -> RawDays:
    """List the files of exactly the asked days.

    Raises:
        InputError: there is no such directory, or no `raw` in it.
    """
    require_raw(source)
    inside = source.listed(f"{source.root}/raw")
    streams = sorted(info.path for info in inside if info.type == FileType.Directory and not is_hidden(info.base_name))
    files: list[RawFile] = []
    ignored: list[str] = []
    missing_hours: set[tuple[date, int]] = set()
    above = FoldersAbove(source, inside, streams)
    wanted = sorted(set(days))
    for day in wanted:
        for stream in streams:
            found, strange = _list_day(source, stream, day)
            files += found
            ignored += strange
            if found:
                missing_hours |= {(day, hour) for hour in _HOURS} - {(file.day, file.hour) for file in found}
        ignored += above.strays(day)
    arrived = {(file.day, file.hour) for file in files}
    with_input = {day for day, _ in arrived}
    return RawDays(
        files=tuple(sorted(files)),
        arrived=tuple(sorted(arrived)),
        missing=tuple(sorted(missing_hours)),
        empty_days=tuple(day for day in wanted if day not in with_input),
        ignored=tuple(dict.fromkeys(ignored)),
    )


def require_whole(source: Input) -> None:
    """Look whether whoever fills the input says that it is not whole yet, with a file `INCOMPLETE` beside `raw`.

    Raises:
        InputError: it says so.
    """
    if source.is_file(_INCOMPLETE):
        raise InputError(
            "The input says that it is not whole.",
            where=f"{source.uri}/{_INCOMPLETE}",
            next_step="wait until who fills it takes this file away; a world that was cut off: simulate it again, "
            "with the same command",
        )


def require_raw(source: Input) -> None:
    """Look whether the input has a `raw`, and is whole.

    Raises:
        InputError: there is no such directory, or no `raw` in it, or it says that it is not whole.
    """
    require_whole(source)
    if source.is_folder("raw"):
        return
    if not source.is_folder():
        what, where, right = "there is no such input directory", source.uri, None
    else:
        what, where, right = "the input directory has no raw events", f"{source.uri}/raw", input_above(source)
    wanted = "--input wants a directory with raw/<stream>/year=…/month=…/day=…/hour=…; see docs/input.md, section 1"
    raise InputError(what, where=where, next_step=f"name the folder above it: --input {right}" if right else wanted)


def find_input(source: Input, days: Sequence[date]) -> RawDays:
    """List the files of some days, of which at least one must have input.

    Raises:
        NoInputError: none of the days has any file.
        InputError: there is no such directory, or no `raw` in it.
    """
    found = discover(source, days)
    if not found.arrived:
        first = days[0]
        span = f"{first}{f' to {days[-1]}' if len(days) > 1 else ''}"
        where = f"{source.uri}/raw/<stream>/year={first.year}/month={first.month}/day={first.day}"
        if found.ignored:
            raise NoInputError(
                f"There is no input for {span} where it is looked for, but there is {in_words(source, found.ignored)}.",
                where=where,
                next_step=f"if that is the input, rename it; expected is {LAYOUT}",
            )
        raise NoInputError(
            f"There is no input for {span}.", where=where, next_step="wait for the data, or check --input and the days"
        )
    return found


def _list_day(source: Input, stream: str, day: date) -> tuple[list[RawFile], list[str]]:
    """Files of one stream's day, and what else is there that should be told."""
    folder = f"{stream}/year={day.year}/month={day.month}/day={day.day}"
    found = []
    strange = {path.removeprefix(f"{folder}/") for path in source.broken_links(folder)}
    for info in source.listed(folder, recursive=True):
        hour_folder, _, inside = info.path.removeprefix(f"{folder}/").partition("/")
        name, _, deeper = inside.partition("/")
        hour = _HOUR_FOLDERS.get(hour_folder)
        is_folder = info.type == FileType.Directory
        if hour is None or (not name and not is_folder):
            strange.add(hour_folder)
        elif not name:
            # A link that leads nowhere is a file that cannot be read.
            links = [path.split("/")[-1] for path in source.broken_links(info.path)]
            found += [RawFile(f"{info.path}/{n}", day, hour, _UNKNOWN_SIZE) for n in links if is_of_events(n)]
            strange |= {f"{hour_folder}/{link}" for link in links if not is_of_events(link)}
        elif info.type == FileType.File and not deeper and is_of_events(name):
            found.append(RawFile(info.path, day, hour, _UNKNOWN_SIZE if info.size is None else info.size))
        else:
            strange.add(f"{hour_folder}/{name}")
    told = [path for path in strange if all(map(is_stray, path.split("/")))]
    return sorted(found), sorted(f"{folder}/{path}" for path in told)
