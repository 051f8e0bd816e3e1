"""Lines of a CSV file as dataclasses: which reader reads the cell of a field."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

from jobs.columns import columns_of, without_null
from jobs.reference.csv_file import Row

Reader = Callable[[Row, str], Any]

_BY_TYPE: dict[type, Reader] = {
    str: Row.text, bool: Row.flag, float: Row.number, date: Row.day, datetime: Row.time,
}  # fmt: skip


@dataclass(frozen=True)
class FileRow:
    """A row of a file; `line` is the line it came from (0 if none) and does not count when rows are compared."""

    line: int = field(default=0, compare=False, kw_only=True)


T = TypeVar("T", bound=FileRow)


def choice(words: Sequence[str], hint: str = "") -> Reader:
    """Return a reader of one of some words; `hint` says what to write instead of any other."""
    return lambda row, name: row.choice(name, words, hint)


def read_row(kind: type[T], row: Row) -> T:
    """Read the cells of a line as the fields of a dataclass, in their order.

    A cell is read as the field's type says, or by the reader the type is annotated with. Where the type allows for
    null, an empty cell is null. What cannot be read is noted in the line's problems, and stood in for.
    """
    readers = _readers(kind)  # type: ignore[arg-type]  # to mypy a class is not hashable
    cells = {name: reader(row, name) for name, reader in readers.items()}
    return kind(**cells, line=row.line)


@cache
def _readers(kind: type[FileRow]) -> dict[str, Reader]:
    hints = get_type_hints(kind, include_extras=True)
    return {name: _reader(hints[name]) for name in columns_of(kind)}


def _reader(hint: Any) -> Reader:
    told, *readers = get_args(hint) if get_origin(hint) is Annotated else (hint,)
    kind, may_be_null = without_null(told)
    reader: Reader = readers[0] if readers else _BY_TYPE[kind]
    if not may_be_null:
        return reader
    return lambda row, name: reader(row, name) if row.cells.get(name) else None
