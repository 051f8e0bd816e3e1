"""What every comparison with the past needs: which hours arrived, which days are usable, what was measured when."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from jobs.contracts import is_lost_hour
from jobs.policy.timeline import Regime, Timeline, timelines
from jobs.quality.bands import HISTORY, FloatArray
from jobs.reference.instruments import instruments_between, usage_instruments
from jobs.reference.rows import ROLES
from jobs.reference.vocabulary import ALL, REVIEW_LINKS, Vocabulary
from jobs.windows import DAY, HOURS

if TYPE_CHECKING:
    from jobs.reference.load import Reference

Limits = Callable[[date], Mapping[str, float]]
"""The dated thresholds of a day."""

Series = Mapping[date, float]


class Past:
    """The input hours of the judged days and of those before, and what the reference says of them.

    Args:
        ingest_log: event_date, event_hour, fate, reason, n_lines.
        days: the judged days.
        reference: wikis, policy, instruments, vocabulary.
        limits: the thresholds in force on a day.
        grace: how long a change of rate takes to reach clients.

    Attributes:
        days: the judged days, in order.
        kept: kept lines by day (index, object dates) and hour (columns 0 to 23), NaN where an hour is not there or not
            whole; only days that were ingested.
    """

    def __init__(
        self, ingest_log: pd.DataFrame, days: Sequence[date], reference: Reference, limits: Limits, grace: timedelta
    ) -> None:
        self.days = tuple(sorted(set(days)))
        self.reference = reference
        self.limits = limits
        self.vocabulary = Vocabulary(reference.vocabulary)
        self.kept = _kept_lines(ingest_log)
        self._hours = dict(zip(self.kept.index, self.kept.to_numpy(), strict=True))
        self._timelines = timelines(reference, grace)
        self._usage = cache(lambda day: usage_instruments(reference.instruments, day))
        self._visible = {row.wiki_db: row.visible_from for row in reference.wikis}
        # The same days are asked about for every series.
        self.covered = cache(self._covered)
        self.rate = cache(self._rate)
        self.is_whole = cache(self._is_whole)
        self.is_usable = cache(self._is_usable)
        self.share = cache(self._share)
        self.measured_platforms = cache(self._measured_platforms)

    def before(self, day: date, n_days: int = HISTORY) -> list[date]:
        """Return the days before a day, oldest first."""
        return [day - timedelta(days=n) for n in range(n_days, 0, -1)]

    def hours(self, day: date) -> FloatArray | None:
        """Return the kept lines of each hour, NaN where one is missing; null for a day that was never ingested."""
        return self._hours.get(day)

    def missing(self, day: date) -> list[int]:
        """Return the hours of a day that are not there or not whole; all of a day that was never ingested."""
        hours = self.hours(day)
        return list(range(HOURS)) if hours is None else [int(hour) for hour in np.flatnonzero(np.isnan(hours))]

    def _is_whole(self, day: date) -> bool:
        """Whether every hour of a day arrived."""
        hours = self.hours(day)
        return hours is not None and not np.isnan(hours).any()

    def usage(self, day: date) -> tuple[str, ...]:
        """Return the instruments that measure the dashboard on a day."""
        return self._usage(day)

    def is_visible(self, wiki: str, day: date) -> bool:
        """Whether a wiki's dashboard is on display; a wiki that `wikis.csv` lacks never is."""
        return wiki in self._visible and self._visible[wiki] <= day

    def _is_usable(self, wiki: str, day: date) -> bool:
        """Whether a wiki's day may stand in a history: on display, whole, and sampled at a positive rate throughout."""
        return self.is_whole(day) and self.is_visible(wiki, day) and self.rate(wiki, day) is not None

    def _rate(self, wiki: str, day: date) -> float | None:
        """The smallest rate of the dashboard's instrument on a day, null where a part of it had none."""
        rates = [self.covered(instrument, wiki, day) for instrument in self.usage(day)]
        return max((rate for rate in rates if rate is not None), default=None)

    def regimes(self, instrument: str, wiki: str, day: date) -> list[Regime]:
        """Return what the policy says of an instrument on a wiki's day."""
        return self._timelines.get((instrument, wiki), Timeline()).within(day, day + DAY)

    def applied(self, instrument: str, wiki: str, day: date) -> set[tuple[str, float]]:
        """Return the units and rates that kept events of a day can carry."""
        return set(self._timelines.get((instrument, wiki), Timeline()).applied_rates(day, day + DAY))

    def history(self, series: Series, day: date, usable: Callable[[date], bool]) -> FloatArray:
        """Return the values of the days before a day, oldest first: 0 where nothing was, NaN where not usable."""
        return np.array([series.get(one, 0.0) if usable(one) else np.nan for one in self.before(day)])

    def _covered(self, instrument: str, wiki: str, day: date) -> float | None:
        """The smallest rate in force, null unless the instrument and a positive rate were in force all day."""
        if instrument not in instruments_between(self.reference.instruments, ROLES, day, day + DAY):
            return None
        positive = [regime for regime in self.regimes(instrument, wiki, day) if regime.sample_rate > 0]
        lengths = [regime.valid_to - regime.valid_from for regime in positive if regime.valid_to is not None]
        return min(regime.sample_rate for regime in positive) if sum(lengths, timedelta()) == DAY else None

    def _share(self, day: date) -> float | None:
        """What share of a usual day's kept lines falls into the hours that arrived; null if nobody knows."""
        here = self.hours(day)
        if here is None:
            return None
        arrived = ~np.isnan(here)
        if arrived.all():
            return 1.0
        whole = [self._hours[past] for past in self.before(day) if self.is_whole(past)]
        shares = [hours[arrived].sum() / hours.sum() for hours in whole if hours.sum() > 0]
        return float(np.median(shares)) if shares else None

    def _measured_platforms(self, element: str, day: date) -> tuple[str, ...] | None:
        """The platforms on which an element is measured on a day; null for what the vocabulary lacks."""
        if element not in self.vocabulary or element == REVIEW_LINKS:
            return None
        platforms = self.vocabulary.platforms_of(element)
        if self.vocabulary.unmeasured(element, ALL, day, day + DAY) is None:
            return platforms
        return tuple(p for p in platforms if self.vocabulary.unmeasured(element, p, day, day + DAY) is None)


def _kept_lines(log: pd.DataFrame) -> pd.DataFrame:
    """Kept lines by day and hour; an hour that is missing in one stream, or has an unreadable file, is not there."""
    bad = log[is_lost_hour(log["fate"], log["reason"])]
    gone = set(zip(bad["event_date"], bad["event_hour"], strict=True))
    known: list[date] = sorted(set(log["event_date"]))
    lines = np.full((len(known), HOURS), np.nan)
    place = {day: row for row, day in enumerate(known)}
    kept = log.loc[log["fate"] == "kept", ["event_date", "event_hour", "n_lines"]]
    for day, hour, n_lines in kept.itertuples(index=False, name=None):
        if (day, hour) not in gone:
            cell = (place[day], int(hour))
            lines[cell] = np.nan_to_num(lines[cell]) + n_lines
    return pd.DataFrame(lines, index=pd.Index(known, dtype="object"), columns=range(HOURS))


def sums_by_day(frame: pd.DataFrame, key: Sequence[str], value: str) -> dict[tuple[Any, ...], dict[date, float]]:
    """Return a daily series of sums for each key; `value` is a column of the frame."""
    found: dict[tuple[Any, ...], dict[date, float]] = {}
    sums = frame.groupby([*key, "event_date"], as_index=False)[value].sum()
    for *labels, day, total in sums[[*key, "event_date", value]].itertuples(index=False, name=None):
        found.setdefault(tuple(labels), {})[day] = float(total)
    return found


def frame_of(records: Iterable[Mapping[str, object]], columns: Sequence[str]) -> pd.DataFrame:
    """Return a profile with all its columns, also where there is no row."""
    return pd.DataFrame(list(records), columns=["event_date", "subject", *columns])
