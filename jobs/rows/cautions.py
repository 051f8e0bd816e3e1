"""Why a row is `caution` at best, as values: each becomes words once, when the row is settled."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import IntEnum

import numpy as np
import numpy.typing as npt
import pandas as pd

from jobs.windows import DAY, midnight

HOUR = timedelta(hours=1)
MOST_SPANS = 3  # more would not be read
SMALLEST_SHARE = 0.0005  # below it one decimal says 0


class CautionKind(IntEnum):
    """What kind of caution, in the order in which remedies are told."""

    EVENTS_LOST = 1
    POLICY_GAP = 2
    MISSING_HOURS = 3
    STANDING = 4


REMEDIES = {
    CautionKind.EVENTS_LOST: "a window that does not hold the change of sampling",
    CautionKind.POLICY_GAP: "a window with a rate above 0 throughout",
    CautionKind.MISSING_HOURS: "rerun the day when the hours arrive",
    CautionKind.STANDING: "an instrument that measures this link alone",
}


@dataclass(frozen=True)
class Caution:
    """A fact that keeps a row from `publish`.

    Attributes:
        kind: what kind of fact.
        hours: of missing hours, which, as (day, hour of the day) in order.
        share: of missing hours, the largest share of the window's events that they could hold.
        note: of a standing caution, its sentence.
    """

    kind: CautionKind
    hours: tuple[tuple[date, int], ...] = ()
    share: float = 0
    note: str = ""

    @property
    def sentence(self) -> str:
        """The fact in words."""
        if self.kind is CautionKind.MISSING_HOURS:
            return hours_in_words(self.hours, self.share)
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
    spans: list[list[datetime]] = []
    for day, hour in hours:
        begin = midnight(day) + timedelta(hours=hour)
        if spans and spans[-1][1] == begin:
            spans[-1][1] = begin + HOUR
        else:
            spans.append([begin, begin + HOUR])
    named = ", ".join(_span(begin, end) for begin, end in spans[:MOST_SPANS]) + " UTC"
    if left := sum((end - begin) // HOUR for begin, end in spans[MOST_SPANS:]):
        named += f" and {left} more"
    count = "1 hour" if len(hours) == 1 else f"{len(hours)} hours"
    most = f"up to {share:.1%}".replace("%", " %") if share >= SMALLEST_SHARE else "less than 0.1 %"
    return (
        f"{count} of the window did not arrive whole ({named}): "
        f"{most} of its events on all wikis could lie there"
    )


def _span(begin: datetime, end: datetime) -> str:
    last = f"{end:%H:%M}" if end - midnight(begin.date()) < DAY else f"{end:%Y-%m-%d %H:%M}"
    return f"{begin:%Y-%m-%d %H:%M} to {last}"


def standing(note: str | None) -> Cautions:
    """Return the caution that always holds for an element on a platform, if there is one."""
    return (Caution(CautionKind.STANDING, note=note),) if note else ()


def sentence(cautions: Iterable[Caution]) -> str:
    """Tell some cautions in one sentence, in their order."""
    return "; ".join(dict.fromkeys(caution.sentence for caution in cautions))


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
