"""What a milestone asks for, what is seen of its metric window by window, and how it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

Status = Literal["reached", "on track", "behind", "not measurable"]
AUDIENCE_STANDS = 62  # days: two months, for a dump comes once a month, in the month after


@dataclass(frozen=True)
class Goal:
    """What is to be reached.

    Attributes:
        target, due: how much, by when; null where it is not known how much.
        is_nested: its windows hold each other (quarter to date).
        every: days from one look to the next.
        is_audience: it counts those who could be invited, who stay so: one look is enough to reach it.
        targets: what the target was on the last day of each look, where it was known; null if it never changes.
    """

    target: float | None
    due: date
    is_nested: bool = False
    every: int = 1
    is_audience: bool = False
    targets: Mapping[date, float] | None = None

    @property
    def stands(self) -> int | None:
        """For how many days a look stands; null where that is as many as its window has."""
        return AUDIENCE_STANDS if self.is_audience else None

    def asked(self, look: Look) -> float | None:
        """Return what the target was when a window ended; null where that is not known."""
        return self.target if self.targets is None else self.targets.get(look.last)


@dataclass(frozen=True)
class Counted:
    """What a count of editors rests on.

    Attributes:
        oldest: the oldest as-of date of the counts that were added up.
        days: of the window.
        power: b of t^b, by which different editors grow with time, from 0 to 1; null where it is not known.
    """

    oldest: date
    days: int
    power: float | None


@dataclass(frozen=True)
class Look:
    """The metric as one window shows it, the first and last day included; `lower` is null where it is not measured.

    Attributes:
        first, last: days of the window.
        estimate: null where only bounds are known, too.
        lower, upper: the 95 % interval.
        reason, remedy: why there is no value or estimate, and what would help.
        counted: of editors, what the count rests on.
    """

    first: date
    last: date
    estimate: float | None = None
    lower: float | None = None
    upper: float | None = None
    reason: str | None = None
    remedy: str | None = None
    counted: Counted | None = None

    @property
    def days(self) -> int:
        """Days of the window."""
        return (self.last - self.first).days + 1


@dataclass(frozen=True)
class Standing:
    """A milestone's status, since when it is reached or when it is to be expected, and why, in a sentence."""

    status: Status
    reason: str
    remedy: str | None = None
    reached_on: date | None = None
    expected_from: date | None = None
    expected_to: date | None = None
