"""What a sampling plan is made of: the wiki as assumed, a unit with its rate, and what one metric then looks like."""

from __future__ import annotations

from dataclasses import dataclass

ENTRY_POINT, USAGE = "entry point", "usage"

BYTES_PER_EVENT = 156.0
"""Bytes of one stored event: measured by benchmarks/event_size.py (Refine's Parquet, snappy, random ids)."""


@dataclass(frozen=True)
class Scenario:
    """A wiki and what is assumed of it; every field is printed with the plan.

    Attributes:
        wiki: its database name.
        users: editors eligible for the entry point.
        pageviews_per_hour: pageviews of logged-in users.
        visiting_share: share of the eligible editors who may visit the dashboard at all; all loads are theirs.
        eligible_share: share of those pageviews that show the entry point.
        ctr: clicks per impression of the entry point.
        window_days: days of the window that is to be measured.
        precision: relative half-width wanted of every 95 % interval.
        pageviews_per_session: mean; sizes are taken as geometric.
        loads_per_click: dashboard loads for each click on the entry point (bookmarks and reloads make it larger).
        loads_per_session: mean dashboard loads of a session that has one; geometric.
        events_per_load: events a dashboard load sends: the load, impressions of its links, clicks.
        activity_variation: variance over squared mean of editors' pageviews.
        frailty: correlation of two impressions' clicks within an editor.
        review_share: share of dashboard loads with a click on a review link, the same for every editor.
        bytes_per_event: bytes of one stored event.
    """

    wiki: str
    users: float
    pageviews_per_hour: float
    eligible_share: float = 0.04
    ctr: float = 0.005
    window_days: int = 7
    precision: float = 0.1
    pageviews_per_session: float = 4.0
    loads_per_click: float = 1.0
    loads_per_session: float = 1.3
    events_per_load: float = 7.0
    activity_variation: float = 1.25
    frailty: float = 0.05
    review_share: float = 0.3
    bytes_per_event: float = BYTES_PER_EVENT
    visiting_share: float = 1.0

    def __post_init__(self) -> None:
        """Refuse numbers no wiki can have."""
        positive = ("users", "pageviews_per_hour", "window_days", "precision", "loads_per_click", "bytes_per_event")
        for name in positive:
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be above 0")
        for name in ("eligible_share", "ctr", "review_share", "visiting_share"):
            if not 0 < getattr(self, name) <= 1:
                raise ValueError(f"{name} must lie in (0, 1]")
        for name in ("pageviews_per_session", "loads_per_session", "events_per_load"):
            if not getattr(self, name) >= 1:
                raise ValueError(f"{name} must be at least 1")
        if not 0 <= self.frailty < 1 or self.activity_variation < 0:
            raise ValueError("frailty must lie in [0, 1) and activity_variation must not be negative")

    @property
    def may_visit(self) -> float:
        """Editors over whom the dashboard's loads are spread."""
        return self.users * self.visiting_share

    @property
    def impressions_per_day(self) -> float:
        """Impressions of the entry point in a day."""
        return self.pageviews_per_hour * 24 * self.eligible_share

    @property
    def loads_per_day(self) -> float:
        """Dashboard loads in a day."""
        return self.impressions_per_day * self.ctr * self.loads_per_click

    def events_per_day(self, stream: str) -> float:
        """Events a stream sends in a day at 100 %."""
        return (
            self.impressions_per_day * (1 + self.ctr)
            if stream == ENTRY_POINT
            else self.loads_per_day * self.events_per_load
        )


@dataclass(frozen=True)
class Setting:
    """What is kept of the events.

    Attributes:
        unit: `pageview` or `session`.
        rate: the rate at which units are kept.
        user_rate: the share of users of whom everything is kept as well; above 0 it needs a change in the client.
    """

    unit: str
    rate: float
    user_rate: float = 0.0

    @property
    def share(self) -> float:
        """The share of all events that are kept: by the unit, or by the user, whose hashes are independent."""
        return self.rate + self.user_rate - self.rate * self.user_rate

    @property
    def needs_client_change(self) -> bool:
        """Whether clients cannot do it today."""
        return self.user_rate > 0


@dataclass(frozen=True)
class Expectation:
    """What one metric is expected to look like in one setting.

    Attributes:
        metric: its id.
        stream: the stream it is measured on.
        inference: `realised` or `process`.
        half_width: half of the interval's width over the estimate; NaN where there is no estimate.
        status: status a typical row will have.
        reason: sentence behind the status.
    """

    metric: str
    stream: str
    inference: str
    half_width: float
    status: str
    reason: str = ""

    def meets(self, precision: float) -> bool:
        """Tell whether a typical row is published with an interval no wider than wanted."""
        return self.status == "publish" and self.half_width <= precision
