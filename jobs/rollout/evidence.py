"""What the judgement of a rollout rests on: plain numbers of one wiki, by day, without users."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from jobs.policy.timeline import Timeline
from jobs.reference.rows import WikiRow
from jobs.reference.vocabulary import Vocabulary
from jobs.windows import DAY, days


@dataclass(frozen=True)
class LoadDay:
    """A day in one sampling regime, as kept: a row of `baseline_daily`."""

    event_date: date
    sample_unit: str
    sample_rate: float
    n_events: int
    n_loads: int
    n_sessions: int


@dataclass(frozen=True)
class AuditDay:
    """A day's audit of a declared rate: a row of `sampling_audit`; the fraction is null where no id was kept."""

    event_date: date
    instrument_name: str
    sample_unit: str
    declared_rate: float
    n_ids: int
    largest_fraction: float | None
    n_impossible_pageviews: int


@dataclass(frozen=True)
class FailedCheck:
    """A check of the gate that stopped the newest run: what it says of the wiki."""

    event_date: date
    check_id: str
    message: str


@dataclass(frozen=True)
class NewestRows:
    """The newest rows of a metric in one of its windows: the best status among them, and why it has it."""

    metric: str
    window_kind: str
    window_days: int | None
    as_of_date: date
    status: str
    reason: str | None


@dataclass(frozen=True)
class Evidence:
    """All that is known of a wiki's rollout up to a day.

    Attributes:
        wiki: its row of `wikis.csv`.
        as_of: the last day that is looked at.
        source: which rows these are.
        hold_up: what stopped the newest run, so that its days are not published, else null.
        failed: what the gate that stopped it says of this wiki: a day that fails early has no other rows.
        missing_hours: of every day up to `as_of` that has facts, the hours that did not arrive whole.
        menu_early: impressions of entry points before `visible_from`, as kept, by day.
        loads: rows of `baseline_daily`, in order of the days.
        audits: rows of `sampling_audit`.
        instruments: name and whether it reports loads of the dashboard, of those in force on `as_of`.
        timelines: their sampling, by instrument.
        is_own_row: whether a row of the wiki's own, not that of `*`, was in force on `as_of`, by instrument.
        vocabulary: what could be measured when.
        rows: what metrics say.
    """

    wiki: WikiRow
    as_of: date
    source: str
    hold_up: str | None
    failed: tuple[FailedCheck, ...]
    missing_hours: Mapping[date, tuple[int, ...]]
    menu_early: Mapping[date, int]
    loads: tuple[LoadDay, ...]
    audits: tuple[AuditDay, ...]
    instruments: Mapping[str, bool]
    timelines: Mapping[str, Timeline]
    is_own_row: Mapping[str, bool]
    vocabulary: Vocabulary
    rows: tuple[NewestRows, ...]

    @property
    def is_visible(self) -> bool:
        """Whether the dashboard was to be visible on `as_of`."""
        return self.wiki.visible_from <= self.as_of

    @property
    def visible_days(self) -> list[date]:
        """The complete days since the first display, in order."""
        since = days(self.wiki.visible_from, self.as_of + DAY)
        return [day for day in since if self.missing_hours.get(day) == ()]

    @property
    def silent_days(self) -> list[date]:
        """The days between deployment and first display, up to `as_of`, ingested or not."""
        return days(self.wiki.enabled_from, min(self.wiki.visible_from, self.as_of + DAY))

    def measures(self, day: date, *, usage_only: bool = False) -> bool:
        """Whether some instrument had a rate above 0 on a day."""
        names = [name for name, is_usage in self.instruments.items() if is_usage or not usage_only]
        return any(not self.timelines.get(name, Timeline()).uncovered_days(day, day + DAY) for name in names)
