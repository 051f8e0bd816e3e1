"""What an audience is counted from: which dumps the windows need, and whether they hold what was asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from jobs.audience import Band
from jobs.dumps.files import EARLIEST, DumpFile, Span, find_dumps
from jobs.dumps.frame import Dumps, read_dumps
from jobs.errors import UsageError
from jobs.log import get_logger
from jobs.progress import Told
from jobs.raw.place import Input
from jobs.steps.audience_told import tell_read
from jobs.steps.job import Job
from jobs.warehouse.tables import spans
from jobs.windows import DAY, days, rolling_start


@dataclass(frozen=True)
class Wanted:
    """What the command asks for.

    Attributes:
        history: where the snapshots are.
        snapshot: which, as `2026-03`.
        as_of: last days of the windows, in order.
        wikis: which; None for all of the snapshot.
        bands, windows: of edit counts, and of days; in order.
    """

    history: Input
    snapshot: str
    as_of: tuple[date, ...]
    wikis: tuple[str, ...] | None
    bands: tuple[Band, ...]
    windows: tuple[int, ...]

    @property
    def first(self) -> date:
        """The first day of all windows."""
        return rolling_start(self.as_of[0], self.windows[-1])

    @property
    def last(self) -> date:
        """The last."""
        return self.as_of[-1]

    @property
    def spans(self) -> list[Span]:
        """The days of all windows, as spans that do not touch."""
        return spans([day for last in self.as_of for day in days(rolling_start(last, self.windows[-1]), last + DAY)])

    @property
    def options(self) -> list[str]:
        """The options of the command that asks for it, but for `--history`."""
        dates = [word for day in self.as_of for word in ("--as-of", f"{day}")]
        wikis = [word for wiki in self.wikis or () for word in ("--wiki", wiki)]
        bands, windows = (",".join(map(str, listed)) for listed in (self.bands, self.windows))
        return ["--snapshot", self.snapshot, *dates, *wikis, "--bands", bands, "--windows", windows]


def wanted_dumps(wanted: Wanted) -> list[DumpFile]:
    """List the files that the windows need, before an engine starts.

    Raises:
        UsageError: the snapshot is none, or ends before an as-of date; a window begins before all events; a wiki is
            unknown.
        NoInputError: not all of it is there yet.
        InputError: it cannot be used, whoever waits.
    """
    earliest = EARLIEST + (wanted.windows[-1] - 1) * DAY
    if wanted.as_of[0] < earliest:
        raise UsageError(
            f"A window of {wanted.windows[-1]} days to {wanted.as_of[0]} begins before {EARLIEST}, when there was no "
            "wiki.",
            where="--as-of",
            next_step=f"{earliest} is the first possible day of this window",
        )
    return find_dumps(wanted.history, wanted.snapshot, wanted.wikis, wanted.spans)


def read_wanted(job: Job, wanted: Wanted, files: Sequence[DumpFile]) -> Dumps:
    """Read the dumps, and say what became of their rows.

    Raises:
        NoInputError: a dump is cut off or empty, as one that is still copied.
        InputError: a dump is damaged, or no dump.
    """
    megabytes = round(sum(max(file.n_bytes, 0) for file in files) / 1e6, 1)
    get_logger().info("reading dumps", files=len(files), megabytes=megabytes)
    with Told("dumps read") as told:
        dumps = read_dumps(
            job.engine, wanted.history, files, wanted.spans,
            workers=job.settings.engine.workers, progress=told,
        )  # fmt: skip
    tell_read(job.console, dumps.files, wanted.snapshot, wanted.first, wanted.last)
    return dumps


def require_events(wanted: Wanted, files: Sequence[DumpFile], told: pd.DataFrame) -> None:
    """Refuse an as-of date behind the last event of the snapshot.

    Where a file that was read is not the newest of its wiki, the snapshot goes on, and there is nothing to refuse. A
    file that ends before the others is for the gate to judge.

    Args:
        wanted: what was asked for.
        files: what was read.
        told: what `read_dumps` says of them.

    Raises:
        UsageError: naming the last day that is possible.
    """
    newest = {file.name: file.wiki_db for file in files if file.is_newest}
    if not newest:
        return
    of_newest = told[told["file"].isin(list(newest))]
    last_of = of_newest.dropna(subset="last_event_date").groupby("wiki_db")["last_event_date"].max()
    if len(newest) == len({file.wiki_db for file in files}):
        _require_any(wanted, last_of, sorted(newest.values()))


def _require_any(wanted: Wanted, last_of: pd.Series[Any], wikis: Sequence[str]) -> None:
    """Refuse an as-of date behind the last event of the wikis, of each of which the newest file was read."""
    if last_of.empty:
        raise UsageError(
            f"No dump of snapshot {wanted.snapshot} has any event.",
            where=f"{wanted.history.uri}/{wanted.snapshot}",
            next_step="fetch them again, or name another --wiki",
        )
    last = last_of.max()
    if wanted.last <= last:
        return
    if len(wikis) == 1:
        raise UsageError(
            f"The last event of {wikis[0]}, the only wiki read, is of {last}; {wanted.last} lies behind it.",
            where="--as-of",
            next_step=f"{last} is the last possible day; or count it together with other wikis of snapshot "
            f"{wanted.snapshot}, which tells whether that goes on",
        )
    raise UsageError(
        f"{wanted.last} lies behind the last event of snapshot {wanted.snapshot}.",
        where="--as-of",
        next_step=f"{last} is the last possible day; or wait for a later snapshot",
    )
