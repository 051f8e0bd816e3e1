"""Days, weeks, quarters and windows: UTC dates, half-open ranges `[start, end)`.

A window of a metric is named by its first day (`metric_date`) and its last day (`as_of_date`); everything inside the
code is half-open, so the window of `as_of_date` A and 7 days is `[A - 6, A + 1)`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta

DAY = timedelta(days=1)
HOURS = 24  # of a day, UTC
LONGEST_QUARTER = 92  # days
TWO_YEARS = 730 * DAY  # how far back rates and habits of a wiki are looked at
REFERENCE_DAYS = 28  # that end with an as-of date: they tell what an hour that was lost could have held


def days(start: date, end: date) -> list[date]:
    """Return every day of `[start, end)` in order; an empty list if `end <= start`."""
    return [start + timedelta(days=i) for i in range((end - start).days)]


def midnight(day: date) -> datetime:
    """Return the first moment of a day, UTC."""
    return datetime.combine(day, time(), tzinfo=UTC)


def in_words(start: date, end: date) -> str:
    """Name the days of `[start, end)` as people do, the last one included: `2026-03-24 to 2026-03-26`, or one day."""
    last = end - DAY
    return str(start) if last == start else f"{start} to {last}"


def quarter_start(d: date) -> date:
    """Return the first day of the calendar quarter of `d`."""
    return date(d.year, 3 * ((d.month - 1) // 3) + 1, 1)


def quarter_end(d: date) -> date:
    """Return the first day after the calendar quarter of `d` (exclusive end)."""
    first = quarter_start(d)
    return date(first.year + 1, 1, 1) if first.month == 10 else date(first.year, first.month + 3, 1)


def rolling_start(as_of: date, window_days: int) -> date:
    """Return the first day of the window of `window_days` days whose last day is `as_of`."""
    return as_of - timedelta(days=window_days - 1)


def earliest_day(as_of: date, longest_days: int) -> date:
    """Return the earliest day that any window ending on `as_of` can contain.

    That is the earlier of the start of the longest rolling or cohort window and the start of the quarter.
    """
    return min(rolling_start(as_of, longest_days), quarter_start(as_of))


def affected_as_of(
    changed: Iterable[date], published: Iterable[date], asked: Iterable[date], longest_days: int
) -> list[date]:
    """Return the `as_of_date`s to recompute after some days changed.

    Args:
        changed: days whose facts were written anew.
        published: `as_of_date`s that have rows already.
        asked: `as_of_date`s the user asked for; always part of the answer.
        longest_days: of the longest rolling or cohort window (`Catalogue.longest_days`).

    Returns:
        Sorted distinct dates: the asked ones, and the published ones with any window (rolling, cohort, quarter to
        date) that contains a changed day. Dates neither asked nor published never appear.
    """
    changed_days = sorted(set(changed))
    touched = {
        as_of
        for as_of in set(published)
        if any(earliest_day(as_of, longest_days) <= day <= as_of for day in changed_days)
    }
    return sorted(touched | set(asked))
