"""The errors a user can meet: each says what is wrong, where, and what to do next."""

from __future__ import annotations

from functools import partial
from typing import Any

EXIT_GATE = 1  # also what doctor, a rollout or a milestone has against the state of things
EXIT_USAGE = 2
EXIT_NO_INPUT = 3
EXIT_UNEXPECTED = 70  # EX_SOFTWARE of sysexits.h
EXIT_LOCKED = 75  # EX_TEMPFAIL: try again later
STILL_PUBLISHED = "the numbers are published, and stay"  # begins a note on an error that came after publishing


class PdmetricsError(Exception):
    """Base of every error shown to a user without a traceback.

    Args:
        what: what is wrong, in one sentence.
        where: the file, line, table, day or setting it concerns.
        next_step: what to do about it, if possible a command.
    """

    exit_code = EXIT_USAGE

    def __init__(self, what: str, *, where: str = "", next_step: str = "") -> None:
        self.what, self.where, self.next_step = what, where, next_step
        super().__init__(
            "\n".join(
                line for line in (what, where and f"  where: {where}", next_step and f"  next:  {next_step}") if line
            )
        )

    def __reduce__(self) -> tuple[Any, ...]:
        """Keep all three parts on the way from a worker process."""
        return partial(type(self), where=self.where, next_step=self.next_step), (self.what,)


class UsageError(PdmetricsError):
    """Bad usage, configuration or input (exit 2)."""


class InputError(UsageError):
    """A file under --input that cannot be used (exit 2)."""


class WarehouseError(UsageError):
    """The warehouse cannot be used: locked, read-only, full, or in a state that needs a hand (exit 2)."""


class LockedError(WarehouseError):
    """Another command holds the lock of the warehouse (exit 75): the one trouble that waiting mends."""

    exit_code = EXIT_LOCKED


class NoInputError(PdmetricsError):
    """No input for the asked days (exit 3)."""

    exit_code = EXIT_NO_INPUT


class GateError(PdmetricsError):
    """A quality gate failed; nothing of the run is published (exit 1)."""

    exit_code = EXIT_GATE
