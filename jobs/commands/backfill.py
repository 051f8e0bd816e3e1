"""Entry: days computed again beside what is published, the difference told, then published in one step; or undone."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from jobs.commands.arguments import EndDay, InputPlace, StartDay, day_range
from jobs.commands.context import Context
from jobs.errors import GateError, UsageError
from jobs.windows import DAY, days, in_words

if TYPE_CHECKING:  # what only a command needs is imported by it, so that --help is quick
    from jobs.lineage.sending import Lineage
    from jobs.raw.files import RawDays
    from jobs.reference.load import Reference
    from jobs.steps.companion import Companion
    from jobs.steps.job import Job
    from jobs.warehouse.lake import Lake
    from jobs.warehouse.manifest import Run

CHUNK_DAYS = 28


@dataclass(frozen=True)
class Asked:
    """What a backfill was asked to do: days [start, end), where their input is, why, and how."""

    start: date
    end: date
    input_dir: str
    reason: str
    is_dry: bool
    chunk_days: int


def backfill(
    context: typer.Context,
    input_dir: InputPlace = "",
    start: StartDay = None,
    end: EndDay = None,
    reason: Annotated[str | None, typer.Option(help="Why, for whoever reads the history; kept with the run.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Stage and tell the difference; publish nothing.")] = False,
    chunk_days: Annotated[int, typer.Option(min=1, help="Days that are worked on at once; rows are the same.")] = (
        CHUNK_DAYS
    ),
    rollback: Annotated[str | None, typer.Option(metavar="RUN_ID", help="Undo a backfill of the last 30 days.")] = None,
) -> None:
    """Compute days again beside what is published, show the difference and its cause, then publish in one step."""
    from jobs.steps.companion import companion

    shared: Context = context.obj
    if rollback is not None:
        source = context.get_parameter_source("input_dir")
        is_input_named = source is not None and source.name == "COMMANDLINE"  # PDMETRICS_INPUT is set for all commands
        if start or end or dry_run or is_input_named:
            raise UsageError(
                "A rollback takes the days of the run that it undoes, reads no --input, and is published at once.",
                where="--rollback",
                next_step=f"pdmetrics backfill --rollback {rollback}",
            )  # fmt: skip
        with companion(["estimates"]) as other:
            _undo(shared, rollback, reason or "", chunk_days, other)
        return
    first, last = day_range(None, start, end)
    if not reason or not reason.strip():
        raise UsageError("Say why the days are computed again.", where="--reason", next_step='--reason "…"')
    if not input_dir:
        raise UsageError("Say where the raw events are.", where="--input", next_step="--input DIRECTORY")
    with companion(["ingest"]) as other:
        _backfill(shared, Asked(first, last, input_dir, reason.strip(), dry_run, chunk_days), other)


def _backfill(shared: Context, asked: Asked, other: Companion) -> None:
    from jobs.lineage.sending import open_lineage
    from jobs.raw.strays import tell_strays
    from jobs.steps.backfill import build_compared, difference_file, publish_backfill, stage_chunks
    from jobs.steps.difference_told import tell_difference
    from jobs.steps.job import Job, check_salt_there, open_lake
    from jobs.steps.kept_days import check_kept
    from jobs.steps.report import begin_report

    settings, warehouse, console = shared.settings, shared.warehouse, shared.console
    was_cut_off = _check(shared)
    lineage = open_lineage(settings.lineage)
    reference, raw, place = _read_input(asked)
    check_salt_there(settings, warehouse)
    check_kept(settings, warehouse, days(asked.start, asked.end))
    with open_lake(settings, warehouse, (asked.start, asked.end)) as lake:
        run = _begun(shared, lake, replace(asked, input_dir=place), reference, was_cut_off=was_cut_off)
        job = Job(lake, warehouse, settings, console, run, other, raw)
        if run.state == "open":
            tell_strays(raw.ignored)
            with _gates_end_it(job):
                stage_chunks(job, asked.chunk_days, lineage)
                other.prepare("marts")
                tell_difference(console, build_compared(job), warehouse.said(difference_file(job)))
        if run.state == "open" and not asked.is_dry:
            begin_report(settings, warehouse, other)
            publish_backfill(job, lineage)
        if run.state == "published":
            _report(job, lineage)
    _tell(shared, run, asked.input_dir)


def _undo(shared: Context, run_id: str, reason: str, chunk_days: int, other: Companion) -> None:
    from jobs.lineage.sending import open_lineage
    from jobs.steps.backfill import build_compared, difference_file, publish_backfill
    from jobs.steps.difference_told import tell_difference
    from jobs.steps.job import Job, open_lake
    from jobs.steps.rollback import begin_rollback, decided_since, stage_rollback
    from jobs.steps.traced import sight_of, traced

    settings, warehouse, console = shared.settings, shared.warehouse, shared.console
    _check(shared)
    lineage = open_lineage(settings.lineage)
    with open_lake(settings, warehouse) as lake:
        run, plan = begin_rollback(lake, warehouse, settings, run_id, reason)
        job = Job(lake, warehouse, settings, console, run, other)
        decided = [] if plan is None else decided_since(lake, plan, settings.ingest.dedup_lookback_days)
        if plan is not None:
            with _gates_end_it(job):
                with traced(lineage, "estimates", sight_of(job)):  # it reads no lines
                    stage_rollback(job, plan, chunk_days)
                other.prepare("marts")
                tell_difference(console, build_compared(job), warehouse.said(difference_file(job)))
            publish_backfill(job, lineage)
        _report(job, lineage)
    _tell(shared, run, run.input_dir)
    console.print(
        "Hours that came late and are out again stay out, for thirty days or until their days are run by name."
    )
    if decided:
        again = ["--start", f"{decided[0]}", "--end", f"{decided[-1] + DAY}", "--input", run.input_dir]
        command = shlex.join(["pdmetrics", "--warehouse", warehouse.place, "run", *again])
        console.print(
            f"Lines of {in_words(decided[0], decided[-1] + DAY)} may be duplicates of lines that are gone now. "
            f"To decide them again: {command}", highlight=False, soft_wrap=True,
        )  # fmt: skip


def _check(shared: Context) -> bool:
    """Tell what cannot succeed before an engine starts; return whether a publish was cut off before."""
    from expectations.thresholds import load_thresholds
    from jobs.alarms import check_addresses

    load_thresholds(shared.settings.quality.thresholds_file)
    check_addresses(shared.settings.alerts)
    return shared.warehouse.journal.exists()


def _read_input(asked: Asked) -> tuple[Reference, RawDays, str]:
    """Read the CSVs and list the raw files of all days; return also where the input is, in full."""
    from jobs.progress import still_at
    from jobs.raw.files import find_input, open_input, require_raw
    from jobs.reference.load import load_reference

    source = open_input(asked.input_dir)
    with still_at("listing the input"):
        require_raw(source)
        with source.csv_folder() as folder:
            reference = load_reference(folder, allow_unknown_policy_wikis=True)
        return reference, find_input(source, days(asked.start, asked.end)), source.whole


def _begun(shared: Context, lake: Lake, asked: Asked, reference: Reference, *, was_cut_off: bool) -> Run:
    """Return the backfill to go on with, or a new one after dropping what unfinished runs had staged."""
    from jobs.log import get_logger
    from jobs.steps.backfill import half_way, new_backfill, noted, wanted_backfill
    from jobs.steps.job import engine_errors
    from jobs.steps.kept_days import require_kept
    from jobs.warehouse.publish import clean_up

    warehouse = shared.warehouse
    newest = warehouse.newest_run(asked.start, asked.end)
    if was_cut_off and newest is not None and newest.state == "published" and newest.backfill is not None:
        return newest  # whose publish this command has just finished
    wanted = wanted_backfill(asked.start, asked.end, asked.input_dir, asked.reason, shared.settings)
    found = half_way(lake, warehouse, wanted, reference)
    if found is not None:
        get_logger().info("going on", run=found.run_id, ingested_to=str(noted(found).ingested_to))
        noted(found).reason = asked.reason
        warehouse.save(found)
        return found
    require_kept(lake, shared.settings, days(asked.start, asked.end))  # a purge may have held the lock
    with engine_errors(warehouse):
        clean_up(lake, warehouse)
    return new_backfill(warehouse, wanted, reference)


@contextlib.contextmanager
def _gates_end_it(job: Job) -> Iterator[None]:
    """Note that a gate failed, so that nobody goes on with the run, and say that nothing is published."""
    from jobs.steps.job import engine_errors

    try:
        with engine_errors(job.warehouse):
            yield
    except GateError as error:
        job.run.state = "failed"
        job.warehouse.save(job.run)
        job.console.print("Nothing of it is published.")
        raise error from None


def _report(job: Job, lineage: Lineage | None) -> None:
    from jobs.steps.report import REPORT, report_of_run
    from jobs.steps.running import announced
    from jobs.steps.traced import sight_of, traced

    told = lineage if job.settings.report.build else None
    with announced(REPORT, job.run), traced(told, REPORT, sight_of(job)):
        report_of_run(job.settings, job.warehouse, job.companion)


def _tell(shared: Context, run: Run, input_dir: str) -> None:
    """Say what there is now, and which command comes next."""
    from jobs.steps.report import where_to_look

    command = ["pdmetrics", "--warehouse", shared.warehouse.place, "backfill"]
    asked = in_words(run.start, run.end)
    if run.state == "published":
        place = shared.warehouse.said(shared.warehouse.report)
        report = f" {where_to_look(place)}" if shared.settings.report.build else ""
        undo = shlex.join([*command, "--rollback", run.run_id])
        told = f"Published {asked} as {run.run_id}.{report} To undo it, for thirty days: {undo}"
    else:
        reason = run.backfill.reason if run.backfill else ""
        again = ["--start", f"{run.start}", "--end", f"{run.end}", "--input", input_dir, "--reason", reason]
        told = (
            f"Staged {asked} as {run.run_id}, not published. To publish exactly this, before another run publishes: "
            f"{shlex.join([*command, *again])}"
        )
    shared.console.print(told, highlight=False, soft_wrap=True)
