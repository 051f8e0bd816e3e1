"""What every command gets from the global options, and the words some of them take."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

from jobs.errors import UsageError
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
    """What every command gets from the global options.

    Attributes:
        settings, sources: as they hold for this warehouse, and where each is from.
        unread: the warehouse; of one that lies elsewhere nothing was fetched yet.
        console: where commands print.
        trouble: what is wrong with the settings, of which `doctor` only tells.
    """

    settings: Settings
    sources: Sources
    unread: Warehouse
    console: Console
    trouble: UsageError | None = None

    @cached_property
    def warehouse(self) -> Warehouse:
        """The warehouse as it is now, for a command that has to do with one."""
        self.unread.attach()
        return self.unread


class Gate(StrEnum):
    """Which quality gate."""

    raw = "raw"
    facts = "facts"
    marts = "marts"
