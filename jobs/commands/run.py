"""Entry: the main job, step by step, in one process or in several."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from rich.console import Console

from jobs.commands.cut_off import finish_cut_off
from jobs.errors import PdmetricsError, UsageError
from jobs.lineage.sending import open_lineage
from jobs.log import get_logger
from jobs.raw.files import Input, open_input
from jobs.reference.load import Reference
from jobs.settings import Settings
from jobs.steps.beginning import check_settings, read_input
from jobs.steps.companion import Companion
from jobs.steps.job import Job, check_salt_there, engine_errors, open_lake
from jobs.steps.kept_days import check_kept, require_kept
from jobs.steps.late_hours import notice_late_hours
from jobs.steps.report import REPORT, where_to_look
from jobs.steps.running import make_report_of, run_step
from jobs.steps.traced import Sight
from jobs.warehouse.lake import Lake
from jobs.warehouse.manifest import PUBLISHES, STEPS, Run
from jobs.warehouse.publish import clean_up
from jobs.warehouse.runs import Warehouse
from jobs.windows import days, in_words


@dataclass(frozen=True)
class Asked:
    """What a run was asked to do: days [start, end), where their input is, which steps; whether for late hours."""

    start: date
    end: date
    input_dir: str
    steps: Sequence[str]
    is_late: bool = False


def run_steps(console: Console, settings: Settings, warehouse: Warehouse, asked: Asked, other: Companion) -> None:
    """Run the asked steps, beside a companion that has begun its imports.

    Raises:
        UsageError: bad input or settings, or a step whose predecessor has not run.
        NoInputError: none of the days has any input.
        GateError: a quality gate failed; nothing is published.
        WarehouseError: among others, a report that could not be made of what is published.
    """
    check_steps(asked.steps)
    run = (
        _report_alone(settings, warehouse, asked, other)
        if asked.steps[0] == REPORT
        else _run_in_lake(console, settings, warehouse, asked, other)
    )
    console.print(_outcome(run, warehouse, settings, asked), highlight=False, soft_wrap=True)


def _run_in_lake(console: Console, settings: Settings, warehouse: Warehouse, asked: Asked, other: Companion) -> Run:
    """Run steps of which the first needs the lake."""
    source = open_input(asked.input_dir)
    # What cannot succeed is told before an engine starts.
    check_settings(settings)
    lineage = open_lineage(settings.lineage)
    reference, raw = None, None
    if "ingest" in asked.steps:
        reference, raw = read_input(source, days(asked.start, asked.end))
        check_salt_there(settings, warehouse)
        check_kept(settings, warehouse, days(asked.start, asked.end))
    elif not warehouse.journal.exists():  # else it is known once that publish is finished
        _staged_run(warehouse, asked)
    with open_lake(settings, warehouse, (asked.start, asked.end) if reference is not None else None) as lake:
        if reference is not None:
            run, steps = _new_run(settings, lake, warehouse, asked, source, reference), asked.steps
        else:
            run, steps = _staged_run(warehouse, asked)
        job = Job(lake, warehouse, settings, console, run, other, raw)
        if reference is not None and not asked.is_late:
            notice_late_hours(job)
        with _claimed(job, goes_on=reference is None):
            for step in steps:
                run_step(job, step, ends_with_report=REPORT in steps, lineage=lineage)
    return run


@contextlib.contextmanager
def _claimed(job: Job, *, goes_on: bool) -> Iterator[None]:
    """Let runs of other days wait for the step after these.

    Where these go on with what is staged, others wait meanwhile too: should one be killed, its retry finds that. A run
    that is killed while it ingests begins anew, and keeps nobody waiting; nor does one that ends with an error.
    """
    run, warehouse = job.run, job.warehouse

    def save(claimed_until: datetime | None) -> None:
        run.claimed_until = claimed_until
        warehouse.save(run)

    def claim() -> None:
        save(datetime.now(UTC) + timedelta(minutes=job.settings.run.claim_minutes))

    if goes_on and run.state == "open":
        claim()
    try:
        yield
    except Exception:
        if not warehouse.journal.exists() and warehouse.state_of(run) != "published":
            with contextlib.suppress(PdmetricsError, OSError):  # the first trouble is told
                save(None)
        raise
    if run.state == "open":
        claim()


def _report_alone(settings: Settings, warehouse: Warehouse, asked: Asked, other: Companion) -> Run:
    """Make the report of days that are published, as a scheduler's last task; it takes no engine."""
    lineage = open_lineage(settings.lineage)
    finish_cut_off(settings, warehouse, tables_too=True)
    run = warehouse.staged_run(asked.start, asked.end, after=PUBLISHES)
    with warehouse.lock():
        make_report_of(Sight(settings, warehouse, run), other, lineage)
    return run


def _new_run(
    settings: Settings, lake: Lake, warehouse: Warehouse, asked: Asked, source: Input, reference: Reference
) -> Run:
    """Open a run with the reference frozen, after dropping what unfinished ones had staged."""
    require_kept(lake, settings, days(asked.start, asked.end))  # a purge may have held the lock
    with engine_errors(warehouse):
        clean_up(lake, warehouse)
    if (before := warehouse.newest_run(asked.start, asked.end)) is not None:
        before.begun_again = True
        warehouse.save(before)
    run = warehouse.new_run(asked.start, asked.end, source.whole)
    reference.write(warehouse.reference(run.run_id))
    return run


def _staged_run(warehouse: Warehouse, asked: Asked) -> tuple[Run, Sequence[str]]:
    """Return the open run that the first step goes on with, and what is left to do of the steps."""
    newest = warehouse.newest_run(asked.start, asked.end)
    is_done = newest is not None and newest.state == "published" and newest.backfill is None
    if newest is not None and is_done and not newest.begun_again and PUBLISHES in asked.steps:
        # A scheduler's retry of a step that was killed after its publish, or whose publish another command finished.
        get_logger().info("published already", run=newest.run_id)
        return newest, [step for step in asked.steps if step == REPORT]
    before = STEPS[STEPS.index(asked.steps[0]) - 1]
    return warehouse.staged_run(asked.start, asked.end, after=before), asked.steps


def _outcome(run: Run, warehouse: Warehouse, settings: Settings, asked: Asked) -> str:
    """Say what there is now, and which command comes next."""
    start, end = asked.start, asked.end
    if run.state == "published":
        is_made = REPORT in asked.steps and settings.report.build
        report = f" {where_to_look(warehouse.said(warehouse.report))}" if is_made else ""
        query = f"pdmetrics --warehouse {warehouse.place} query 'show tables'"
        return f"Published {in_words(start, end)}.{report} Next: {query}"
    following = STEPS[STEPS.index(asked.steps[-1]) + 1]
    return (
        f"Staged as {run.run_id}, not published yet. Next: pdmetrics --warehouse {warehouse.place} run "
        f"--start {start} --end {end} --input {asked.input_dir} --steps {following}"
    )


def check_steps(steps: Sequence[str]) -> None:
    """Refuse steps that are unknown, or out of order.

    Raises:
        UsageError: they are.
    """
    for step in steps:
        if step not in STEPS:
            raise UsageError(f"Unknown step {step!r}.", where="--steps", next_step=f"steps are {', '.join(STEPS)}")
    first = STEPS.index(steps[0]) if steps else 0
    if list(steps) != list(STEPS[first : first + len(steps)]) or not steps:
        raise UsageError(
            "Steps run in order, without a gap.", where="--steps", next_step=f"for example {','.join(STEPS)}"
        )
