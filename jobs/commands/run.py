"""Entry: the main job, step by step, in one process or in several."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from rich.console import Console

from expectations.thresholds import load_thresholds
from jobs.alarms import check_addresses
from jobs.errors import GateError, UsageError
from jobs.log import get_logger
from jobs.progress import still_at
from jobs.raw.files import Input, RawDays, find_input, open_input, require_raw
from jobs.reference.load import Reference, load_reference
from jobs.settings import Settings
from jobs.steps.companion import Companion
from jobs.steps.job import Job, check_salt_there, engine_errors, open_lake
from jobs.warehouse.lake import Lake
from jobs.warehouse.publish import clean_up
from jobs.warehouse.runs import STEPS, Run, Warehouse
from jobs.windows import days, in_words


@dataclass(frozen=True)
class Asked:
    """What a run was asked to do: days [start, end), where their input is, which steps."""

    start: date
    end: date
    input_dir: str
    steps: Sequence[str]


def run_steps(console: Console, settings: Settings, warehouse: Warehouse, asked: Asked, other: Companion) -> None:
    """Run the asked steps, beside a companion that has begun its imports.

    Raises:
        UsageError: bad input or settings, or a step whose predecessor has not run.
        NoInputError: none of the days has any input.
        GateError: a quality gate failed; nothing is published.
    """
    _check(asked.steps)
    source = open_input(asked.input_dir)
    cut_off = warehouse.journal.exists()
    # What cannot succeed is told before an engine starts.
    load_thresholds(settings.quality.thresholds_file)
    check_addresses(settings.alerts)
    reference, raw = None, None
    if "ingest" in asked.steps:
        reference, raw = _read_input(source, asked)
        check_salt_there(settings, warehouse)
    elif not cut_off:
        _staged_run(warehouse, asked, cut_off)
    with open_lake(settings, warehouse) as lake:
        if reference is not None:
            run, steps = _new_run(lake, warehouse, asked, source, reference), asked.steps
        else:
            run, steps = _staged_run(warehouse, asked, cut_off)
        job = Job(lake, warehouse, settings, console, run, other, raw)
        for step in steps:
            _run_step(job, step)
    console.print(_outcome(run, warehouse, asked), highlight=False, soft_wrap=True)


def _read_input(source: Input, asked: Asked) -> tuple[Reference, RawDays]:
    """Read the CSVs and list the raw files of the days, before an engine starts."""
    with still_at("listing the input"):  # a store may take its time, or not answer at all
        require_raw(source)
        with source.csv_folder() as folder:
            reference = load_reference(folder, allow_unknown_policy_wikis=True)
        return reference, find_input(source, days(asked.start, asked.end))


def _new_run(lake: Lake, warehouse: Warehouse, asked: Asked, source: Input, reference: Reference) -> Run:
    """Open a run with the reference frozen, after dropping what unfinished ones had staged."""
    with engine_errors(warehouse):
        clean_up(lake, warehouse)
    run = warehouse.new_run(asked.start, asked.end, source.whole)
    reference.write(warehouse.reference(run.run_id))
    return run


def _staged_run(warehouse: Warehouse, asked: Asked, cut_off: bool) -> tuple[Run, Sequence[str]]:
    """Return the open run that the first step goes on with, and what is left to do of the steps."""
    if cut_off and (rolled := warehouse.newest_run(asked.start, asked.end)) and rolled.state == "published":
        return rolled, ()  # a scheduler's retry of the step whose publish this command has just finished
    before = STEPS[STEPS.index(asked.steps[0]) - 1]
    return warehouse.staged_run(asked.start, asked.end, after=before), asked.steps


def _outcome(run: Run, warehouse: Warehouse, asked: Asked) -> str:
    """Say what there is now, and which command comes next."""
    start, end = asked.start, asked.end
    if run.state == "published":
        return f"Published {in_words(start, end)}. Next: pdmetrics --warehouse {warehouse.path} query 'show tables'"
    following = STEPS[STEPS.index(asked.steps[-1]) + 1]
    return (
        f"Staged as {run.run_id}, not published yet. Next: pdmetrics --warehouse {warehouse.path} run "
        f"--start {start} --end {end} --input {asked.input_dir} --steps {following}"
    )


def _check(steps: Sequence[str]) -> None:
    for step in steps:
        if step not in STEPS:
            raise UsageError(f"Unknown step {step!r}.", where="--steps", next_step=f"steps are {', '.join(STEPS)}")
    first = STEPS.index(steps[0]) if steps else 0
    if list(steps) != list(STEPS[first : first + len(steps)]) or not steps:
        raise UsageError(
            "Steps run in order, without a gap.", where="--steps", next_step=f"for example {','.join(STEPS)}"
        )


def _run_step(job: Job, step: str) -> None:
    # Imported here: a run that cannot begin should say so at once.
    from jobs.steps.estimates import estimate
    from jobs.steps.ingest import ingest
    from jobs.steps.marts import make_marts

    actions: dict[str, Callable[[Job], None]] = {"ingest": ingest, "estimates": estimate, "marts": make_marts}
    began = time.monotonic()
    job.companion.prepare(step)
    get_logger().info("step begins", step=step, run=job.run.run_id)
    try:
        with engine_errors(job.warehouse), still_at(f"in step {step}"):
            actions[step](job)
    except GateError:
        job.run.state = "failed"  # any other trouble can be mended, and the step repeated on what is staged
        job.warehouse.save(job.run)
        raise
    if step not in job.run.done:
        job.run.done.append(step)
    if job.run.state == "open":
        job.warehouse.save(job.run)
    get_logger().info("step done", step=step, seconds=round(time.monotonic() - began, 1))
