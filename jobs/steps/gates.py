"""The quality gates of a run: profile, judge, record, and stop the run if a critical check failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta

import duckdb
import pandas as pd
from pyspark.sql import DataFrame

from expectations.checks import CRITICAL
from expectations.gate import COLUMNS, Failure, GateResult, run_gate
from expectations.thresholds import Thresholds, load_thresholds
from jobs import windows
from jobs.alarms import Alarm, raise_alarms
from jobs.errors import GateError
from jobs.log import get_logger
from jobs.marts.build import add_verdicts
from jobs.quality.audience_profile import audience_profile, past_days
from jobs.quality.facts_profile import TABLES, facts_profile
from jobs.quality.history_frames import DAYS_BEFORE, HISTORY_TABLES, history_frames
from jobs.quality.marts_changes import beside_audience, marts_changes
from jobs.quality.marts_profile import marts_profile
from jobs.quality.raw_frames import raw_frames, refused_of, tables_of, with_past
from jobs.raw.files import RawDays
from jobs.reference.load import Reference
from jobs.settings import Settings
from jobs.steps.job import Job
from jobs.transforms.raw_counts import line_counts
from jobs.warehouse.manifest import AUDIENCE
from jobs.warehouse.tables import Tables
from jobs.warehouse.verdicts import publish_verdicts, stage_verdicts
from jobs.windows import DAY

OTHERS_STAY = "published_rows_unchanged"
ROW_RULES = "row_rules"  # data tests of dbt; each is told by its own name in the message


def raw_gate(job: Job, decided: DataFrame, raw: RawDays) -> None:
    """Check what arrived, before events and facts are staged; the log and the refused lines are, to be looked at.

    Args:
        job: the run and its surroundings.
        decided: one row per line, with its fate.
        raw: the listing of the files.

    Raises:
        GateError: a critical check failed; what failed is in `runs/<run_id>/gate_raw.csv`.
    """
    run, reference = job.run, job.reference
    counts = line_counts(decided, [row.wiki_db for row in reference.wikis]).toPandas()
    log = job.lake.day_frame("ingest_log", run.days, run.run_id)
    tables = tables_of(log, counts, reference)
    profiles = raw_frames(tables, run.days, reference, refused=refused_of(counts, run.days, reference), raw=raw)
    past = past_profiles(job.lake, job.settings, reference, tables._asdict(), run.days, run.run_id)
    _judge(job, "raw", with_past(profiles, past), run.days)


def facts_gate(job: Job) -> None:
    """Check the staged facts of the changed days.

    Raises:
        GateError: a critical check failed; what failed is in `runs/<run_id>/gate_facts.csv`.
    """
    run, reference = job.run, job.reference
    frames = {name: job.lake.read_days(name, run.changed, run.run_id) for name in TABLES}
    profiles = facts_profile(frames, days=run.changed, reference=reference, lines_read=run.lines_read)
    tables = {name: job.lake.day_frame(name, run.changed, run.run_id) for name in HISTORY_TABLES}
    profiles |= past_profiles(job.lake, job.settings, reference, tables, run.changed, run.run_id)
    _judge(job, "facts", profiles, run.changed)


def past_profiles(
    lake: Tables,
    settings: Settings,
    reference: Reference,
    judged: Mapping[str, pd.DataFrame],
    days: Sequence[date],
    run_id: str | None = None,
) -> dict[str, pd.DataFrame]:
    """Compare days with those before them, as a run sees them.

    Args:
        lake: the tables.
        settings: thresholds and the grace of a change of rate.
        reference: of the run.
        judged: the tables `HISTORY_TABLES`, of the days.
        days: the days.
        run_id: the run, which may have staged days before; None sees what is published.

    Returns:
        The profiles of `history_frames`.
    """
    before = [day for day in windows.days(min(days) - DAYS_BEFORE * DAY, max(days)) if day not in set(days)]
    tables = {
        name: pd.concat([lake.day_frame(name, before, run_id), judged[name]], ignore_index=True) for name in judged
    }
    grace = timedelta(minutes=settings.ingest.rate_change_grace_minutes)
    return history_frames(tables, days, reference, limits=thresholds(settings).on, grace=grace)


def marts_gate(job: Job) -> None:
    """Check the marts that were built beside the published ones.

    Raises:
        GateError: a critical check failed; what failed is in `runs/<run_id>/gate_marts.csv`.
    """
    new, live = job.warehouse.next_marts, job.warehouse.marts
    profiles = marts_profile(new, as_of=job.run.as_of)
    try:
        changes = marts_changes(new, live, as_of=job.run.as_of, changed=job.run.changed, removed=job.run.removed)
    except duckdb.Error:  # a damaged file is replaced by this very run; if it is the new one, the next line fails too
        changes = marts_changes(new, new.with_name("none"), as_of=job.run.as_of, changed=job.run.changed)
        get_logger().warning("the published marts cannot be read: they are built anew, compared with nothing")
    profiles |= changes
    verdicts = _judge(job, "marts", profiles, job.run.as_of)
    # The marts were built before anyone could judge them; their own verdict is added to what they say of the others.
    add_verdicts(job.warehouse.next_marts, "marts", verdicts)


def audience_gate(
    job: Job, tables: Mapping[str, pd.DataFrame], files: pd.DataFrame, revisions: Mapping[str, int]
) -> None:
    """Check an audience that was staged.

    Args:
        job: the run and its surroundings.
        tables: its rows of each table of an audience.
        files: what became of the rows of each dump, the columns of FILES.
        revisions: by wiki, of how many revisions editors were counted.

    Raises:
        GateError: a critical check failed; what failed is in `runs/<run_id>/gate_audience.csv`.
    """
    profiles = audience_profiles(job.lake, job.settings, tables, job.run.as_of, files=files, revisions=revisions)
    _judge(job, AUDIENCE, profiles, job.run.as_of)


def audience_profiles(
    lake: Tables,
    settings: Settings,
    tables: Mapping[str, pd.DataFrame],
    as_of: Sequence[date],
    *,
    files: pd.DataFrame | None = None,
    revisions: Mapping[str, int] | None = None,
) -> dict[str, pd.DataFrame]:
    """Return what the audience gate looks at; the month before is as published.

    Args:
        lake: the tables.
        settings: thresholds, the share of malformed rows, and which counts are hidden.
        tables: the rows of each table of an audience.
        as_of: their dates.
        files, revisions: of `audience_gate`; None where no dump was just read.
    """
    return audience_profile(
        tables,
        past=lake.day_frame("audience", past_days(as_of)),
        limits=thresholds(settings).on,
        max_malformed_share=settings.audience.max_malformed_share,
        min_users=settings.privacy.min_users,
        files=files,
        revisions=revisions,
    )


def require_others_stay(job: Job) -> None:
    """Refuse the marts of an audience that would change other rows than those it counted.

    Raises:
        GateError: they would; no verdict of the marts gate, which is about days, is recorded.
    """
    new, live = job.warehouse.next_marts, job.warehouse.marts
    try:
        found = beside_audience(new, live, job.run.as_of)
    except duckdb.Error:  # a damaged file is replaced by this very run; a damaged new one fails when it is published
        get_logger().warning("the published marts cannot be read: they are built anew, compared with nothing")
        return
    told = [
        f"{row.subject}: {row.n_differing:,} published rows that no audience touches would change, {row.eg_differing}"
        for row in found[found["n_differing"] > 0].itertuples()
    ]
    if told:
        what = "the audience would change other rows, nothing was published:\n  - " + "\n  - ".join(told)
        error = GateError(what, next_step="if the code is another, backfill the days; else report it")
        record_ending(job, error, OTHERS_STAY)
        raise error


def thresholds(settings: Settings) -> Thresholds:
    """Return the dated thresholds; a share set in `[ingest]`, and `[privacy] min_users`, hold on every day."""
    given = "max_quarantine_share" in settings.ingest.model_fields_set
    overrides = {"max_quarantine_share": settings.ingest.max_quarantine_share} if given else None
    dated = load_thresholds(settings.quality.thresholds_file, overrides=overrides)
    return replace(dated, min_users=settings.privacy.min_users)


def _judge(job: Job, name: str, profiles: Mapping[str, pd.DataFrame], days: Sequence[date]) -> pd.DataFrame:
    """Return the verdicts of a gate, staged with the run that it lets go on; where it does not, they are published."""
    run_id = job.run.run_id
    result: GateResult = job.companion.call(
        run_gate, name, profiles, thresholds(job.settings), days=days, run=run_id, docs_dir=job.warehouse.data_docs
    )
    file = job.warehouse.folder(run_id) / f"gate_{name}.csv"
    result.rows.to_csv(file, index=False)
    raise_alarms(
        job.settings, job.warehouse.path, [_alarm(name, failure) for failure in result.failures], job.warehouse.place
    )
    if not result.passed:
        _end(job, name, result.rows)
        raise result.error(where=job.warehouse.said(file))
    get_logger().info("gate passed", gate=name, checks=result.rows["check_id"].nunique(), warnings=len(result.warned))
    return stage_verdicts(job.lake, run_id, name, result.rows)


def record_ending(job: Job, error: GateError, check_id: str = ROW_RULES) -> None:
    """Keep and tell what stopped the run when its marts were built, as for a gate: by default dbt's rules of rows.

    The alarm is that of the marts. The verdict of an audience is its own gate's: it takes no place of days' verdicts.
    """
    day, gate = max(job.run.as_of), AUDIENCE if job.run.is_audience else "marts"
    first, _, rest = error.what.partition("\n")
    row = {
        "event_date": day, "gate": gate, "check_id": check_id, "subject": "all", "severity": CRITICAL,
        "success": False, "observed": "rows that break them", "expected": "none", "message": error.what,
    }  # fmt: skip
    _end(job, gate, pd.DataFrame([row], columns=list(COLUMNS)))
    alarm = Alarm(f"marts/{check_id}/all", CRITICAL, day, first, rest)
    raise_alarms(job.settings, job.warehouse.path, [alarm], job.warehouse.place)


def _end(job: Job, gate: str, verdicts: pd.DataFrame) -> None:
    """End a run that may not be published, and keep what was said of it."""
    job.run.state = "failed"  # before its verdicts are published: then nobody can go on with it
    job.save()
    publish_verdicts(job.lake, job.run.run_id, gate, verdicts)


def _alarm(gate: str, failure: Failure) -> Alarm:
    return Alarm(
        cause=f"{gate}/{failure.check_id}/{failure.subject}",
        severity=failure.severity,
        day=failure.day,
        title=failure.message,
        body=f"saw {failure.observed}, allowed {failure.expected}; look: {failure.look}",
    )
