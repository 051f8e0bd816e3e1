"""The quality gates of a run: profile, judge, record, and stop the run if a critical check failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import pandas as pd

from expectations.gate import GateResult, run_gate
from expectations.thresholds import Thresholds, load_thresholds
from jobs.log import get_logger
from jobs.marts.build import add_verdicts
from jobs.quality.facts_profile import TABLES, facts_profile
from jobs.quality.marts_profile import marts_profile
from jobs.settings import Settings
from jobs.steps.job import Job
from jobs.warehouse.verdicts import publish_verdicts, stage_verdicts


def facts_gate(job: Job) -> None:
    """Check the staged facts of the changed days.

    Raises:
        GateError: a critical check failed; what failed is in `runs/<run_id>/gate_facts.csv`.
    """
    run = job.run
    frames = {name: job.lake.read_days(name, run.changed, run.run_id) for name in TABLES}
    profiles = facts_profile(frames, days=run.changed, reference=job.reference, lines_read=run.lines_read)
    _judge(job, "facts", profiles, run.changed)


def marts_gate(job: Job) -> None:
    """Check the marts that were built beside the published ones.

    Raises:
        GateError: a critical check failed; what failed is in `runs/<run_id>/gate_marts.csv`.
    """
    profiles = marts_profile(job.warehouse.next_marts, as_of=job.run.as_of)
    verdicts = _judge(job, "marts", profiles, job.run.as_of)
    # The marts were built before anyone could judge them; their own verdict is added to what they say of the others.
    add_verdicts(job.warehouse.next_marts, "marts", verdicts)


def thresholds(settings: Settings) -> Thresholds:
    """Return the dated thresholds; a share set in `[ingest]` holds on every day."""
    given = "max_quarantine_share" in settings.ingest.model_fields_set
    overrides = {"max_quarantine_share": settings.ingest.max_quarantine_share} if given else None
    return load_thresholds(settings.quality.thresholds_file, overrides=overrides)


def _judge(job: Job, name: str, profiles: Mapping[str, pd.DataFrame], days: Sequence[date]) -> pd.DataFrame:
    """Return the verdicts of a gate, staged with the run that it lets go on; where it does not, they are published."""
    result: GateResult = job.companion.call(run_gate, name, profiles, thresholds(job.settings), days=days)
    file = job.warehouse.folder(job.run.run_id) / f"gate_{name}.csv"
    result.rows.to_csv(file, index=False)
    for message in result.warned:
        get_logger().warning(message, gate=name)
    if not result.passed:
        job.run.state = "failed"  # before its verdicts are published: then nobody can go on with it
        job.warehouse.save(job.run)
        publish_verdicts(job.lake, job.run.run_id, name, result.rows)
        raise result.error(where=str(file))
    get_logger().info("gate passed", gate=name, checks=result.rows["check_id"].nunique(), warnings=len(result.warned))
    return stage_verdicts(job.lake, job.run.run_id, name, result.rows)
