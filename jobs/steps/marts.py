"""Entry of the step `marts`: build them beside the live file from the staged snapshots, gate them, publish the run."""

from __future__ import annotations

from jobs.console import as_table
from jobs.errors import GateError
from jobs.log import get_logger
from jobs.marts.build import build_marts
from jobs.marts.read import fetch_file
from jobs.report.revisions import keep_moves
from jobs.steps.gates import marts_gate, record_ending, require_others_stay
from jobs.steps.job import Job
from jobs.warehouse.publish import publish
from jobs.windows import DAY, in_words

SUMMARY = """
    select status, count(*) as n_rows, count(distinct metric) as metrics,
        count(distinct wiki_db) filter (wiki_db <> 'all') as wikis
    from marts.fct_metric_values where as_of_date between ? and ? group by status order by n_rows desc
"""


def make_marts(job: Job) -> None:
    """Build, check and publish; the last act of a run.

    Raises:
        GateError: a model, a data test or the marts gate failed; nothing is published.
    """
    build_checked(job)
    publish_run(job)


def build_checked(job: Job) -> None:
    """Build the marts of what the run staged beside the published file, and ask the gate; publish nothing.

    An audience has asked its own gate before: that of the marts is about days.

    Raises:
        GateError: a model, a data test or the marts gate failed.
    """
    run, warehouse = job.run, job.warehouse
    try:
        built = job.companion.call(
            build_marts,
            job.lake.staged_tables(run.run_id, warehouse.scratch / "lake"),
            warehouse.reference(run.run_id),
            warehouse.marts,
            min_users=job.settings.privacy.min_users,
        )
    except GateError as error:
        record_ending(job, error)
        raise
    for message in built.warnings:
        get_logger().warning(message)
    get_logger().info("marts built", tables=built.n_tables, seconds=round(built.seconds, 1))
    if run.is_audience:
        require_others_stay(job)
    else:
        marts_gate(job)


def publish_built(job: Job) -> None:
    """Make what was built and checked visible, in one step."""
    keep_moves(job.warehouse, job.run)
    publish(job.lake, job.warehouse, job.run)
    job.run.state = "published"


def publish_run(job: Job) -> None:
    """Publish as `publish_built`, and print what metric rows there are as of its dates."""
    publish_built(job)
    run, warehouse = job.run, job.warehouse
    columns, rows = fetch_file(warehouse.marts, SUMMARY, [run.as_of[0], run.as_of[-1]])
    job.console.print(as_table(columns, rows, f"Metric rows as of {in_words(run.as_of[0], run.as_of[-1] + DAY)}"))
