"""Entry: days computed again beside what is published, the difference told, then published in one step; or undone."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from jobs.commands.arguments import EndDay, InputPlace, StartDay, day_range
from jobs.commands.context import Context
from jobs.errors import GateError, UsageError
from jobs.windows import DAY, days, in_words

if TYPE_CHECKING:  # what only a command needs is imported by it, so that --help is quick
    from jobs.steps.companion import Companion
    from jobs.steps.job import Job
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
    from jobs.raw.files import open_input
    from jobs.raw.strays import tell_strays
    from jobs.steps import backfill as steps
    from jobs.steps.beginning import check_settings, read_input
    from jobs.steps.difference_told import tell_difference
    from jobs.steps.job import Job, check_salt_there, open_lake
    from jobs.steps.kept_days import check_kept
    from jobs.steps.report import begin_report
    from jobs.steps.running import make_report_of
    from jobs.steps.traced import sight_of

    settings, warehouse, console = shared.settings, shared.warehouse, shared.console
    check_settings(settings)
    was_cut_off = warehouse.journal.exists()
    lineage = open_lineage(settings.lineage)
    source = open_input(asked.input_dir)
    reference, raw = read_input(source, days(asked.start, asked.end))
    check_salt_there(settings, warehouse)
    check_kept(settings, warehouse, days(asked.start, asked.end))
    with open_lake(settings, warehouse, (asked.start, asked.end)) as lake:
        wanted = steps.wanted_backfill(asked.start, asked.end, source.whole, asked.reason, settings)
        run = steps.begin_backfill(lake, warehouse, settings, wanted, reference, was_cut_off=was_cut_off)
        job = Job(lake, warehouse, settings, console, run, other, raw)
        if run.state == "open":
            tell_strays(raw.ignored)
            with _gates_end_it(job):
                steps.stage_chunks(job, asked.chunk_days, lineage)
                other.prepare("marts")
                tell_difference(console, steps.build_compared(job), warehouse.said(steps.difference_file(job)))
        if run.state == "open" and not asked.is_dry:
            begin_report(settings, warehouse, other)
            steps.publish_backfill(job, lineage)
        if run.state == "published":
            make_report_of(sight_of(job), other, lineage)
    _tell(shared, run, asked.input_dir)


def _undo(shared: Context, run_id: str, reason: str, chunk_days: int, other: Companion) -> None:
    from jobs.lineage.sending import open_lineage
    from jobs.steps.backfill import build_compared, difference_file, publish_backfill
    from jobs.steps.beginning import check_settings
    from jobs.steps.difference_told import tell_difference
    from jobs.steps.job import Job, open_lake
    from jobs.steps.rollback import begin_rollback, decided_since, stage_rollback
    from jobs.steps.running import make_report_of
    from jobs.steps.traced import sight_of, traced

    settings, warehouse, console = shared.settings, shared.warehouse, shared.console
    check_settings(settings)
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
        make_report_of(sight_of(job), other, lineage)
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


@contextlib.contextmanager
def _gates_end_it(job: Job) -> Iterator[None]:
    """Say of a backfill that a gate stopped that nothing of it is published."""
    from jobs.steps.running import ended_by_gates

    try:
        with ended_by_gates(job):
            yield
    except GateError:
        job.console.print("Nothing of it is published.")
        raise


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
