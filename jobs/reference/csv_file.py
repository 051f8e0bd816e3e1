"""CSV files written by hand: read them cell by cell, and collect every problem before complaining.

A problem names file, line, field and value, says what is wrong and what to write instead. Byte-order marks, Windows
line ends and empty lines are tolerated; unknown and missing columns are not, since a misspelt column is a silent loss.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TypeVar

from jobs.errors import InputError

MAX_SHOWN = 20
NO_DATE = date(1970, 1, 1)
NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})?)?", re.ASCII)
_TRUE, _FALSE = ("true", "1", "yes"), ("false", "0", "no")

T = TypeVar("T")


@dataclass(frozen=True)
class Problem:
    """Something wrong in an input file.

    Attributes:
        file: name of the file, as under `--input`.
        line: its line, the header being 1; null where no single line is to blame.
        field: the column.
        value: the cell as it stands.
        what: what is wrong with it.
        next_step: what to write or do instead.
        severity: `error` or `warning`.
    """

    file: str
    line: int | None
    field: str
    value: str
    what: str
    next_step: str
    severity: str = "error"

    @property
    def where(self) -> str:
        """The file, line, field and value in words."""
        parts = [self.file if self.line is None else f"{self.file} line {self.line}"]
        if self.field:
            parts.append(f"{self.field} {self.value!r}" if self.value else self.field)
        return ", ".join(parts)

    def __str__(self) -> str:
        return f"{self.where}: {self.what}. {self.next_step}"


class Problems:
    """The problems found so far, in the order they were found."""

    def __init__(self) -> None:
        self.found: list[Problem] = []

    def add(self, file: str, line: int | None, field: str, value: object, what: str, next_step: str) -> None:
        """Note one problem."""
        self.found.append(Problem(file, line, field, str(value), what, next_step))

    def raise_if_any(self, folder: Path | str) -> None:
        """Raise one InputError that names every problem (the first 20 in full)."""
        raise_problems(self.found, folder)


def raise_problems(found: Sequence[Problem], folder: Path | str) -> None:
    """Raise an InputError for the problems found in the files of `folder`; do nothing if there are none."""
    if not found:
        return
    if len(found) == 1:
        only = found[0]
        raise InputError(f"{only.where}: {only.what}", where=str(Path(folder) / only.file), next_step=only.next_step)
    lines = [f"  - {problem}" for problem in found[:MAX_SHOWN]]
    if len(found) > MAX_SHOWN:
        lines.append(f"  - and {len(found) - MAX_SHOWN} more")
    raise InputError(
        f"{len(found)} problems in the input files:\n" + "\n".join(lines),
        where=str(folder),
        next_step="mend the lines named above and run again; nothing was changed",
    )


def parse_day(text: str) -> date | None:
    """Parse a day as `2026-03-19`, the one way it is written (no `20260319`, no ISO week); else null."""
    try:
        return date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        return None


def parse_time(text: str) -> datetime | None:
    """Parse a timestamp as UTC: with `T` or a space, with or without `Z` or an offset, or a plain date; else null."""
    if not _TIME.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def parse_number(text: str) -> float | None:
    """Parse a finite decimal number as people write it (no `nan`, `inf` or `1_000`); else null."""
    if not _NUMBER.fullmatch(text):
        return None
    number = float(text)
    return number if math.isfinite(number) else None


def format_time(moment: datetime | None) -> str:
    """Write a timestamp as `2026-03-19T20:36:00Z`; an open end is empty."""
    return "" if moment is None else moment.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def format_cell(value: object) -> str:
    """Write one cell canonically: numbers without a needless `.0`, booleans in lower case, null as nothing."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return format_time(value)
    if isinstance(value, float):
        return repr(value).removesuffix(".0")
    return str(value)


class Row:
    """One line of a file. Each reader returns the cell's value, or notes a problem and returns a stand-in."""

    def __init__(self, file: str, line: int, cells: dict[str, str], problems: Problems) -> None:
        self.file, self.line, self.cells, self.problems = file, line, cells, problems
        self.is_bad = False

    def fail(self, field: str, what: str, next_step: str) -> None:
        """Note a problem with a field of this line; the line will not be used."""
        self.is_bad = True
        self.problems.add(self.file, self.line, field, self.cells.get(field, ""), what, next_step)

    def text(self, field: str) -> str:
        """Read a text that must be there."""
        value = self.any_text(field)
        if not value:
            self.fail(field, "empty", f"Write a {field}")
        return value

    def any_text(self, field: str) -> str:
        """Read a text that may be empty."""
        return self.cells.get(field, "")

    def choice(self, field: str, allowed: Sequence[str], hint: str = "") -> str:
        """Read one of the allowed words."""
        value = self.cells.get(field, "")
        if value not in allowed:
            self.fail(field, f"not one of {', '.join(allowed)}", hint or f"Write {' or '.join(allowed)}")
        return value

    def flag(self, field: str) -> bool:
        """Read true or false (also 1, 0, yes, no)."""
        value = self.cells.get(field, "").lower()
        if value not in _TRUE + _FALSE:
            self.fail(field, "neither true nor false", "Write true or false")
        return value in _TRUE

    def number(self, field: str) -> float:
        """Read a finite number."""
        value = self.cells.get(field, "")
        number = parse_number(value)
        if number is None:
            self.fail(field, "not a number", "Write a decimal number such as 0.1")
            return 0.0
        return number

    def rate(self, field: str) -> float:
        """Read a share between 0 and 1."""
        text = self.cells.get(field, "")
        percent = text.endswith("%")
        number = parse_number(text.removesuffix("%").strip())
        if number is None:
            self.fail(field, "not a number", "Write a share between 0 and 1, such as 0.1 for 10 %")
            return 0.0
        if percent or not 0 <= number <= 1:
            share = number / 100
            looks = f"{text} looks like a percentage: write {share:g}"
            right = looks if 0 <= share <= 1 else "Write a share between 0 and 1"
            self.fail(field, "outside 0 to 1" if not percent else "not a share between 0 and 1", right)
        return number

    def time(self, field: str) -> datetime:
        """Read a UTC timestamp."""
        moment = parse_time(self.cells.get(field, ""))
        if moment is None:
            self.fail(field, "not a time", "Write UTC as 2026-03-19T20:36:00Z, or a date as 2026-03-19")
            return NO_TIME
        return moment

    def day(self, field: str) -> date:
        """Read a plain date."""
        day = parse_day(self.cells.get(field, ""))
        if day is None:
            self.fail(field, "not a date", "Write a UTC day as 2026-03-19")
            return NO_DATE
        return day

    def days(self, field: str) -> int:
        """Read the number of days of a window."""
        value = self.cells.get(field, "")
        if value.isascii() and value.isdigit():
            return int(value)
        self.fail(field, "not a whole number of days", "Write 7, or nothing for quarter_to_date")
        return 0


def _header(file: str, header: list[str], columns: Collection[str], problems: Problems) -> bool:
    """Check the first line; false where the rest cannot be read."""
    expected = ",".join(columns)
    missing = [name for name in columns if name not in header]
    unknown = [name for name in header if name not in columns]
    for name in missing:
        problems.add(file, 1, name, "", "the column is missing", f"The first line must be {expected}")
    for name in unknown:
        problems.add(file, 1, name or "(unnamed)", "", "unknown column", f"The first line must be {expected}")
    for name in sorted({name for name in header if header.count(name) > 1}):
        problems.add(file, 1, name, "", "the column stands twice", f"The first line must be {expected}")
    return not missing and not unknown and len(set(header)) == len(header)


def read_table(
    file: str, raw: bytes, columns: Collection[str], build: Callable[[Row], T], problems: Problems
) -> tuple[T, ...]:
    """Read a CSV file into typed rows.

    Args:
        file: its name, for the messages.
        raw: its bytes, UTF-8 with or without a byte-order mark.
        columns: the columns it must have, in any order.
        build: makes the typed row out of a line; lines with a problem are left out.
        problems: where problems are noted.
    """
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        problems.add(file, None, "", "", f"not UTF-8 (byte {error.start})", "Save the file as UTF-8")
        return ()
    lines = _lines(file, text, problems)
    _, header = next(lines, (0, None))
    if header is None:
        problems.add(file, 1, "", "", "the file is empty", f"The first line must be {','.join(columns)}")
        return ()
    if not _header(file, header, columns, problems):
        return ()
    rows: list[T] = []
    for number, cells in lines:
        if len(cells) != len(header):
            what = f"{len(cells)} cells where the first line has {len(header)}"
            problems.add(file, number, "", "", what, "Add or remove commas; quote a text with a comma")
            continue
        row = Row(file, number, dict(zip(header, cells, strict=True)), problems)
        built = build(row)
        if not row.is_bad:
            rows.append(built)
    return tuple(rows)


def _lines(file: str, text: str, problems: Problems) -> Iterator[tuple[int, list[str]]]:
    """Yield the lines that are not empty with their numbers, cells stripped; stop at a line that is no CSV."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for raw_cells in reader:
            cells = [cell.strip() for cell in raw_cells]
            if any(cells):
                yield reader.line_num, cells
    except csv.Error as error:
        problems.add(file, reader.line_num, "", "", f"not CSV ({error})", "Check the quotes on this line")


def write_table(path: Path, columns: Collection[str], rows: Iterable[object]) -> None:
    """Write rows with attributes named as the columns, as UTF-8 with Unix line ends."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([format_cell(getattr(row, name)) for name in columns] for row in rows)
