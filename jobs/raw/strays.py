"""What lies in the input beside where it is looked for: told, so that no day is lost over the name of a folder.

Of the folders above a day only the names are listed, and only those that may mean that day are told.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from pyarrow.fs import FileInfo, FileType

from jobs.log import get_logger
from jobs.raw.place import Input

LAYOUT = "raw/<stream>/year=2026/month=3/day=19/hour=20/<any>.json.gz|.json|.parquet, numbers unpadded, hours 0 to 23"
MOST_NAMED = 5
_SUFFIXES = (".json", ".json.gz", ".parquet")


def is_hidden(name: str) -> bool:
    """Whether a name says that it is nobody's concern."""
    return name.startswith(("_", "."))


def is_of_events(name: str) -> bool:
    """Whether a file of that name holds events."""
    return name.endswith(_SUFFIXES) and not is_hidden(name)


def is_stray(name: str) -> bool:
    """Whether what is no file of events should be told."""
    return not is_hidden(name) and not name.endswith(".crc")


class FoldersAbove:
    """The folders above days, each listed once."""

    def __init__(self, source: Input, raw: Sequence[FileInfo], streams: Sequence[str]) -> None:
        self._source, self._raw, self._streams = source, raw, streams
        self._listed: dict[str, list[FileInfo]] = {}

    def strays(self, day: date) -> list[str]:
        """Return what may mean a day and is not found by its name: `month=03`, `Day=19`, a file of events."""
        numbers = {"year": day.year, "month": day.month, "day": day.day}
        found = [
            info.path
            for info in self._raw
            if (info.type == FileType.File or info.base_name.lower().startswith("year"))
            and _may_mean(info.base_name, day.year, day)
        ]
        for folder in self._streams:
            for unit, number in numbers.items():
                right = f"{unit}={number}"
                found += [
                    info.path
                    for info in self._names(folder)
                    if info.base_name != right and _may_mean(info.base_name, number, day)
                ]
                folder = f"{folder}/{right}"
        return found

    def _names(self, folder: str) -> list[FileInfo]:
        if folder not in self._listed:
            self._listed[folder] = self._source.listed(folder)
        return self._listed[folder]


def _may_mean(name: str, number: int, day: date) -> bool:
    """Whether a name has the one number, or the day as a whole, or is a file of events of whatever day."""
    if not is_stray(name):
        return False
    numbers = re.findall(r"\d+", name)
    if not numbers:
        return is_of_events(name)
    return [int(one) for one in numbers] == [number] or f"{day}" in name or f"{day:%Y%m%d}" in name


def tell_strays(paths: Sequence[str]) -> None:
    """Warn of what was passed over: the first few by name, the others by their number."""
    log = get_logger()
    for path in paths[:MOST_NAMED]:
        log.warning("passed over: not where events are looked for", path=path, expected=LAYOUT)
    if len(paths) > MOST_NAMED:
        log.warning("passed over: more of these", count=len(paths) - MOST_NAMED)


def in_words(source: Input, paths: Sequence[str]) -> str:
    """Name the first few, relative to the input."""
    more = len(paths) - MOST_NAMED
    named = [path.removeprefix(f"{source.root}/") for path in paths[:MOST_NAMED]]
    return ", ".join(named) + (f" and {more} more" if more > 0 else "")


def input_above(source: Input) -> str | None:
    """Return the input directory if what was given lies inside of its `raw`; null if it does not look like that."""
    address, mark, options = source.uri.partition("?") if "://" in source.uri else (source.uri, "", "")
    parts = address.rstrip("/").split("/")
    if "raw" not in parts and source.is_local:
        parts = source.root.split("/")
    first = 3 if "://" in source.uri else 0  # after the scheme and the bucket
    if "raw" not in parts[first:]:
        return None
    at = len(parts) - 1 - parts[::-1].index("raw")
    below = parts[at + 1 :]
    names = [info.base_name for info in source.listed(source.root)] if len(below) == 1 else below[1:2]
    if below and not any(name.startswith("year=") for name in names):
        return None
    above = "/".join(parts[:at]) or ("/" if parts[0] == "" and at else ".")
    return above + mark + options
