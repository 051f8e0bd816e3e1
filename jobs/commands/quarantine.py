"""Entry: the lines of a day that were refused, with ids masked."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from datetime import date

from rich.console import Console

from jobs.console import as_records, as_table
from jobs.errors import UsageError
from jobs.settings import Settings
from jobs.warehouse.home import open_home
from jobs.warehouse.refused import LOG, refused_by_day, refused_lines, tables_to_look_at
from jobs.warehouse.runs import Warehouse


@dataclass(frozen=True)
class Wanted:
    """Which lines: of which day, for which reason (None: any), how many at most, staged or published, masked or not."""

    day: date
    reason: str | None
    limit: int
    is_staged: bool
    is_raw: bool


def show_refused(console: Console, settings: Settings, warehouse: Warehouse, wanted: Wanted) -> None:
    """Print how many lines were refused for which reason, and some of them.

    Raises:
        UsageError: no line was refused for that reason, or no run is staged that has the day.
    """
    tables = tables_to_look_at(open_home(settings.catalog.properties(), warehouse.path, look_only=True)[0])
    run_id = _staged(warehouse, wanted.day) if wanted.is_staged else None
    reasons = {reason: n for (_, reason), n in refused_by_day(tables, [wanted.day], run_id).items()}
    source = f"{wanted.day}, " + (f"as {run_id} staged it" if run_id else "as published")
    if not reasons:
        known = run_id is not None or wanted.day in tables.days(LOG)
        text = f"No line is quarantined: {source}." if known else f"Nothing of {wanted.day} is published; see --staged."
        console.print(text, highlight=False, soft_wrap=True)
        return
    if wanted.reason not in (None, *reasons):
        raise UsageError(
            f"No line was refused for {wanted.reason!r}.", where=source, next_step=f"there are {', '.join(reasons)}"
        )
    console.print(f"Quarantined, {source}:", highlight=False, soft_wrap=True)
    console.print(as_table(["reason", "lines"], list(reasons.items())))
    found = refused_lines(tables, [wanted.day], run_id, reason=wanted.reason, limit=wanted.limit, is_raw=wanted.is_raw)
    console.print(as_records(["file", "reason", "line"], [astuple(line) for line in found]), soft_wrap=True)


def _staged(warehouse: Warehouse, day: date) -> str:
    run = next(reversed(warehouse.all_runs()), None)
    if run is None or run.state == "published" or day not in run.days:
        newest = f"the newest run, {run.run_id}, is {run.state}" if run else "there are no runs"
        raise UsageError(f"Nothing is staged of {day}: {newest}.", next_step="leave out --staged for what is published")
    return run.run_id
