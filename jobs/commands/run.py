"""Entry: the main job, step by step, in one process or in several."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import date

from rich.console import Console

from jobs.errors import GateError, UsageError
from jobs.log import get_logger
from jobs.progress import still_at
from jobs.raw.files import find_input, open_input
from jobs.reference.load import load_reference
from jobs.settings import Settings
from jobs.steps.companion import Companion
from jobs.steps.job import Job, engine_errors, open_lake
from jobs.warehouse.publish import clean_up
from jobs.warehouse.runs import STEPS, Warehouse
from jobs.windows import days


def run_steps(
    console: Console,
    settings: Settings,
    warehouse: Warehouse,
    start: date,
    end: date,
    input_dir: str,
    steps: Sequence[str],
    other: Companion,
) -> None:
    """Run the asked steps for the days [start, end), beside a companion that has begun its imports.

    Raises:
        UsageError: bad input or settings, or a step whose predecessor has not run.
        NoInputError: none of the days has any input.
        GateError: a quality gate failed; nothing is published.
    """
    _check(steps)
    reference, source = None, open_input(input_dir)
    if "ingest" in steps:
        with source.csv_folder() as folder:
            reference = load_reference(folder, allow_unknown_policy_wikis=True)
        find_input(source, days(start, end))  # before an engine starts: an empty day is told at once
    cut_off = warehouse.journal.exists()
    with open_lake(settings, warehouse) as lake:
        if reference is not None:
            with engine_errors(warehouse):
                clean_up(lake, warehouse)
            run = warehouse.new_run(start, end, source.whole)
            reference.write(warehouse.reference(run.run_id))
        elif cut_off and (rolled := warehouse.newest_run(start, end)) and rolled.state == "published":
            run, steps = rolled, ()  # a scheduler's retry of the step whose publish this command has just finished
        else:
            run = warehouse.staged_run(start, end, after=STEPS[STEPS.index(steps[0]) - 1])
        job = Job(lake, warehouse, settings, console, run, other)
        for step in steps:
            _run_step(job, step)
    if run.state == "published":
        said = f"Published {start} to {end}. Next: pdmetrics --warehouse {warehouse.path} query 'show tables'"
    else:
        following = STEPS[STEPS.index(steps[-1]) + 1]
        said = (
            f"Staged as {run.run_id}, not published yet. Next: pdmetrics --warehouse {warehouse.path} run "
            f"--start {start} --end {end} --input {input_dir} --steps {following}"
        )
    console.print(said, highlight=False, soft_wrap=True)


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
