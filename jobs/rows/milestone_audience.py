"""The audience beside a milestone: how many could be invited on a wiki, or on the pilots, as of a day.

A dump of mediawiki_history comes once a month, in the month after. So an audience stands for two months, and what wikis
have as of different days is added up: of each the newest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import pandas as pd

from jobs.catalogue import load_catalogue
from jobs.estimation.audience import PROJECTED_DAYS, project
from jobs.estimation.milestones import AUDIENCE_STANDS
from jobs.reference.rows import PILOT, MilestoneRow

METRIC, DAYS = "eligible_editors", 28
COUNT = "pdmetrics audience --history DIR --snapshot YYYY-MM --as-of DAY counts them"
OTHERS = "anyone with the address may visit, so others may make up for it; more wikis or a wider band invite more"


@dataclass(frozen=True)
class Audience:
    """Eligible editors of some wikis as of a day.

    Attributes:
        n: in 28 days, of all wikis that have a count.
        first, last: the as-of dates that were counted, the oldest and the newest.
        projected: in 8 weeks, with the lower and upper end; null where a wiki has no such number.
        lacking: wikis that were not counted within two months, or too long ago.
        hidden: wikis whose count is not shown, for there are few; they add nothing.
    """

    n: float
    first: date
    last: date
    projected: tuple[float, float, float] | None
    lacking: tuple[str, ...]
    hidden: tuple[str, ...]


class Audiences:
    """The published counts of eligible editors, by wiki and day; of several bands the one with the most editors.

    Args:
        values: rows of `metric_values`; those of other metrics do not count.
    """

    def __init__(self, values: pd.DataFrame) -> None:
        metric = load_catalogue().metric(METRIC)
        is_own = (values["metric"] == METRIC) & (values["metric_version"] == metric.version)
        bands: dict[tuple[str, date], dict[str, dict[int, float | None]]] = {}
        for row in values[is_own].to_dict("records"):
            by_band = bands.setdefault((row["wiki_db"], row["as_of_date"]), {})
            n = None if pd.isna(row["estimate"]) else float(row["estimate"])
            by_band.setdefault(row["edit_count_bucket"], {})[int(row["window_days"])] = n
        self._counts: dict[str, dict[date, dict[int, float | None]]] = {}
        for (wiki, day), by_band in bands.items():
            counted = [by_days for _, by_days in sorted(by_band.items()) if DAYS in by_days]
            if counted:
                self._counts.setdefault(wiki, {})[day] = max(counted, key=lambda by_days: by_days[DAYS] or 0)

    def on(self, wikis: Sequence[str], day: date) -> Audience | None:
        """Return the audience that stands on a day; null where no wiki has one that is shown."""
        newest = {wiki: self._newest(wiki, day) for wiki in wikis}
        found = {wiki: one for wiki, one in newest.items() if one is not None}
        shown = {wiki: (as_of, by_days) for wiki, (as_of, by_days) in found.items() if by_days[DAYS] is not None}
        if not shown:
            return None
        days = [as_of for as_of, _ in shown.values()]
        ends = [_projection(by_days) for _, by_days in shown.values()]
        known = [one for one in ends if one is not None]
        return Audience(
            n=sum(by_days[DAYS] or 0 for _, by_days in shown.values()),
            first=min(days),
            last=max(days),
            projected=_added(known) if len(known) == len(ends) else None,
            lacking=tuple(sorted(set(wikis) - set(found))),
            hidden=tuple(sorted(set(found) - set(shown))),
        )

    def _newest(self, wiki: str, day: date) -> tuple[date, Mapping[int, float | None]] | None:
        days = [one for one in self._counts.get(wiki, {}) if 0 <= (day - one).days < AUDIENCE_STANDS]
        return (max(days), self._counts[wiki][max(days)]) if days else None


def _projection(by_days: Mapping[int, float | None]) -> tuple[float, float, float] | None:
    """Carry a wiki's count on to 8 weeks; what many windows hold is added limit by limit, as milestones are."""
    found = project(by_days)
    return None if found is None else (found.projected, found.lower, found.upper)


def _added(ends: Sequence[tuple[float, float, float]]) -> tuple[float, float, float]:
    middle, lower, upper = (sum(values) for values in zip(*ends, strict=True))
    return middle, lower, upper


def told(audience: Audience, milestone: MilestoneRow, target: float | None) -> str:
    """Say how large an audience is, and where it is smaller than what is to be reached."""
    whose = "The pilots' audience" if milestone.wiki_db == PILOT else f"The audience of {milestone.wiki_db}"
    days = f"{audience.last}" if audience.first == audience.last else f"{audience.first} to {audience.last}"
    text = f"{whose} is {audience.n:,.0f} editors in {DAYS} days (as of {days})"
    if audience.projected is not None:
        middle, lower, upper = audience.projected
        text += f", about {middle:,.0f} in {PROJECTED_DAYS // 7} weeks ({lower:,.0f} to {upper:,.0f})"
    without = [*(f"{wiki} was not counted" for wiki in audience.lacking),
               *(f"{wiki} has too few to be shown" for wiki in audience.hidden)]  # fmt: skip
    text += f"; {', '.join(without)}." if without else "."
    is_short = target is not None and audience.projected is not None and audience.projected[2] < target
    if is_short and not without and milestone.metric != METRIC:
        text += f" Even the upper end is below the target: those invited cannot reach it alone; {OTHERS}."
    return text
