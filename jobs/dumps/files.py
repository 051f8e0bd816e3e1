"""The dumps below `--history`: which files the asked days need, and whether they are all there.

Layout: `<snapshot>/<wiki>/<snapshot>.<wiki>.<bucket>.tsv.bz2`. A bucket is a month, a year or `all-time`: which of them
is decided upstream by the size of a wiki, and seen here by the names of its files.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from pyarrow.fs import FileInfo, FileType

from jobs.errors import InputError, NoInputError, UsageError
from jobs.log import get_logger
from jobs.raw.place import Input
from jobs.raw.strays import MOST_NAMED, is_stray

LAYOUT = "<snapshot>/<wiki>/<snapshot>.<wiki>.<bucket>.tsv.bz2, a bucket being 2026-03, 2026 or all-time"
ALL_TIME = "all-time"
_MONTH = re.compile(r"([1-9]\d{3})-(0[1-9]|1[0-2])")
_YEAR = re.compile(r"[1-9]\d{3}")
_WIKI = re.compile(r"[a-z][a-z0-9_]*")
_SUFFIX = ".tsv.bz2"
EARLIEST = date(2001, 1, 1)
"""There are no events before it."""
Span = tuple[date, date]
"""First and last day."""
_UNKNOWN_SIZE = -1


@dataclass(frozen=True, order=True)
class DumpFile:
    """A file of a dump.

    Attributes:
        path: where it is on the file system of `--history`.
        wiki_db: the wiki of its folder.
        bucket: `2026-03`, `2026` or `all-time`.
        first: oldest day that its events can be of.
        last: newest such day, not beyond the snapshot.
        n_bytes: its size as it lies there, -1 if that is not known.
        is_newest: no later bucket of the wiki is there.
    """

    path: str
    wiki_db: str
    bucket: str
    first: date
    last: date
    n_bytes: int
    is_newest: bool

    @property
    def name(self) -> str:
        """Its path relative to `--history`, with slashes."""
        return "/".join(self.path.split("/")[-3:])


def last_day_of(snapshot: str) -> date:
    """Return the last day a snapshot can hold: that of its month.

    Raises:
        UsageError: it is no month.
    """
    found = _MONTH.fullmatch(snapshot)
    if found is None:
        raise UsageError(
            f"--snapshot {snapshot!r} is no snapshot of mediawiki_history.", next_step="name a month, as 2026-03"
        )
    year, month = int(found[1]), int(found[2])
    return date(year, month, monthrange(year, month)[1])


def find_dumps(history: Input, snapshot: str, wikis: Sequence[str] | None, spans: Sequence[Span]) -> list[DumpFile]:
    """List the files that can hold events of some days.

    Args:
        history: the directory, or address, of `--history`.
        snapshot: a month.
        wikis: whose files; None: of every wiki that has a folder.
        spans: of the days, at least one.

    Returns:
        Files, ordered by wiki and bucket: together they cover every one of the days, for every wiki.

    Raises:
        UsageError: the snapshot is none, or ends before the last day; a wiki has no folder.
        NoInputError: the snapshot, or a file of it that the days need, is not there yet.
        InputError: there is no such directory; a wiki has buckets of different kinds.
    """
    end, last = last_day_of(snapshot), max(last for _, last in spans)
    if last > end:
        raise UsageError(
            f"Snapshot {snapshot} ends before {last}.", where=history.uri,
            next_step=f"{end} is the last possible day; or name a later snapshot",
        )  # fmt: skip
    found: list[DumpFile] = []
    strays: list[str] = []
    for wiki in _wikis(history, snapshot, wikis, strays):
        there = _of_wiki(history, snapshot, wiki, strays)
        found += _needed(history, snapshot, wiki, there, spans)
    _tell(history, strays)
    return found


def _wikis(history: Input, snapshot: str, asked: Sequence[str] | None, strays: list[str]) -> list[str]:
    """Return the asked wikis, all of which have a folder."""
    if not history.is_folder():
        raise InputError("There is no such directory.", where=history.uri, next_step=f"--history wants {LAYOUT}")
    if not history.is_folder(snapshot):
        raise _no_snapshot(history, snapshot)
    inside = history.listed(f"{history.root}/{snapshot}")
    there = sorted(info.base_name for info in inside if _is_of_wiki(info))
    strays += [info.path for info in inside if not _is_of_wiki(info) and is_stray(info.base_name)]
    strays += history.broken_links(f"{history.root}/{snapshot}")
    if unknown := sorted(set(asked or ()) - set(there)):
        raise UsageError(
            f"Snapshot {snapshot} has no wiki {', '.join(unknown)}.", where=f"{history.uri}/{snapshot}",
            next_step=_which_wiki(unknown, there),
        )  # fmt: skip
    if not there:
        raise NoInputError(
            f"There is no wiki in snapshot {snapshot} yet.", where=f"{history.uri}/{snapshot}",
            next_step=f"wait for it; expected is {LAYOUT}",
        )  # fmt: skip
    return there if asked is None else sorted(set(asked))


def _which_wiki(unknown: Sequence[str], there: Sequence[str]) -> str:
    """Say what to give instead: the wikis of a list are there, if each of them is."""
    listed = [wiki.strip() for names in unknown for wiki in names.split(",")]
    if len(listed) > len(unknown) and set(listed) <= set(there):
        return f"--wiki takes one: give it once for each wiki: {' '.join(f'--wiki {wiki}' for wiki in listed)}"
    more = len(there) - MOST_NAMED
    named = ", ".join(there[:MOST_NAMED]) + (f" and {more:,} more" if more > 0 else "") if there else "none"
    return f"check --wiki; there are: {named}"


def _no_snapshot(history: Input, snapshot: str) -> InputError | NoInputError:
    """Return what to raise where there is no such snapshot: nobody should wait for what lies a level above or below."""
    near = None
    if history.is_folder(f"history/{snapshot}"):
        near = f"{history.uri}/history"
    elif history.root.rsplit("/", 1)[-1] == snapshot:
        near = history.uri.rstrip("/").rpartition("/")[0] or "."
    if near is not None:
        return InputError(f"Snapshots are in {near}.", where=history.uri, next_step=f"--history {near}")
    inside = history.listed(history.root)
    there = sorted(
        info.base_name for info in inside if info.type == FileType.Directory and _MONTH.fullmatch(info.base_name)
    )
    older = len(there) - MOST_NAMED
    named = ", ".join(there[-MOST_NAMED:]) + (f" and {older:,} older" if older > 0 else "")
    return NoInputError(
        f"There is no snapshot {snapshot} yet.", where=f"{history.uri}/{snapshot}",
        next_step="wait for it, about a week after its month, or check --history and --snapshot"
        + (f"; there are: {named}" if there else ""),
    )  # fmt: skip


def _is_of_wiki(info: FileInfo) -> bool:
    return info.type == FileType.Directory and _WIKI.fullmatch(info.base_name) is not None


def _of_wiki(history: Input, snapshot: str, wiki: str, strays: list[str]) -> dict[str, FileInfo]:
    """Return the files of a wiki by bucket; what else lies there is added to the strays."""
    folder = f"{history.root}/{snapshot}/{wiki}"
    end, start = last_day_of(snapshot), f"{snapshot}.{wiki}."
    found = {}
    for info in history.listed(folder):
        name = info.base_name
        bucket = name.removeprefix(start).removesuffix(_SUFFIX)
        is_whole = info.type == FileType.File and name == f"{start}{bucket}{_SUFFIX}"
        if is_whole and _is_bucket(bucket) and _days_of(bucket, end)[0] <= end:
            found[bucket] = info
        elif is_stray(name):
            strays.append(info.path)
    strays += history.broken_links(folder)
    if len({len(bucket) for bucket in found}) > 1:
        raise InputError(
            f"The dumps of {wiki} are cut in different ways: {', '.join(sorted(found)[:MOST_NAMED])}.",
            where=f"{history.uri}/{snapshot}/{wiki}",
            next_step="keep the files of one kind (months, years or all-time): others would count events twice",
        )
    return found


def _needed(
    history: Input, snapshot: str, wiki: str, there: dict[str, FileInfo], spans: Sequence[Span]
) -> Iterator[DumpFile]:
    """Give the files of a wiki that the days need, in order."""
    base = f"{snapshot}/{wiki}/{snapshot}.{wiki}"
    if not there:
        raise _awaited(history, f"{base}.<bucket>{_SUFFIX}")
    end, newest = last_day_of(snapshot), max(there)
    for bucket in sorted({bucket for span in spans for bucket in _buckets(newest, *span)}):
        info = there.get(bucket)
        if info is None or info.size == 0:
            if bucket < min(there):
                raise _begins_later(history, f"{base}.{bucket}{_SUFFIX}", wiki, min(there))
            raise _awaited(history, f"{base}.{bucket}{_SUFFIX}")
        size = _UNKNOWN_SIZE if info.size is None else info.size
        yield DumpFile(info.path, wiki, bucket, *_days_of(bucket, end), size, bucket == newest)


def _awaited(history: Input, name: str) -> NoInputError:
    return NoInputError(
        "The snapshot is not all there yet: a file that the asked days need is missing, or still empty.",
        where=f"{history.uri}/{name}",
        next_step="wait for it, or copy it from where the others came from; then rerun",
    )


def _begins_later(history: Input, name: str, wiki: str, oldest: str) -> NoInputError:
    return NoInputError(
        f"The dumps of {wiki} begin with {oldest}, and a window begins before it.",
        where=f"{history.uri}/{name}",
        next_step="fetch this file; if the wiki is no older, choose windows that lie in the files there are",
    )


def _is_bucket(text: str) -> bool:
    return text == ALL_TIME or _YEAR.fullmatch(text) is not None or _MONTH.fullmatch(text) is not None


def _buckets(like: str, first: date, last: date) -> list[str]:
    """Return the buckets of the kind of one of them that the days need."""
    if like == ALL_TIME:
        return [ALL_TIME]
    years = range(first.year, last.year + 1)
    if _YEAR.fullmatch(like):
        return [f"{year:04}" for year in years]
    months = [f"{year:04}-{month:02}" for year in years for month in range(1, 13)]
    return [month for month in months if f"{first:%Y-%m}" <= month <= f"{last:%Y-%m}"]


def _days_of(bucket: str, end: date) -> tuple[date, date]:
    """Return the first and last day of a bucket in a snapshot that ends at some day."""
    if bucket == ALL_TIME:
        return EARLIEST, end
    if _YEAR.fullmatch(bucket):
        return date(int(bucket), 1, 1), min(date(int(bucket), 12, 31), end)
    last = last_day_of(bucket)
    return last.replace(day=1), min(last, end)


def _tell(history: Input, strays: Sequence[str]) -> None:
    """Warn of what was passed over: the first few by name, the others by their number."""
    log = get_logger()
    for path in strays[:MOST_NAMED]:
        log.warning("passed over: no dump", path=path.removeprefix(f"{history.root}/"), expected=LAYOUT)
    if len(strays) > MOST_NAMED:
        log.warning("passed over: more of these", count=len(strays) - MOST_NAMED)
