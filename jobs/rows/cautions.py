"""Why a row is `caution` at best, as values: each becomes words once, when the row is settled."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import IntEnum
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from jobs.policy.timeline import UnitRate, format_rate, format_unit_rate
from jobs.windows import DAY, midnight

Moment = TypeVar("Moment", date, datetime)

HOUR = timedelta(hours=1)
MOST_SPANS = 3  # more would not be read
MOST_SERIES = 3
SMALLEST_SHARE = 0.0005  # below it one decimal says 0


class CautionKind(IntEnum):
    """What kind of caution, in the order in which remedies are told."""

    LOWER_RATE = 1
    EVENTS_LOST = 2
    POLICY_GAP = 3
    MISSING_HOURS = 4
    STANDING = 5


REMEDIES = {
    CautionKind.LOWER_RATE: "mend sampling_policy.csv and run the days again",
    CautionKind.EVENTS_LOST: "a window that does not hold the change of sampling",
    CautionKind.POLICY_GAP: "a window with a rate above 0 throughout",
    CautionKind.MISSING_HOURS: "rerun the day when the hours arrive",
    CautionKind.STANDING: "an instrument that measures this link alone",
}


class LowerRate(NamedTuple):
    """A day whose ids show that a wiki was sampled at a lower rate than declared (`sampling_audit`).

    Attributes:
        wiki_db: the wiki.
        sample_unit: the declared unit.
        declared: the declared rate.
        day: the day, UTC.
        likely: the rate that the ids speak for.
    """

    wiki_db: str
    sample_unit: str
    declared: float
    day: date
    likely: float


@dataclass(frozen=True)
class Caution:
    """A fact that keeps a row from `publish`.

    Attributes:
        kind: what kind of fact.
        hours: of missing hours, which, as (day, hour of the day) in order.
        share: of missing hours, the largest share of the window's events that they could hold.
        rates: of rates that were lower than declared, on which days.
        note: of a standing caution, its sentence.
    """

    kind: CautionKind
    hours: tuple[tuple[date, int], ...] = ()
    share: float = 0
    rates: tuple[LowerRate, ...] = ()
    note: str = ""

    @property
    def sentence(self) -> str:
        """The fact in words."""
        if self.kind is CautionKind.MISSING_HOURS:
            return hours_in_words(self.hours, self.share)
        if self.kind is CautionKind.LOWER_RATE:
            return rates_in_words(self.rates)
        if self.kind is CautionKind.EVENTS_LOST:
            return "a quarter of an hour around a change of sampling was lost"
        if self.kind is CautionKind.POLICY_GAP:
            return "for a part of the window the sampling policy had no rate above 0"
        return self.note

    @property
    def remedy(self) -> str:
        """What would do without it."""
        return REMEDIES[self.kind]


Cautions = tuple[Caution, ...]
EVENTS_LOST, POLICY_GAP = Caution(CautionKind.EVENTS_LOST), Caution(CautionKind.POLICY_GAP)


def missing_hours(hours: Sequence[tuple[date, int]], share: float) -> Cautions:
    """Return the caution about hours that did not arrive whole, if there are any; they could hold `share` of all."""
    return (Caution(CautionKind.MISSING_HOURS, hours=tuple(hours), share=share),) if hours else ()


def hours_in_words(hours: Sequence[tuple[date, int]], share: float) -> str:
    """Name hours that did not arrive whole, those in a row together, and say what they could hold at most."""
    spans = _in_a_row([midnight(day) + timedelta(hours=hour) for day, hour in hours], HOUR)
    named = ", ".join(_hours_span(begin, end) for begin, end in spans[:MOST_SPANS]) + " UTC"
    if left := sum((end - begin) // HOUR for begin, end in spans[MOST_SPANS:]):
        named += f" and {left} more"
    count = "1 hour" if len(hours) == 1 else f"{len(hours)} hours"
    most = f"up to {share:.1%}".replace("%", " %") if share >= SMALLEST_SHARE else "less than 0.1 %"
    return (
        f"{count} of the window did not arrive whole ({named}), {most} of its events on all wikis: counts are at least "
        "what was kept, and the interval holds what could lie there"
    )


def _hours_span(begin: datetime, end: datetime) -> str:
    last = f"{end:%H:%M}" if end - midnight(begin.date()) < DAY else f"{end:%Y-%m-%d %H:%M}"
    return f"{begin:%Y-%m-%d %H:%M} to {last}"


def lower_rates(rates: Iterable[LowerRate]) -> Cautions:
    """Return the caution about rates that were lower than declared, if there are any."""
    found = tuple(sorted(set(rates)))
    return (Caution(CautionKind.LOWER_RATE, rates=found),) if found else ()


def rates_in_words(rates: Sequence[LowerRate]) -> str:
    """Name each wiki's days on which a rate was lower than declared, days in a row together, with both rates.

    Args:
        rates: in order.
    """
    series = [list(days) for _, days in groupby(rates, key=itemgetter(0, 1, 2))]
    told = [_series_in_words(days) for days in series[:MOST_SERIES]]
    if left := series[MOST_SERIES:]:
        told.append(f"likewise {len(left)} more wikis or rates")
    return f"{'; '.join(told)}: counts of these days are too low"


def _series_in_words(rates: Sequence[LowerRate]) -> str:
    """Say of one wiki, unit and declared rate, on which days the ids show which rate."""
    wiki, unit, declared, _, _ = rates[0]
    low, high = (_rate(extreme(rate.likely for rate in rates)) for extreme in (min, max))
    likely = low if low == high else f"{low.removesuffix(' %')} to {high}"
    spans = _in_a_row(sorted({rate.day for rate in rates}), DAY)
    named = ", ".join(_days_span(begin, end) for begin, end in spans[:MOST_SPANS])
    if left := sum((end - begin) // DAY for begin, end in spans[MOST_SPANS:]):
        named += f" and {left} more days"
    return (
        f"the ids of {wiki} on {named} show a rate lower than the declared "
        f"{format_unit_rate(UnitRate(unit, declared))}, likely {likely}"
    )


def _rate(share: float) -> str:
    return format_rate(float(f"{share:.4g}"))  # as the gate says it


def _days_span(begin: date, end: date) -> str:
    last = end - DAY
    return f"{begin}" if last == begin else f"{begin} to {last}"


def _in_a_row(moments: Iterable[Moment], step: timedelta) -> list[tuple[Moment, Moment]]:
    """Return what moments cover that last a step each, as `(begin, end)` with those in a row together.

    Args:
        moments: when each begins, in order.
        step: how long each lasts.
    """
    spans: list[tuple[Moment, Moment]] = []
    for moment in moments:
        begin = spans.pop()[0] if spans and spans[-1][1] == moment else moment
        spans.append((begin, moment + step))
    return spans


def standing(note: str | None) -> Cautions:
    """Return the caution that always holds for an element on a platform, if there is one."""
    return (Caution(CautionKind.STANDING, note=note),) if note else ()


def sentence(cautions: Iterable[Caution]) -> str:
    """Tell some cautions in one sentence, in their order."""
    return "; ".join(dict.fromkeys(caution.sentence for caution in cautions))


def told_under(status: str, cautions: Cautions) -> Cautions:
    """Return those of some cautions that a row tells, by the status its estimator left.

    A number that would be shown has to tell them all. Bounds allow for what sampling left out, but they take the
    declared rate for it, so that one that is wrong has to be told with them, and lost hours make them wider. What is
    not shown tells nothing.
    """
    if status == "bounds_only":
        return tuple(c for c in cautions if c.kind in (CautionKind.LOWER_RATE, CautionKind.MISSING_HOURS))
    return cautions if status in ("publish", "caution") else ()


def remedies(cautions: Iterable[Caution]) -> list[str]:
    """Return what would do without each of some cautions, by kind."""
    return [REMEDIES[kind] for kind in sorted({caution.kind for caution in cautions})]


def combined(frame: pd.DataFrame, *columns: str) -> npt.NDArray[np.object_]:
    """Return for each row the cautions of some columns, one after the other."""
    return as_objects(sum(row, ()) for row in zip(*(frame[column] for column in columns), strict=True))


def as_objects(cautions: Iterable[Cautions]) -> npt.NDArray[np.object_]:
    """Return tuples as an array of objects; of a list of equally long ones numpy would make a matrix."""
    found = list(cautions)
    array = np.empty(len(found), dtype=object)
    array[:] = found
    return array
