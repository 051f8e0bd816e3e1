"""Stretches of time, of days or of moments: half-open `[start, end)`, the end null while open."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Generic, TypeVar

Moment = TypeVar("Moment", date, datetime)


@dataclass(frozen=True)
class Stretch(Generic[Moment]):
    """What lasts from `start` on until `end`, exclusive, or for good."""

    start: Moment
    end: Moment | None = None

    def holds(self, moment: Moment) -> bool:
        """Whether a moment lies in it."""
        return self.start <= moment and (self.end is None or moment < self.end)

    def touches(self, start: Moment, end: Moment | None) -> bool:
        """Whether it shares a moment with `[start, end)`."""
        return (end is None or self.start < end) and (self.end is None or start < self.end)

    def clip(self, start: Moment, end: Moment) -> tuple[Moment, Moment] | None:
        """Return the ends of what it shares with `[start, end)`, null where that is nothing."""
        first, last = max(self.start, start), end if self.end is None else min(self.end, end)
        return (first, last) if first < last else None

    def outlasts(self, other: Stretch[Moment]) -> bool:
        """Whether it ends later than another."""
        return other.end is not None and (self.end is None or self.end > other.end)


def hull(stretches: Iterable[Stretch[Moment]]) -> Stretch[Moment]:
    """Return what lasts from the first start to the last end of some stretches; a ValueError if there is none."""
    found = list(stretches)
    ends = [one.end for one in found if one.end is not None]
    return Stretch(min(one.start for one in found), max(ends) if len(ends) == len(found) else None)


def merged(stretches: Iterable[Stretch[Moment]]) -> list[Stretch[Moment]]:
    """Return stretches in order, those that overlap or follow each other without a gap as one."""
    found: list[Stretch[Moment]] = []
    for one in sorted(stretches, key=lambda stretch: stretch.start):
        last = found[-1] if found else None
        if last is None or (last.end is not None and last.end < one.start):
            found.append(one)
        elif one.outlasts(last):
            found[-1] = Stretch(last.start, one.end)
    return found


def gaps(stretches: Iterable[Stretch[Moment]], start: Moment) -> list[Stretch[Moment]]:
    """Return the stretches from `start` on in which none of the given ones holds: their complement."""
    found: list[Stretch[Moment]] = []
    free = start
    for one in merged(stretches):
        if free < one.start:
            found.append(Stretch(free, one.start))
        if one.end is None:
            return found
        free = max(free, one.end)
    found.append(Stretch(free))
    return found
