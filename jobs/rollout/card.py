"""The card: a line for each thing that was looked at, and what it says of the rollout as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

OK, WRONG, OPEN = "ok", "wrong", "open"
LIVE, NOT_YET = "live", "not yet"


@dataclass(frozen=True)
class Line:
    """What was found of one thing.

    Attributes:
        what: the thing.
        found: what was found.
        expected: what should be found.
        verdict: `ok`, `wrong`, or `open`: it cannot be said yet, or a person has to say it.
        next_step: what to do about it; empty where it is `ok`.
    """

    what: str
    found: str
    expected: str
    verdict: str
    next_step: str = ""


@dataclass(frozen=True)
class WindowState:
    """What a metric says in one of its windows, or from when on it will.

    Attributes:
        metric: its id.
        window_kind: `rolling`, `quarter_to_date` or `cohort`.
        window_days: null for quarter to date.
        status: the best status of its newest rows; without any row `waits` (its first window is open), `due` (it has
            closed), `never` (nothing measures it) or `uncounted` (of an audience, which is not of events).
        reason: the status' own, or why there is no row.
        as_of_date: last day of the newest rows' window, null without any.
        closes: last day of the first window, null where there is a row, or none will come.
        publishable: first day on which a run can publish that window.
    """

    metric: str
    window_kind: str
    window_days: int | None
    status: str
    reason: str | None = None
    as_of_date: date | None = None
    closes: date | None = None
    publishable: date | None = None

    @property
    def window(self) -> str:
        """The window in words: `rolling 7`, `quarter_to_date`."""
        return self.window_kind if self.window_days is None else f"{self.window_kind} {self.window_days}"


@dataclass(frozen=True)
class Card:
    """What closes a deployment ticket, or does not.

    Attributes:
        wiki_db: the wiki.
        as_of: the last day that was looked at.
        enabled_from, visible_from: its deployment and its first display.
        source: which rows were read.
        lines: what was looked at.
        is_seen: a load of the dashboard was seen since it is visible.
        windows: what each metric says.
    """

    wiki_db: str
    as_of: date
    enabled_from: date
    visible_from: date
    source: str
    lines: tuple[Line, ...]
    is_seen: bool
    windows: tuple[WindowState, ...]

    @property
    def verdict(self) -> str:
        """`wrong` if any line is, `live` once visitors are seen, else `not yet`."""
        if any(line.verdict == WRONG for line in self.lines):
            return WRONG
        return LIVE if self.is_seen else NOT_YET
