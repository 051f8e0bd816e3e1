"""How far a limit is carried on: as a power of the time since a first day, and never too far."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date

from jobs.windows import DAY

HORIZON = 4  # times the observed span


@dataclass(frozen=True)
class Course:
    """Where a limit stands, from which it is carried on.

    Attributes:
        origin: first day of the observed span.
        now: its last day.
        hold: days that pass until what is past the target counts as reached.
        value: the limit.
    """

    origin: date
    now: date
    hold: int
    value: float

    @property
    def span(self) -> int:
        """Days that were observed."""
        return (self.now - self.origin).days + 1

    @property
    def horizon(self) -> date:
        """The last day of which anything is said."""
        return self.origin + (HORIZON * self.span - 1) * DAY

    def day(self, target: float, power: float, last: date) -> date | None:
        """Return when the target is reached if the limit grows as `t^power`; null if it is not past it by `last`."""
        if self.value <= 0 or power <= 0:
            return None
        times = math.log(target / self.value) / power  # as a logarithm, which no small power makes too large
        if times > math.log(HORIZON) + 1e-12:
            return None
        passed = self.origin + (math.ceil(self.span * math.exp(times) - 1e-9) - 1) * DAY
        return passed + self.hold * DAY if passed <= last else None
