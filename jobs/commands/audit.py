"""Entry: a gate asked again, for an operator who looks closer and for a sensor that waits for a day's hours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from rich.console import Console

from expectations.checks import CRITICAL
from expectations.gate import GateResult
from jobs.commands.cut_off import finish_cut_off
from jobs.console import as_table
from jobs.errors import UsageError
from jobs.progress import still_at
from jobs.raw.files import RawDays
from jobs.settings import Settings
from jobs.steps.audit import (
    audit_facts,
    audit_marts,
    audit_raw,
    audited,
    incomplete_days,
    ingested,
    not_all_yet,
    whole_input,
)
from jobs.steps.audit_audience import audit_audience
from jobs.warehouse.manifest import AUDIENCE
from jobs.warehouse.runs import Warehouse
from jobs.windows import DAY, in_words


@dataclass(frozen=True)
class Asked:
    """Which gate, of which days, of what is published or staged, and where the raw events are (None: not looked at).

    Of an audience there may be no day: the newest dates are meant.
    """

    gate: str
    days: Sequence[date]
    is_staged: bool
    input_dir: str | None


def audit(console: Console, settings: Settings, warehouse: Warehouse, asked: Asked) -> None:
    """Ask a gate again and print what it says; no verdict is recorded and no row changes.

    Raises:
        GateError: a critical check failed.
        NoInputError: a day has no input, not all of its hours yet, or was not ingested; nobody was counted as of it.
        UsageError: nothing is staged.
    """
    finish_cut_off(settings, warehouse, tables_too=True)
    if asked.gate == AUDIENCE:
        _audit_audience(console, settings, warehouse, asked)
        return
    raw, days = None, asked.days
    if asked.input_dir is not None:
        raw = whole_input(asked.input_dir, asked.days)
        _tell_arrived(console, raw, asked.days)
    if raw is not None and asked.gate == "raw" and not asked.is_staged:
        days = ingested(settings, warehouse, asked.days)
        _tell_not_ingested(console, asked, days)
        if not days:
            return
    what = audited(warehouse, days, is_staged=asked.is_staged)
    with still_at(f"at the {asked.gate} gate"):
        if asked.gate == "raw":
            result = audit_raw(settings, warehouse, what, raw)
        else:
            result = (audit_facts if asked.gate == "facts" else audit_marts)(settings, warehouse, what)
    _print(console, asked, result, in_words(min(asked.days), max(asked.days) + DAY))
    if not result.passed:
        raise result.error(where=warehouse.place, is_audit=True)
    late = incomplete_days(result) if asked.gate == "raw" else {}
    if late and raw is None:
        raise not_all_yet(list(late.values()), warehouse.place)
    for day in late:  # its hours are all there by now
        command = f"pdmetrics --warehouse {warehouse.place} run --date {day} --input {asked.input_dir}"
        console.print(f"{day} was ingested without all of it: {command}", highlight=False, soft_wrap=True)


def _audit_audience(console: Console, settings: Settings, warehouse: Warehouse, asked: Asked) -> None:
    if asked.input_dir is not None:
        raise UsageError("An audience has no hours to wait for.", where="--input", next_step="leave it out")
    with still_at(f"at the {AUDIENCE} gate"):
        found = audit_audience(settings, warehouse, asked.days, is_staged=asked.is_staged)
    _print(console, asked, found.result, f"as of {', '.join(map(str, found.days))}")
    console.print(*found.notes, sep="\n", highlight=False, markup=False, soft_wrap=True)
    if not found.result.passed:
        raise found.result.error(where=warehouse.place, is_audit=True)


def _tell_not_ingested(console: Console, asked: Asked, days: Sequence[date]) -> None:
    """Say which days wait to be run, of which only the input was looked at."""
    waiting = [day for day in asked.days if day not in set(days)]
    if waiting:
        named = ", ".join(map(str, waiting[:3])) + (f" and {len(waiting) - 3} more" if len(waiting) > 3 else "")
        console.print(f"Not ingested yet, so nothing else was looked at: {named}.", highlight=False, soft_wrap=True)


def _tell_arrived(console: Console, raw: RawDays, days: Sequence[date]) -> None:
    megabytes = sum(max(file.n_bytes, 0) for file in raw.files) / 1e6
    there = f"every hour is there, {len(raw.files)} files, {megabytes:,.1f} MB."
    console.print(f"{in_words(min(days), max(days) + DAY)}: {there}", highlight=False, soft_wrap=True)


def _print(console: Console, asked: Asked, result: GateResult, days: str) -> None:
    """Print every check that failed, and how many passed."""
    rows = [
        ("FAILED" if failure.severity == CRITICAL else "warned", failure.check_id, failure.day, failure.subject,
         failure.observed, failure.expected)
        for failure in result.failures
    ]  # fmt: skip
    n_checks, n_bad = result.rows["check_id"].nunique(), len({failure.check_id for failure in result.failures})
    source = "staged" if asked.is_staged else "published"
    title = f"{asked.gate} gate, {days}, as {source}: {n_checks - n_bad} of {n_checks} checks passed"
    if rows:
        console.print(as_table(["outcome", "check", "day", "subject", "saw", "allowed"], rows, title))
        looks = dict.fromkeys(failure.look for failure in result.failures)
        console.print("Look closer:", *looks, sep="\n  ", highlight=False, soft_wrap=True)
    else:
        console.print(f"{title}.", highlight=False, soft_wrap=True)
