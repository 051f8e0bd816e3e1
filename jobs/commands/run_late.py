"""Entry: `run --late`, the days again of which an hour arrived after they were published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from rich.console import Console

from jobs.commands.cut_off import finish_cut_off
from jobs.commands.run import Asked, check_steps, run_steps
from jobs.errors import GateError, UsageError
from jobs.log import get_logger
from jobs.raw.files import open_input
from jobs.settings import Settings
from jobs.steps.companion import Companion
from jobs.steps.late_hours import LateDay, late_days, that_can_be_run
from jobs.steps.late_refused import note_refused
from jobs.warehouse.look import tables_if_any
from jobs.warehouse.manifest import PUBLISHES
from jobs.warehouse.runs import Warehouse
from jobs.warehouse.tables import spans
from jobs.windows import DAY

MOST_DAYS = 7  # of one run


@dataclass(frozen=True)
class Late:
    """Where late hours are looked for, and the steps that their days go through."""

    input_dir: str
    steps: Sequence[str]


def run_late(console: Console, settings: Settings, warehouse: Warehouse, wanted: Late) -> None:
    """Run the days again that late hours belong to, oldest first; up to a week of days that follow are one run.

    On most days there is nothing to do, so that the companion begins only where there is.

    Where a gate stops one of these runs, its days are run one by one, and the others all the same; a day that a gate
    refuses alone is left out from then on, until further hours of it arrive. One that needs what was purged is told,
    and stays as it is.

    Raises:
        UsageError: bad input or settings, or steps that do not publish.
        GateError: a quality gate failed; the first that did.
    """
    check_steps(wanted.steps)
    if wanted.steps[0] != "ingest" or PUBLISHES not in wanted.steps:
        raise UsageError("Late hours are read and published in one go.", where="--steps", next_step="leave it out")
    finish_cut_off(settings, warehouse, tables_too=True)
    tables = tables_if_any(settings.catalog.properties(), warehouse.path)
    found = [] if tables is None else late_days(tables, open_input(wanted.input_dir), settings.ingest.late_days)
    if tables is None or not found:
        console.print("No late hour has arrived.")
        return
    taken = that_can_be_run(tables, settings, warehouse, found)
    if not taken:
        console.print("Of the hours that arrived late none can be taken in.")
        return
    from jobs.steps.companion import companion

    with companion(wanted.steps) as other:
        _run_all(console, settings, warehouse, wanted, taken, [late.day for late in found], other)


def _run_all(
    console: Console, settings: Settings, warehouse: Warehouse, wanted: Late, taken: Sequence[LateDay],
    found: Sequence[date], other: Companion,
) -> None:  # fmt: skip
    failed: list[GateError] = []
    parts = [part for first, last in spans([late.day for late in taken]) for part in _parts(first, last, taken)]
    while parts:
        part = parts.pop(0)
        told = "; ".join(late.in_words for late in part)
        console.print(f"Arrived late: {told}.", highlight=False, soft_wrap=True)
        asked = Asked(part[0].day, part[-1].day + DAY, wanted.input_dir, wanted.steps, is_late=True)
        try:
            run_steps(console, settings, warehouse, asked, other)
        except GateError as error:
            if len(part) > 1:
                get_logger().warning("a gate failed; these days are run one by one", hours=told, why=error.what)
                parts = [[late] for late in part] + parts
                continue
            get_logger().error("late hours stay out: a gate failed", hours=told, why=error.what)
            note_refused(warehouse, {late.day: late.hours for late in part}, found)
            failed.append(error)
    if failed:
        raise failed[0]


def _parts(first: date, last: date, found: Sequence[LateDay]) -> list[list[LateDay]]:
    """Cut the late days of a span into runs; a long one would not end in the time that a scheduler gives it."""
    within = [late for late in found if first <= late.day <= last]
    return [within[n : n + MOST_DAYS] for n in range(0, len(within), MOST_DAYS)]
