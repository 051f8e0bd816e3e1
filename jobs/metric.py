"""What a metric is: the entries of the catalogue, as types, and the words they may use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

KINDS = ("count", "ratio", "rate")
LOCAL_UNITS = ("users", "pageviews per user", "visits per visit", "share of users")  # users are local to a wiki
UNITS = ("pageviews", "events", "clicks per impression", "share of impressions", *LOCAL_UNITS)
FAMILIES = ("totals", "users", "links", "retention", "presented", "audience")
DIRECTIONS = ("higher", "lower", "neutral")
INFERENCES = ("realised", "process")
WINDOW_KINDS = ("rolling", "quarter_to_date", "cohort")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True)
class MetricWindow:
    """A window a metric has: its kind, and its days (null for quarter to date)."""

    kind: str
    days: int | None


@dataclass(frozen=True)
class Metric:
    """One metric, as section 5 of the contract defines it.

    Attributes:
        metric: its id.
        version: of the definition.
        name: for people.
        definition: one sentence.
        numerator: what is counted.
        denominator: what it is divided by, empty for a count.
        kind: `count`, `ratio` of totals or `rate`.
        unit: of the estimate.
        direction: which way is good: `higher`, `lower` or `neutral`.
        windows: the windows it has.
        weekday: 0 where its cohorts start on Mondays only, else null (every day).
        inference: `realised`, and `process` unless it is a count.
        family: what computes it.
        all_wikis: whether wiki `all` has rows.
        task: Phabricator task ids.
        caveats: sentences.
        seen: of a cohort, the first and last day, from `metric_date` on, on which its users are seen to belong to it.
        returned: of a cohort, the first and last day of the return.
        elements: the link, or group of links, that its users click or are shown; null where any load will do.
        part_of: of a count, another count that it can never exceed in the same window; null where there is none.
    """

    metric: str
    version: int
    name: str
    definition: str
    numerator: str
    denominator: str
    kind: str
    unit: str
    direction: str
    windows: tuple[MetricWindow, ...]
    weekday: int | None
    inference: tuple[str, ...]
    family: str
    all_wikis: bool
    task: tuple[str, ...]
    caveats: tuple[str, ...]
    seen: tuple[int, int] | None = None
    returned: tuple[int, int] | None = None
    elements: str | None = None
    part_of: str | None = None

    @property
    def window_kinds(self) -> str:
        """The windows in words: `rolling 1, 7, 28; quarter_to_date`."""
        words = []
        for kind in WINDOW_KINDS:
            own = [window.days for window in self.windows if window.kind == kind]
            if own:
                words.append(" ".join([kind, ", ".join(str(days) for days in own if days is not None)]).strip())
        return "; ".join(words)

    def days_of(self, kind: str) -> tuple[int, ...]:
        """The lengths in days of its windows of a kind; empty for quarter to date and where it has none."""
        return tuple(window.days for window in self.windows if window.kind == kind and window.days is not None)

    def has_window(self, kind: str) -> bool:
        """Whether it has any window of a kind."""
        return any(window.kind == kind for window in self.windows)


@dataclass(frozen=True)
class ElementNote:
    """What holds for the rows of one element.

    Attributes:
        element_friendly_name: the element.
        all_platforms: whether it has all-platform rows.
        bucket_platform: the platform its rows by bucket are of (`all` unless platforms must not be pooled).
        cautions: by platform, the sentence that makes its rows `caution` at best.
    """

    element_friendly_name: str
    all_platforms: bool = True
    bucket_platform: str = "all"
    cautions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SeriesBreak:
    """A change from which numbers cannot be compared with earlier ones.

    Attributes:
        day: the first day of the new state.
        elements: elements or link groups it concerns; `*` is everything.
        text: what changed.
    """

    day: date
    elements: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class MetricLine:
    """A metric as a line of `metrics.csv` (and so of `dim_metric`)."""

    metric: str
    metric_version: int
    name: str
    definition: str
    numerator: str
    denominator: str
    kind: str
    unit: str
    direction: str
    window_kinds: str
    family: str
    caveats: str
    task: str
