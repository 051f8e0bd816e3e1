"""Entry: `run --late`, the days again of which an hour arrived after they were published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console

from jobs.commands.cut_off import finish_cut_off
from jobs.commands.run import Asked, check_steps, run_steps
from jobs.errors import GateError, UsageError
from jobs.log import get_logger
from jobs.raw.files import open_input
from jobs.settings import Settings
from jobs.steps.companion import Companion
from jobs.steps.kept_days import require_kept
from jobs.steps.late_hours import LateDay, late_days
from jobs.warehouse.look import tables_if_any
from jobs.warehouse.manifest import PUBLISHES
from jobs.warehouse.runs import Warehouse
from jobs.warehouse.tables import Tables, spans
from jobs.windows import DAY


@dataclass(frozen=True)
class Late:
    """Where late hours are looked for, and the steps that their days go through."""

    input_dir: str
    steps: Sequence[str]


def run_late(console: Console, settings: Settings, warehouse: Warehouse, wanted: Late, other: Companion) -> None:
    """Run the days again that late hours belong to, oldest first; days that follow each other are one run.

    Where a gate stops one of these runs, the others are made all the same. A day that needs what was purged is told,
    and stays as it is.

    Raises:
        UsageError: bad input or settings, or steps that do not publish.
        GateError: a quality gate failed; the first that did.
    """
    check_steps(wanted.steps)
    if wanted.steps[0] != "ingest" or PUBLISHES not in wanted.steps:
        raise UsageError("Late hours are read and published in one go.", where="--steps", next_step="leave it out")
    finish_cut_off(settings, warehouse)
    tables = tables_if_any(settings.catalog.properties(), warehouse.path)
    found = [] if tables is None else late_days(tables, open_input(wanted.input_dir), settings.ingest.late_days)
    if tables is None or not found:
        console.print("No late hour has arrived.")
        return
    found = [late for late in found if _can_be_run(tables, settings, late)]
    if not found:
        console.print("Of the hours that arrived late none can be taken in any more.")
    failed: list[GateError] = []
    for first, last in spans([late.day for late in found]):
        told = "; ".join(late.in_words for late in found if first <= late.day <= last)
        console.print(f"Arrived late: {told}.", highlight=False, soft_wrap=True)
        asked = Asked(first, last + DAY, wanted.input_dir, wanted.steps, is_late=True)
        try:
            run_steps(console, settings, warehouse, asked, other)
        except GateError as error:
            get_logger().error("late hours stay out: a gate failed", first=str(first), last=str(last), why=error.what)
            failed.append(error)
    if failed:
        raise failed[0]


def _can_be_run(tables: Tables, settings: Settings, late: LateDay) -> bool:
    """Whether nothing that a run of the day needs was purged; if something was, it is told."""
    try:
        require_kept(tables, settings, [late.day])
    except UsageError as error:
        get_logger().warning("what arrived late cannot be taken in any more", hours=late.in_words, why=error.what)
        return False
    return True
