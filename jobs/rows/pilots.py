"""Counts of editors added up over wikis: one rule for milestones of pilots, for shares of them and for the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from jobs.estimation.looks import AUDIENCE_STANDS


@dataclass(frozen=True)
class Added:
    """Which counts of some wikis are added up as of a day.

    Attributes:
        days: by wiki, the as-of date of its count that is added.
        total: their sum; null where a wiki is lacking, or all are hidden. A hidden one adds nothing.
        lacking: wikis without a count that stands.
        hidden: wikis whose count is not shown, for there are few.
    """

    days: Mapping[str, date]
    total: float | None
    lacking: tuple[str, ...]
    hidden: tuple[str, ...]


def pilots_added(counts: Mapping[str, Mapping[date, float | None]], wikis: Sequence[str], day: date) -> Added:
    """Add up each wiki's newest count of the two months up to a day.

    Dumps of two wikis need not reach to the same day, and the next comes a month later: until then the last is what is
    known.

    Args:
        counts: by wiki and as-of date, editors; null where they are hidden. Of one band and window.
        wikis: those that are asked for, pilots for instance; all are needed for a sum.
        day: the day as of which they are added.
    """
    newest = {wiki: _newest(counts.get(wiki, {}), day) for wiki in wikis}
    found = {wiki: as_of for wiki, as_of in newest.items() if as_of is not None}
    days = {wiki: as_of for wiki, as_of in found.items() if counts[wiki][as_of] is not None}
    lacking = tuple(sorted(set(wikis) - set(found)))
    total = None if lacking or not days else sum(counts[wiki][as_of] or 0.0 for wiki, as_of in days.items())
    return Added(days, total, lacking, tuple(sorted(set(found) - set(days))))


def _newest(days: Mapping[date, object], day: date) -> date | None:
    return max((one for one in days if 0 <= (day - one).days < AUDIENCE_STANDS), default=None)
