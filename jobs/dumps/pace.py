"""How many events a day a file had before its last one, how long it was ever silent, and since when it has as many."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

from jobs.windows import DAY

FOUR_WEEKS = 28  # a wiki of all years is judged by what it is now
TWENTIETH = 1 / 20  # of its events a day: with fewer a file has hardly begun
_EPOCH = date(1970, 1, 1)


class Pace(NamedTuple):
    """Columns of FILES, by their names."""

    last_event_date: date | None
    usual_from: date | None
    events_a_day: float
    longest_silence: int


def pace_of(events: Mapping[int, int]) -> Pace:
    """Sum up a file.

    Args:
        events: how many there are by day, days since 1970; none is of no day.
    """
    if not events:
        return Pace(None, None, 0.0, 0)
    first, last = min(events), max(events)
    counts = [events.get(day, 0) for day in range(max(first, last - FOUR_WEEKS + 1), last + 1)]
    # One day of a bot would make the days after it look too quiet. Of two days the other may be cut, and nearly empty.
    usual = sorted(counts)[:-1] if len(counts) > 2 else counts
    a_day = sum(usual) / len(usual)
    begin = min(day for day, count in events.items() if count >= a_day * TWENTIETH)
    return Pace(_EPOCH + last * DAY, _EPOCH + begin * DAY, a_day, _longest_silence(counts))


def _longest_silence(counts: list[int]) -> int:
    longest = running = 0
    for count in counts:
        running = 0 if count else running + 1
        longest = max(longest, running)
    return longest
