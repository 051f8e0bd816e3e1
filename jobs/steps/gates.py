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

QUALITY_TABLE = "data_quality_metrics"


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
    result = _judge(job, "marts", profiles, job.run.as_of)
    # The marts were built before anyone could judge them; their own verdict is added to what they say of the others.
    add_verdicts(job.warehouse.next_marts, "marts", result.rows)


def thresholds(settings: Settings) -> Thresholds:
    """Return the dated thresholds; a share set in `[ingest]` holds on every day."""
    given = "max_quarantine_share" in settings.ingest.model_fields_set
    overrides = {"max_quarantine_share": settings.ingest.max_quarantine_share} if given else None
    return load_thresholds(settings.quality.thresholds_file, overrides=overrides)


def _judge(job: Job, name: str, profiles: Mapping[str, pd.DataFrame], days: Sequence[date]) -> GateResult:
    result = job.companion.call(run_gate, name, profiles, thresholds(job.settings), days=days)
    result.rows.to_csv(job.warehouse.folder(job.run.run_id) / f"gate_{name}.csv", index=False)
    for message in result.warned:
        get_logger().warning(message, gate=name)
    if not result.passed:
        raise result.error()
    get_logger().info("gate passed", gate=name, checks=result.rows["check_id"].nunique(), warnings=len(result.warned))
    _record(job, result)
    return result


def _record(job: Job, result: GateResult) -> None:
    """Stage the gate's rows; those of the other gates stay as they are."""
    lake, run = job.lake, job.run
    partitions = sorted(set(result.rows["event_date"]))
    if not partitions:
        return
    known = lake.arrow_days(QUALITY_TABLE, partitions, run.run_id).to_pandas(date_as_object=True)
    rows = pd.concat([result.rows, known[known["gate"] != result.name]], ignore_index=True)
    lake.stage_pandas(QUALITY_TABLE, rows, run.run_id, partitions)
