"""What was found of one thing, and how to mend it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from jobs.errors import PdmetricsError

SECRET = ("password", "secret", "token", "credential")


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


def shown(key: str, value: object) -> str:
    """Return a setting, or a part of one, as text, without what is nobody's business on a screen."""
    if any(word in key.lower() for word in SECRET):
        return "(set)"
    if isinstance(value, Mapping):
        return str({name: shown(str(name), inner) for name, inner in value.items()})
    return re.sub(r"(://[^/:@]*):[^@/]*@", r"\1:…@", str(value))
