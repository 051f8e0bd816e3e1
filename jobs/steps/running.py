"""One step of a run, wherever it is called from: it is announced, its end is written down, a gate's no as well."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

from jobs.errors import GateError
from jobs.lineage.sending import Lineage
from jobs.log import get_logger
from jobs.progress import still_at
from jobs.steps.companion import Companion
from jobs.steps.job import Job, engine_errors
from jobs.steps.report import REPORT, begin_report, report_of_run
from jobs.steps.traced import Sight, sight_of, traced
from jobs.warehouse.manifest import Run


def run_step(job: Job, step: str, *, ends_with_report: bool, lineage: Lineage | None = None) -> None:
    """Do one step of a run.

    Args:
        job: the run and its surroundings.
        step: its name.
        ends_with_report: the command makes the report in the end, which the companion may begin with.
        lineage: where it is told what the step read and wrote.

    Raises:
        GateError: a quality gate failed; nothing is published.
        WarehouseError: among others, a report that could not be made of what is published.
    """
    # Imported here: a run that cannot begin should say so at once.
    from jobs.steps.estimates import estimate
    from jobs.steps.ingest import ingest
    from jobs.steps.marts import make_marts

    actions: dict[str, Callable[[Job], None]] = {"ingest": ingest, "estimates": estimate, "marts": make_marts}
    job.companion.prepare(step)
    if ends_with_report and step != "ingest":  # whose gates the companion is busy with
        begin_report(job.settings, job.warehouse, job.companion)
    if step == REPORT:
        make_report_of(sight_of(job), job.companion, lineage)
        return
    with announced(step, job.run), traced(lineage, step, sight_of(job)):
        with ended_by_gates(job):
            actions[step](job)
        if step not in job.run.done:
            job.run.done.append(step)
        if job.run.state == "open":
            job.warehouse.save(job.run)


def make_report_of(sight: Sight, other: Companion, lineage: Lineage | None = None) -> None:
    """Make the report, the last step of a run that is published: no trouble ends the run any more.

    Raises:
        WarehouseError: it could not be made; what is published stays.
    """
    told = lineage if sight.settings.report.build else None  # of a site that nobody wants nothing is written
    with announced(REPORT, sight.run), traced(told, REPORT, sight):
        report_of_run(sight.settings, sight.warehouse, other)


@contextlib.contextmanager
def ended_by_gates(job: Job) -> Iterator[None]:
    """Note of a run that a gate stopped that nobody goes on with it; any other trouble can be mended, and repeated."""
    try:
        with engine_errors(job.warehouse):
            yield
    except GateError:
        job.run.state = "failed"
        job.warehouse.save(job.run)
        raise


@contextlib.contextmanager
def announced(step: str, run: Run) -> Iterator[None]:
    """Say when a step begins, goes on for long, and is done."""
    began = time.monotonic()
    get_logger().info("step begins", step=step, run=run.run_id)
    with still_at(f"in step {step}"):
        yield
    get_logger().info("step done", step=step, seconds=round(time.monotonic() - began, 1))
