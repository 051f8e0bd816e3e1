"""What truth is computed from, the rows it is written as, and the sums over windows every metric shares.

Truth is brute force: dense matrices of (user, day) over the complete population, cumulated along the days. That is a
method of its own, unlike the product's; and it sees every event, sampled or not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from jobs.simulation.sampling import Bool, Float, Int
from jobs.simulation.vocabulary import ENTRY_POINT, INSTRUMENT_START, PLATFORMS, REVIEW_LINKS, Vocabulary

COLUMNS = (
    "metric", "wiki_db", "window_kind", "metric_date", "as_of_date", "element_friendly_name",
    "client_platform_family", "edit_count_bucket", "value", "numerator", "denominator", "n_users",
)  # fmt: skip
ALL = "all"


@dataclass(frozen=True)
class TruthEvents:
    """All events of one wiki's named users, one entry each, in any order.

    Attributes:
        day: day of the world (UTC date of `meta.dt`).
        user, pageview, token: numbers within the wiki (token -1: none).
        action: 0 pageview (a dashboard load), 1 impression, 2 click.
        element: code in the vocabulary, -1 for loads.
        platform, bucket: codes.
        session: number within the wiki.
    """

    day: Int
    user: Int
    pageview: Int
    token: Int
    action: Int
    element: Int
    platform: Int
    bucket: Int
    session: Int

    def take(self, where: Bool) -> TruthEvents:
        """Return the events of a mask."""
        return TruthEvents(
            self.day[where], self.user[where], self.pageview[where], self.token[where],
            self.action[where], self.element[where], self.platform[where], self.bucket[where], self.session[where],
        )  # fmt: skip


@dataclass(frozen=True)
class Setting:
    """A sampling unit and rate, and the first and last day of the world it was declared on (or days beyond it)."""

    unit: str
    rate: float
    first: int
    last: int


ALWAYS_WHOLE = (Setting("pageview", 1.0, -(10**6), 10**6),)


@dataclass(frozen=True)
class WikiTruth:
    """A wiki's events, the day of the world from which its dashboard is displayed, and how loads were sampled."""

    wiki_db: str
    visible: int
    events: TruthEvents
    settings: tuple[Setting, ...] = ALWAYS_WHOLE


@dataclass(frozen=True)
class Frame:
    """The days and elements of a world.

    Attributes:
        start: first day.
        days: number of days.
        vocabulary: elements and the days they are live.
        buckets: names of the edit-count buckets, by code.
        anonymous_entry: whether entry points carry no user ids.
        measured: (element, platform, day).
    """

    start: date
    days: int
    vocabulary: Vocabulary
    buckets: tuple[str, ...]
    anonymous_entry: bool = False
    measured: Bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "measured", self.vocabulary.measured(self.start, self.days))

    def name(self, day: int) -> str:
        """ISO date of a day of the world."""
        return (self.start + timedelta(days=day)).isoformat()

    def offset(self, day: date) -> int:
        """Day of the world of a date (negative before its start)."""
        return (day - self.start).days

    def review_measured(self) -> Bool:
        """Whether any review link can be measured, by (platform, day)."""
        return np.asarray(self.measured[self.vocabulary.codes(REVIEW_LINKS)].any(axis=0))

    def quarter_starts(self, first_measured: int) -> Int:
        """First day of the quarter to date for each day of the world, `first_measured` at the earliest."""
        days = [self.start + timedelta(days=t) for t in range(self.days)]
        quarters = [self.offset(date(day.year, 3 * ((day.month - 1) // 3) + 1, 1)) for day in days]
        earliest = max(first_measured, self.offset(INSTRUMENT_START))
        return np.array([max(quarter, earliest) for quarter in quarters], dtype=np.int64)

    def first_review_day(self) -> int:
        """Day of the world (perhaps before it) on which review links are first measured on both platforms."""
        rows = [row for row in self.vocabulary.stretches if row.link_group == REVIEW_LINKS]
        by_platform = [
            min(row.measured_from for row in rows if row.platform in ("*", platform)) for platform in PLATFORMS
        ]
        return self.offset(max(by_platform))

    def has_user_ids(self, element: int) -> bool:
        """Whether the element's instrument carries user ids."""
        return not (self.anonymous_entry and self.vocabulary.groups[element] == ENTRY_POINT)


@dataclass(frozen=True)
class Windows:
    """Windows of one length: the days that have a row, and their first days."""

    last: Int
    first: Int

    def of_days(self, daily: npt.NDArray[np.int64]) -> Int:
        """Sum daily counts over each window."""
        total = np.concatenate([[0], np.cumsum(daily)])
        return np.asarray(total[self.last + 1] - total[self.first])

    def of_users(self, daily: npt.NDArray[np.generic]) -> Int:
        """Sum a (user, day) matrix over each window: (user, window)."""
        total = np.zeros((daily.shape[0], daily.shape[1] + 1), dtype=np.int64)
        np.cumsum(daily, axis=1, out=total[:, 1:])
        return np.asarray(total[:, self.last + 1] - total[:, self.first])

    def all_true(self, daily: Bool) -> Bool:
        """Whether a daily condition holds on every day of each window."""
        return np.asarray(self.of_days((~daily).astype(np.int64)) == 0)

    def take(self, where: Bool) -> Windows:
        """Return the windows of a mask."""
        return Windows(self.last[where], self.first[where])


def rolling(frame: Frame, visible: int, length: int) -> Windows:
    """Windows of `length` days that start neither before the world nor before the wiki's first display."""
    last = np.arange(max(visible, 0) + length - 1, frame.days)
    return Windows(last, last - length + 1)


def quarter_to_date(frame: Frame, visible: int, first_measured: int) -> Windows:
    """Windows from the quarter's start, clipped to the first display and the first measured day.

    Windows that would start before the world are left out: those days were never seen.
    """
    first = np.maximum(frame.quarter_starts(first_measured), visible)
    last = np.arange(frame.days)
    inside = (first >= 0) & (first <= last)
    return Windows(last[inside], first[inside])


def cohorts(frame: Frame, visible: int, length: int, mondays: bool) -> Windows:
    """Cohort windows of `length` days, one for each first day or each Monday."""
    windows = rolling(frame, visible, length)
    if not mondays:
        return windows
    return windows.take((frame.start.weekday() + windows.first) % 7 == 0)


@dataclass(frozen=True)
class Series:
    """Rows of one metric and segment, one entry for each window; `values` where they are no counts or ratios."""

    metric: str
    wiki_db: str
    kind: str
    windows: Windows
    numerator: Int
    denominator: Int | None
    n_users: Int | None
    element: str = ALL
    platform: str = ALL
    bucket: str = ALL
    values: Float | None = None

    def rows(self, frame: Frame) -> Iterator[list[object]]:
        """Yield rows in the order of `COLUMNS`; a rate over zero has no value."""
        size = len(self.numerator)
        none: list[int | None] = [None] * size
        denominators = none if self.denominator is None else self.denominator.tolist()
        users = none if self.n_users is None else self.n_users.tolist()
        values = none if self.values is None else self.values.tolist()
        for first, last, numerator, denominator, n_users, own in zip(
            self.windows.first.tolist(), self.windows.last.tolist(), self.numerator.tolist(), denominators, users,
            values, strict=True,
        ):  # fmt: skip
            value: float | None = numerator if own is None else own
            if denominator is not None:
                value = numerator / denominator if denominator else None
            yield [
                self.metric, self.wiki_db, self.kind, frame.name(first), frame.name(last), self.element,
                self.platform, self.bucket, value, numerator, denominator, n_users,
            ]  # fmt: skip


def every_platform(measured: Bool) -> Bool:
    """Days on which all platforms are measured, of (platform, day): a pooled row needs every one of them."""
    return np.asarray(measured.all(axis=0))


def matrix(user: Int, day: Int, days: int, n_users: int | None = None) -> Int:
    """Count events by (user, day)."""
    size = (int(user.max()) + 1 if len(user) else 0) if n_users is None else n_users
    counts = np.bincount(user * days + day, minlength=size * days)
    return counts.reshape(size, days).astype(np.int64)
