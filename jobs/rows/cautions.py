"""Why a row is `caution` at best, as values: each becomes words once, when the row is settled."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt
import pandas as pd


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
        n_hours: of missing hours, how many.
        note: of a standing caution, its sentence.
    """

    kind: CautionKind
    n_hours: int = 0
    note: str = ""

    @property
    def sentence(self) -> str:
        """The fact in words."""
        if self.kind is CautionKind.MISSING_HOURS:
            return f"{self.n_hours} hour{'s' if self.n_hours > 1 else ''} of the window did not arrive"
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


def missing_hours(n_hours: int) -> Cautions:
    """Return the caution about hours that did not arrive, if there are any."""
    return (Caution(CautionKind.MISSING_HOURS, n_hours=n_hours),) if n_hours else ()


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
