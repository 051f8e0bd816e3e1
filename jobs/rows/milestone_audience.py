"""The audience of a milestone, and beside one: how many could be invited on a wiki, or on the pilots, as of a day.

A dump of mediawiki_history comes once a month, in the month after. So an audience stands for two months, and what wikis
have as of different days is added up: of each the newest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import pandas as pd

from jobs.audience import DEFAULT_BAND, count_command
from jobs.catalogue import load_catalogue
from jobs.estimation.audience import PROJECTED_DAYS, growth, project
from jobs.estimation.looks import Counted, Look
from jobs.estimation.milestones import INVITE_MORE
from jobs.reference.rows import PILOT, MilestoneRow
from jobs.rows.pilots import Added, pilots_added
from jobs.windows import DAY

METRIC, DAYS = "eligible_editors", 28
COUNT = f"{count_command()} counts them"
NOT_COUNTED = "pdmetrics audience --wiki {wiki} counts its editors"
OTHERS = f"anyone with the address may visit, so others may make up for it; {INVITE_MORE}"
CELL = ["as_of_date", "wiki_db", "window_days"]
HIDDEN_TARGET = "The target is …"
_N = r"[\d,]+"
UNTOLD = (
    (rf"The target is {_N} \(([\d.]+%) of {_N} ", rf"{HIDDEN_TARGET} (\1 of … "),
    (rf"\bis {_N} editors in {DAYS} days \(as of ([^)]*)\)", r"is not shown (as of \1)"),
    (rf"(?<=\)),? (?:and|about) {_N} in (\d+ weeks)(?:, both counted| \({_N} to {_N}\))", ""),
    (rf"\bgrow as t\^[\d.]+ and would be {_N} on ", "would be as many as asked on "),
    (rf"\bgrow as t\^[\d.]+: fewer than {_N} by ", "are fewer than asked by "),
    (r"\bgrow as t\^[\d.]+;", "grow;"),
)
"""What `asked`, `told` and a forecast write of an audience's size, and what remains of it."""


class Count(NamedTuple):
    """Editors in a window, null where they are hidden, and the snapshot of the dumps they were counted in."""

    n: float | None
    snapshot: str | None


Counts = Mapping[str, Mapping[date, Mapping[int, Count]]]


@dataclass(frozen=True)
class Audience:
    """Eligible editors of some wikis as of a day.

    Attributes:
        n: in 28 days, of all wikis that have a count.
        first, last: the as-of dates that were counted, the oldest and the newest.
        projected: in 8 weeks, with the lower and upper end, of the snapshot that `n` is of; null where a wiki has no
            such number.
        is_counted: whether these 8 weeks were counted, in every wiki.
        lacking: wikis that were not counted within two months, or too long ago.
        hidden: wikis whose count is not shown, for there are few; they add nothing.
    """

    n: float
    first: date
    last: date
    projected: tuple[float, float, float] | None
    is_counted: bool
    lacking: tuple[str, ...]
    hidden: tuple[str, ...]


class Audiences:
    """The published counts of eligible editors of the band that is meant where none is named, by wiki and day.

    Args:
        values: rows of `metric_values`; those of other metrics and bands do not count.
        audience: rows of `audience`, which have the snapshots; without any all windows are taken for those of one.
    """

    def __init__(self, values: pd.DataFrame, audience: pd.DataFrame | None = None) -> None:
        counts: dict[str, dict[date, dict[int, Count]]] = {}
        for row in _with_snapshot(_own(values), audience).to_dict("records"):
            n = None if pd.isna(row["estimate"]) else float(row["estimate"])
            by_days = counts.setdefault(row["wiki_db"], {}).setdefault(row["as_of_date"], {})
            by_days[int(row["window_days"])] = Count(n, row["snapshot"] if isinstance(row["snapshot"], str) else None)
        self._counts: Counts = counts

    def on(self, wikis: Sequence[str], day: date) -> Audience | None:
        """Return the audience that stands on a day; null where no wiki has one that is shown."""
        added = pilots_added(self._of(wikis, DAYS), wikis, day)
        if not added.days:
            return None
        shown = [self._alike(wiki, as_of, DAYS) for wiki, as_of in added.days.items()]
        ends = [_projection(by_days) for by_days in shown]
        known = [one for one in ends if one is not None]
        return Audience(
            n=sum(by_days[DAYS] or 0 for by_days in shown),
            first=min(added.days.values()),
            last=max(added.days.values()),
            projected=_added(known) if len(known) == len(ends) else None,
            is_counted=all(by_days.get(PROJECTED_DAYS) is not None for by_days in shown),
            lacking=added.lacking,
            hidden=added.hidden,
        )

    def looks(self, wikis: Sequence[str], days: int) -> list[Look]:
        """Return the counts in windows of so many days, on every day on which a wiki was counted, in order."""
        counts = self._of(wikis, days)
        every = sorted({day for own in counts.values() for day in own})
        return [self._look(pilots_added(counts, wikis, day), day, days) for day in every]

    def _of(self, wikis: Sequence[str], days: int) -> dict[str, dict[date, float | None]]:
        every = {wiki: self._counts.get(wiki, {}) for wiki in wikis}
        return {wiki: {day: by[days].n for day, by in own.items() if days in by} for wiki, own in every.items()}

    def _alike(self, wiki: str, as_of: date, days: int) -> dict[int, float | None]:
        """Return the counts of a wiki and date by window, of the snapshot that the window of so many days is of."""
        by_days = self._counts[wiki][as_of]
        return {window: one.n for window, one in by_days.items() if one.snapshot == by_days[days].snapshot}

    def _look(self, added: Added, day: date, days: int) -> Look:
        first = min(added.days.values(), default=day) - (days - 1) * DAY
        if added.total is None:
            why = ", ".join(f"{wiki} was not counted in two months" for wiki in added.lacking)
            remedy = "; ".join(NOT_COUNTED.format(wiki=wiki) for wiki in added.lacking) or None
            few = "there are fewer editors than may be shown"
            return Look(first, day, reason=f"Not measured: {why or few}.", remedy=remedy)
        counted = Counted(min(added.days.values()), days, self._power(added, days))
        upper = None if added.hidden else added.total
        return Look(first, day, added.total, added.total, upper, counted=counted)

    def _power(self, added: Added, days: int) -> float | None:
        """Return b of t^b, from the window and the longest shorter one of the same snapshot that every wiki has."""
        parts = [self._alike(wiki, as_of, days) for wiki, as_of in added.days.items()]
        shorter = [n for n in parts[0] if n < days and all(by_days.get(n) for by_days in parts)]
        if not shorter or not added.total:
            return None
        n_short = sum(by_days[max(shorter)] or 0 for by_days in parts)
        return growth(max(shorter), n_short, days, added.total)


def _own(values: pd.DataFrame) -> pd.DataFrame:
    metric = load_catalogue().metric(METRIC)
    is_own = (values["metric"] == METRIC) & (values["metric_version"] == metric.version)
    own: pd.DataFrame = values[is_own & (values["edit_count_bucket"] == str(DEFAULT_BAND))]
    return own


def _with_snapshot(values: pd.DataFrame, audience: pd.DataFrame | None) -> pd.DataFrame:
    """Add the snapshot that each count is of; null where `audience` has no such row."""
    if audience is None:
        return values.assign(snapshot=None)
    is_same = (audience["band"] == str(DEFAULT_BAND)) & (audience["definition"] == "")
    return values.merge(audience.loc[is_same, [*CELL, "snapshot"]].astype({"snapshot": object}), on=CELL, how="left")


def _projection(by_days: Mapping[int, float | None]) -> tuple[float, float, float] | None:
    """Return a wiki's count of 8 weeks, or what its shorter windows grow to; they are added limit by limit."""
    whole = by_days.get(PROJECTED_DAYS)
    if whole is not None:
        return whole, whole, whole
    found = project(by_days)
    return None if found is None else (found.projected, found.lower, found.upper)


def _added(ends: Sequence[tuple[float, float, float]]) -> tuple[float, float, float]:
    middle, lower, upper = (sum(values) for values in zip(*ends, strict=True))
    return middle, lower, upper


def asked(audience: Audience, milestone: MilestoneRow, share: float, target: float) -> str:
    """Say which number a share of an audience is, and of what."""
    whose = "the pilots" if milestone.wiki_db == PILOT else milestone.wiki_db
    of = f"{audience.n:,.0f} eligible editors of {whose} in {DAYS} days, as of {_days(audience)}"
    return f"The target is {target:,.0f} ({100 * share:g}% of {of})."  # as milestones.csv has it


def untold(reasons: pd.Series[str]) -> pd.Series[str]:
    """Take out of reasons how large an audience is, as `asked` and `told` write it, and how it grows."""
    for pattern, instead in UNTOLD:
        reasons = reasons.str.replace(pattern, instead, regex=True)
    return reasons


def _days(audience: Audience) -> str:
    return f"{audience.last}" if audience.first == audience.last else f"{audience.first} to {audience.last}"


def told(audience: Audience, milestone: MilestoneRow, target: float | None) -> str:
    """Say how large an audience is, and where it is smaller than what is to be reached."""
    whose = "The pilots' audience" if milestone.wiki_db == PILOT else f"The audience of {milestone.wiki_db}"
    text = f"{whose} is {audience.n:,.0f} editors in {DAYS} days (as of {_days(audience)})"
    if audience.projected is not None:
        middle, lower, upper = audience.projected
        weeks = f"{PROJECTED_DAYS // 7} weeks"
        projected = f", about {middle:,.0f} in {weeks} ({lower:,.0f} to {upper:,.0f})"
        text += f" and {middle:,.0f} in {weeks}, both counted" if audience.is_counted else projected
    without = [*(f"{wiki} was not counted" for wiki in audience.lacking),
               *(f"{wiki} has too few to be shown" for wiki in audience.hidden)]  # fmt: skip
    text += f"; {', '.join(without)}." if without else "."
    is_short = target is not None and audience.projected is not None and audience.projected[2] < target
    if is_short and not without and milestone.metric != METRIC:
        most = "that" if audience.is_counted else "the upper end"
        text += f" Even {most} is below the target: those invited cannot reach it alone; {OTHERS}."
    return text
