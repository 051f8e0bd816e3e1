"""Entry: the lines of a day that were refused, with ids masked."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from datetime import date

from rich.console import Console

from jobs.console import as_records, as_table
from jobs.errors import UsageError
from jobs.settings import Settings
from jobs.warehouse.look import tables_to_look_at
from jobs.warehouse.receipts import purged_days
from jobs.warehouse.refused import LINES, LOG, is_reason, refused_by_day, refused_lines
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
        UsageError: there is no such reason, or no run is staged that has the day.
    """
    tables = tables_to_look_at(settings.catalog.properties(), warehouse.path)
    is_published = wanted.day in tables.days(LOG)
    run_id = _staged(warehouse, wanted.day, is_published) if wanted.is_staged else None
    reasons = {reason: n for (_, reason), n in refused_by_day(tables, [wanted.day], run_id).items()}
    source = f"{wanted.day}, " + (f"as {run_id} staged it" if run_id else "as published")
    if not reasons:
        known = run_id is not None or is_published
        text = f"No line is quarantined: {source}." if known else _unpublished(warehouse, wanted.day)
        console.print(text, highlight=False, soft_wrap=True)
        return
    if wanted.reason is not None and wanted.reason not in reasons:
        if not is_reason(wanted.reason):
            raise UsageError(
                f"There is no reason {wanted.reason!r}.", where=source, next_step=f"there are {', '.join(reasons)}"
            )
        there = ", ".join(reasons)
        text = f"No line is quarantined for {wanted.reason}: {source}. There are lines for {there}."
        console.print(text, highlight=False, soft_wrap=True)
        return
    console.print(f"Quarantined, {source}:", highlight=False, soft_wrap=True)
    console.print(as_table(["reason", "lines"], list(reasons.items())))
    found = refused_lines(tables, [wanted.day], run_id, reason=wanted.reason, limit=wanted.limit, is_raw=wanted.is_raw)
    console.print(as_records(["file", "reason", "line"], [astuple(line) for line in found]), soft_wrap=True)
    total = sum(n for reason, n in reasons.items() if wanted.reason in (None, reason))
    more = "" if len(found) == total else "; --limit N shows more"
    if run_id is None and wanted.day in purged_days(tables, [LINES]):
        more = "; the lines were purged, past [privacy] events_keep_days"
    console.print(f"{len(found):,} of {total:,} shown{more}.", markup=False, highlight=False, soft_wrap=True)


def _unpublished(warehouse: Warehouse, day: date) -> str:
    run = warehouse.unpublished_run([day])
    if run is not None:
        return f"Nothing of {day} is published; {run.run_id} has staged it: add --staged."
    return f"Nothing of {day} is published or staged. Next: {_command(warehouse, day)}"


def _command(warehouse: Warehouse, day: date) -> str:
    return f"pdmetrics --warehouse {warehouse.place} run --date {day} --input DIR"


def _staged(warehouse: Warehouse, day: date, is_published: bool) -> str:
    run = warehouse.unpublished_run([day])
    if run is not None:
        return run.run_id
    step = f"it is not published either: {_command(warehouse, day)}"
    raise warehouse.nothing_staged([day], "leave out --staged for what is published" if is_published else step)
