"""Options that several commands share, and how the text of an option becomes a day, a time or a folder."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from jobs.errors import UsageError
from jobs.reference.csv_file import parse_day, parse_time
from jobs.windows import days


def day(text: str) -> date:
    """Return the day that a text names.

    Raises:
        typer.BadParameter: it names none.
    """
    found = parse_day(text)
    if found is None:
        raise typer.BadParameter(f"{text!r} is not a day; write YYYY-MM-DD")
    return found


def moment(text: str) -> datetime:
    """Return the time that a text names, in UTC; without an offset it is UTC.

    Raises:
        typer.BadParameter: it names none.
    """
    found = parse_time(text)
    if found is None:
        raise typer.BadParameter(
            f"{text!r} is not a time; write YYYY-MM-DDTHH:MM:SS, in UTC or with an offset (+01:00)"
        )
    return found


def folder(text: str | Path) -> Path:
    """Return the folder of this machine that a text names; a default comes as the path it is.

    Raises:
        UsageError: it is an address, which as a path would be a folder `s3:` beside the caller.
    """
    scheme, found, _ = str(text).partition("://")
    if not found:
        return Path(text)
    next_step = "write the path alone, without file://" if scheme == "file" else "name a folder of this machine"
    raise UsageError(
        f"An address ({scheme}://…) is not supported here, only a folder of this machine.",
        where=str(text),
        next_step=next_step,
    )


def warehouse_place(text: str | Path) -> Path | str:
    """Return the folder that a text names, or the address it is, which stays text.

    Raises:
        UsageError: it is an address of this machine, which has a path.
    """
    is_address = "://" in str(text) and not str(text).startswith("file:")
    return str(text) if is_address else folder(text)


def day_range(on: date | None, start: date | None, end: date | None) -> tuple[date, date]:
    """Turn --date, or --start and --end, into a half-open range.

    Raises:
        UsageError: they do not name one.
    """
    if on is not None and start is None and end is None:
        return on, on + timedelta(days=1)
    if on is None and start is not None and end is not None:
        if end <= start:
            raise UsageError(
                f"--end {end} is not after --start {start}; --end is exclusive.", next_step="give a later --end"
            )
        return start, end
    raise UsageError("Name the days: --date DAY, or --start DAY with --end DAY (exclusive).")


def days_asked(on: date | None, start: date | None, end: date | None, *, may_lack: bool) -> list[date]:
    """Return every day that `day_range` finds; none where no day is named, if there `may_lack` one.

    Raises:
        UsageError: they do not name one.
    """
    if may_lack and (on, start, end) == (None, None, None):
        return []
    return days(*day_range(on, start, end))


def range_or_late(is_late: bool, on: date | None, start: date | None, end: date | None) -> tuple[date, date] | None:
    """Return the named days as `day_range` does, or None for `--late`, beside which none may be named.

    Raises:
        UsageError: both, or neither.
    """
    if not is_late:
        return day_range(on, start, end)
    if (on, start, end) != (None, None, None):
        raise UsageError(
            "--late finds the days itself: those of which an hour arrived after they were published.",
            where="--late beside --date, --start or --end", next_step="leave out the one or the other",
        )  # fmt: skip
    return None


class SqlCommand(TyperCommand):
    """A command whose argument is SQL, which may begin with a comment, and so as an option does."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put what begins like an option and has blanks, as no option has, behind the end of options."""
        sql = [text for text in args if text.startswith("--") and any(map(str.isspace, text))]
        rest = [text for text in args if text not in sql]
        return super().parse_args(ctx, [*rest, "--", *sql] if sql else rest)


_INPUT = "Directory with raw/, sampling_policy.csv, wikis.csv …"
InputDir = Annotated[
    Path,
    typer.Option("--input", envvar="PDMETRICS_INPUT", parser=folder, metavar="DIRECTORY", help=_INPUT),
]
InputPlace = Annotated[str, typer.Option("--input", envvar="PDMETRICS_INPUT", help=f"{_INPUT}, or s3://…, hdfs://…")]
WarehousePlace = Annotated[
    Any,  # a Path, or an address as text
    typer.Option(
        envvar="PDMETRICS_WAREHOUSE",
        parser=warehouse_place,
        metavar="DIRECTORY",
        help="Where the lake and the marts live; or s3://…, with a \\[catalog].",
    ),
]
StartDay = Annotated[date | None, typer.Option("--start", parser=day, metavar="DAY", help="First day (UTC).")]
EndDay = Annotated[
    date | None, typer.Option("--end", parser=day, metavar="DAY", help="Day after the last (exclusive).")
]
OneDay = Annotated[date | None, typer.Option("--date", parser=day, metavar="DAY", help="One day (UTC).")]
