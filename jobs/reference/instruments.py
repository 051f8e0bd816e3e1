"""Which instruments are in force on which days."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date

from jobs.reference.rows import USAGE_ROLES, InstrumentRow
from jobs.windows import DAY


def instruments_between(
    instruments: Iterable[InstrumentRow], roles: Collection[str], start: date, end: date
) -> tuple[str, ...]:
    """Return the instruments that have one of some roles on some day of `[start, end)`, sorted."""
    found = {row.instrument_name for row in instruments if row.role in roles and row.stretch.touches(start, end)}
    return tuple(sorted(found))


def usage_instruments(instruments: Iterable[InstrumentRow], day: date) -> tuple[str, ...]:
    """Return the instruments that measure the dashboard itself on a day (the rules allow one at a time)."""
    return instruments_between(instruments, USAGE_ROLES, day, day + DAY)
