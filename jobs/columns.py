"""Column lists as data. Tables and CSVs state theirs here, once; `schemas.py` says them in an engine's types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from types import NoneType
from typing import Any, Final, Literal, get_args, get_type_hints

Plain = Literal["string", "int", "bigint", "double", "boolean", "date", "timestamp"]
STRING: Final = "string"
INT: Final = "int"
BIGINT: Final = "bigint"
DOUBLE: Final = "double"
BOOLEAN: Final = "boolean"
DATE: Final = "date"
TIMESTAMP: Final = "timestamp"


@dataclass(frozen=True)
class Array:
    """A list of values of one kind."""

    of: Kind


@dataclass(frozen=True)
class Struct:
    """Several named values in one."""

    fields: Columns


Kind = Plain | Array | Struct
Columns = Mapping[str, Kind]
"""Columns in order: the name of each, and what it holds. Every one may be null."""

_KINDS: dict[type, Plain] = {
    str: STRING, int: INT, float: DOUBLE, bool: BOOLEAN, date: DATE, datetime: TIMESTAMP,
}  # fmt: skip


def columns_of(row: type[Any]) -> Columns:
    """Return the columns that a dataclass of plain fields states: those of its fields that count in comparisons."""
    hints = get_type_hints(row)
    return {field.name: _KINDS[without_null(hints[field.name])[0]] for field in fields(row) if field.compare}


def without_null(hint: Any) -> tuple[type, bool]:
    """Return what a field holds where it is not null, and whether it may be null."""
    kinds = get_args(hint) or (hint,)
    return next(kind for kind in kinds if kind is not NoneType), NoneType in kinds
