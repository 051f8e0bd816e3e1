"""Counts of few users are told to nobody: not in words, and not in the numbers that pages show of what was compared.

A verdict is read by more people than the tables: it is a row of a mart, a line of the log, a mail. So a count from 1 to
`[privacy] min_users` - 1 of what users did is in it "fewer than 10", and what is compared is the largest of these
numbers. Zero is told, as in the marts. The verdict stays, but that such a count is never too high: to say so would say
how small it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from numbers import Real
from typing import Any

import pandas as pd

from expectations.checks import Check

LEAST = "least_shown"


class Few:
    """A count that is not shown: whatever the number format, it is written as what it is less than."""

    def __init__(self, least: float) -> None:
        self.least = least

    def __format__(self, form: str) -> str:
        return f"fewer than {self.least:.0f}"


def hide_small_counts(checks: Iterable[Check], profiles: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Return the profiles with no small count of users in the columns that checks compare.

    Args:
        checks: the suite; `Check.users` names the counts.
        profiles: frames by name, with the column `min_users` (`Thresholds.attach`), and `unit` where the counts are
            weighted by 1/rate: what one kept event stands for.

    Returns:
        The frames, with `least_shown`, below which a count is not told.
    """
    given = {name: frame.assign(**{LEAST: frame["min_users"] * frame.get("unit", 1)})
             for name, frame in profiles.items()}  # fmt: skip
    found = dict(given)
    for check in checks:
        frame = given.get(check.profile)
        if frame is not None and set(check.columns) <= set(frame.columns):
            found[check.profile] = found[check.profile].assign(**_compared(check, frame))
    return found


def in_words(check: Check, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that fill a check's words; a small count of users is `Few`."""
    small = {name for name in check.users if _is_number(values.get(name)) and 0 < values[name] < values[LEAST]}
    return {name: Few(values[LEAST]) if name in small else value for name, value in values.items()}


def _compared(check: Check, frame: pd.DataFrame) -> dict[str, pd.Series[Any]]:
    """Return the columns of a check as they are compared: a small count is the largest of the small ones.

    The other number of the row moves too where the count would pass it.
    """
    least, most = frame[LEAST], frame[LEAST] - 1
    found: dict[str, pd.Series[Any]] = {}
    for count in set(check.columns) & set(check.users):
        is_small = _true((frame[count] > 0) & (frame[count] < least))
        found[count] = _moved(frame[count], is_small, most)
        low, high = (check.arguments[name] if count == check.arguments.get(other) else None
                     for name, other in (("column_B", "column_A"), ("column_A", "column_B")))  # fmt: skip
        if low is not None:
            is_below = _true(frame[count] < frame[low])
            limit = _moved(frame[low], is_small & is_below & _true(frame[low] < least), least)
            found[low] = _moved(limit, is_small & ~is_below & _true(limit > most), most)
        if high is not None:
            found[high] = _moved(frame[high], is_small & _true(frame[high] < most), most)
    return found


def _moved(column: pd.Series[Any], where: pd.Series[bool], to: pd.Series[Any]) -> pd.Series[Any]:
    """Return a column with other numbers in some rows, of the same type."""
    return column.mask(where, to).astype(column.dtype) if where.any() else column


def _true(condition: pd.Series[Any]) -> pd.Series[bool]:
    """Take what is not known for false."""
    return condition.astype("boolean").fillna(False).astype("bool")


def _is_number(value: object) -> bool:
    return isinstance(value, Real)  # numpy's own integers are no `int`
