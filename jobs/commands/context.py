"""What every command gets from the global options, and the words some of them take."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.errors import UsageError
from jobs.warehouse.opening import open_warehouse, settings_for
from jobs.warehouse.runs import Warehouse

if TYPE_CHECKING:  # what only a command needs is imported by it, so that --help is quick
    from rich.console import Console

    from jobs.settings import Settings, Sources


class LogFormat(StrEnum):
    """How log lines look."""

    text = "text"
    json = "json"


class OutputFormat(StrEnum):
    """How query results look."""

    table = "table"
    csv = "csv"
    json = "json"


@dataclass(frozen=True)
class Context:
    """What every command gets from the global options; nothing is opened before it is asked for.

    Attributes:
        given, sources: the settings as they were given, and where each is from.
        place: the warehouse, a folder or an address.
        console: where commands print.
        trouble: what is wrong with the settings, of which `doctor` only tells.
    """

    given: Settings
    sources: Sources
    place: Path | str
    console: Console
    trouble: UsageError | None = None

    @cached_property
    def settings(self) -> Settings:
        """The settings as they hold for this warehouse."""
        return settings_for(self.place, self.given)

    @cached_property
    def unread(self) -> Warehouse:
        """The warehouse; of one that lies elsewhere nothing was fetched yet."""
        return open_warehouse(self.place, self.settings)

    @cached_property
    def warehouse(self) -> Warehouse:
        """The warehouse as it is now, for a command that has to do with one."""
        self.unread.attach()
        return self.unread

    def close(self) -> None:
        """Put away what the command needed of the warehouse, if it opened it."""
        if "unread" in self.__dict__:
            self.unread.close()


class Gate(StrEnum):
    """Which quality gate."""

    raw = "raw"
    facts = "facts"
    marts = "marts"
    audience = "audience"
