"""What an eligible editor is, as far as the definition leaves a choice; and bands of edit counts.

The defaults are the contract's (docs/contract.md, section 5). Each choice is a setting of `[audience]`;
`pdmetrics explain eligible_editors` shows how the number moves under each of the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Literal, get_args, get_type_hints

LONGEST_WINDOW = 366  # days
BAND = re.compile(r"(\d{1,9})-(\d{1,9})")


@dataclass(frozen=True)
class Choices:
    """One definition of an eligible editor.

    Attributes:
        namespace: which namespace of the edited page counts as main: the one it had when it was edited, or has now.
        edit_count: the editor's count at the last or the first revision in the window, or the largest in it.
        bots: who is one: an account that any row in the window calls a bot, now or then; only now; only then; nobody.
        temporary: whether temporary accounts are counted.
        cross_wiki: whether accounts are counted that the dump marks as cross-wiki; unknown in dumps of 70 columns.
        deleted_revisions: whether a revision of a page that was deleted since counts as an edit.
    """

    namespace: Literal["historical", "current"] = "historical"
    edit_count: Literal["last", "first", "largest"] = "last"
    bots: Literal["now_or_then", "now", "then", "counted"] = "now_or_then"
    temporary: Literal["out", "in"] = "out"
    cross_wiki: Literal["in", "out"] = "in"
    deleted_revisions: Literal["in", "out"] = "in"

    def alternatives(self) -> Iterator[tuple[str, str, Choices]]:
        """Give each definition that differs by one choice: the choice, its other value, and the whole definition."""
        hints = get_type_hints(Choices)
        for field in fields(self):
            for value in get_args(hints[field.name]):
                if value != getattr(self, field.name):
                    yield field.name, value, replace(self, **{field.name: value})

    def in_words(self) -> str:
        """Return what differs from the contract's definition, as `namespace=current, bots=now`; empty if nothing."""
        return ", ".join(
            f"{field.name}={getattr(self, field.name)}"
            for field in fields(self)
            if getattr(self, field.name) != field.default
        )


@dataclass(frozen=True, order=True)
class Band:
    """A band of edit counts, both ends included; written `100-500`."""

    least: int
    most: int

    @classmethod
    def parse(cls, text: str) -> Band:
        """Read `100-500`.

        Raises:
            ValueError: it is no band, with what to write.
        """
        found = BAND.fullmatch(text.strip())
        if found is None or int(found[1]) > int(found[2]):
            raise ValueError(f"{text!r} is no band of edit counts; write the least and the most, as 100-500")
        return cls(int(found[1]), int(found[2]))

    def __str__(self) -> str:
        """Return it as it is written."""
        return f"{self.least}-{self.most}"


DEFAULT_BAND = Band(100, 500)
"""The contract's first: what is meant where nobody names a band. Milestones and plans go by it."""


def count_command(day: object = "DAY", wiki: str | None = None) -> str:
    """Return the command that counts eligible editors, as hints name it; what is in capitals is to be filled in."""
    command = f"pdmetrics audience --history DIR --snapshot YYYY-MM --as-of {day}"
    return command if wiki is None else f"{command} --wiki {wiki}"
