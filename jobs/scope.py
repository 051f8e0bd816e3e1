"""Which sound lines are out of scope: the rules, once for whoever has to know (docs/contract.md, section 3).

Ingest makes columns of them (`transforms/events.py`); `policy check` looks at one line after the other
(`policy/first_event.py`). What is lost around a change of rate is no matter of the line alone: it stands with the other
checks of ingest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import Enum, auto
from typing import Any

TEMPORARY_NAME = "^~[0-9]{4}-"


class Is(Enum):
    """What a rule asks of a field. An absent field is `ABSENT` and `NO_USER`, nothing else."""

    ABSENT = auto()
    TRUE = auto()
    FALSE = auto()
    NO_USER = auto()  # absent, or no number above 0
    TEMPORARY = auto()  # a name such as `~2026-12345-6`


Case = Mapping[str, Is]

# In the order in which they apply. A rule applies to a line if one of its cases does, a case if all its fields are what
# it says. `has_user_id` is of the instrument in force on the line's day, absent where there is none; the other fields
# are of the line.
RULES: Mapping[str, tuple[Case, ...]] = {
    "other_instrument": ({"has_user_id": Is.ABSENT},),
    "bot": ({"is_bot": Is.TRUE},),
    "not_named_user": (
        {"is_temp": Is.TRUE},
        {"is_temp": Is.ABSENT, "name": Is.TEMPORARY},
        {"is_logged_in": Is.FALSE},
        {"is_logged_in": Is.ABSENT, "user_id": Is.NO_USER, "has_user_id": Is.TRUE},
    ),
    "no_user_id": ({"user_id": Is.NO_USER, "has_user_id": Is.TRUE},),
}

_HOLDS: Mapping[Is, Callable[[Any], bool]] = {
    Is.ABSENT: lambda value: value is None,
    Is.TRUE: lambda value: value is True,
    Is.FALSE: lambda value: value is False,
    Is.NO_USER: lambda value: value is None or value <= 0,
    Is.TEMPORARY: lambda value: value is not None and re.search(TEMPORARY_NAME, value) is not None,
}


def out_of_scope(line: Mapping[str, Any]) -> str | None:
    """Return the first rule that puts a line out of scope, by its name; None for one that is in scope.

    Args:
        line: the fields of `RULES`; what is absent is None.
    """
    return next((reason for reason, cases in RULES.items() if any(_fits(line, case) for case in cases)), None)


def _fits(line: Mapping[str, Any], case: Case) -> bool:
    return all(_HOLDS[asked](line[field]) for field, asked in case.items())
