"""What was found of one thing, and how to mend it."""

from __future__ import annotations

from dataclasses import dataclass

from jobs.errors import PdmetricsError
from jobs.secrets import shown

__all__ = ["Finding", "shown", "told_of"]


@dataclass(frozen=True)
class Finding:
    """What was found of one thing.

    Attributes:
        what: the thing.
        found: what was found.
        mend: how to mend it; empty where nothing is wrong.
        blocks: a run would fail before it is mended.
    """

    what: str
    found: str
    mend: str = ""
    blocks: bool = False


def told_of(what: str, error: PdmetricsError) -> Finding:
    """Return what an error says that a run would end with."""
    found = f"{error.what} ({error.where})" if error.where else error.what
    return Finding(what, shown("", found), error.next_step or "mend that", blocks=True)
