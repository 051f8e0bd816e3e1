"""Steps of a backfill: chunk by chunk onto one branch, what that would change, and publishing as one run.

A chunk is a run of fewer days under the same name. What it stages is what the next one sees, so rows do not depend on
the chunks. Which were finished stands in the manifest, and the same command goes on behind them (docs/adr/0007).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pandas as pd

from jobs.catalogue import load_catalogue
from jobs.errors import PdmetricsError
from jobs.lineage.sending import Lineage
from jobs.log import get_logger
from jobs.quality.marts_difference import marts_difference
from jobs.reference.load import Reference
from jobs.resources import code_digest
from jobs.settings import Settings
from jobs.steps.estimates import stage_rows
from jobs.steps.ingest import ingest
from jobs.steps.job import Job, engine_errors
from jobs.steps.kept_days import require_kept
from jobs.steps.marts import build_checked, publish_run
from jobs.steps.milestones import stage_milestones
from jobs.steps.traced import sight_of, traced
from jobs.warehouse.lake import Lake
from jobs.warehouse.manifest import PUBLISHES, Backfill, Run
from jobs.warehouse.publish import clean_up
from jobs.warehouse.runs import Warehouse
from jobs.warehouse.undo import heads, keep_reference, replaced_by, set_back
from jobs.windows import DAY, affected_as_of, days, in_words

DIFFERENCE = "difference.csv"


def made_with(settings: Settings) -> str:
    """Return a digest of the code, of the settings that numbers depend on, and of the gates' thresholds."""
    estimation = settings.estimation.model_copy(update={"workers": 1})
    numbers = f"{code_digest()} {settings.ingest!r} {settings.privacy.min_users} {estimation!r}"
    thresholds = settings.quality.thresholds_file
    judged_by = b"" if thresholds is None else thresholds.read_bytes()  # the shipped ones are part of the code
    return hashlib.sha256(numbers.encode() + judged_by).hexdigest()[:16]


def noted(run: Run) -> Backfill:
    """Return what a backfill notes beside; other runs have nothing of it."""
    if run.backfill is None:
        raise ValueError(f"{run.run_id} is no backfill")
    return run.backfill


def begin_backfill(
    lake: Lake, warehouse: Warehouse, settings: Settings, wanted: Run, reference: Reference, *, was_cut_off: bool
) -> Run:
    """Return the backfill to go on with, or a new one after dropping what unfinished runs had staged.

    Args:
        lake: the tables.
        warehouse: with its manifests.
        settings: what is kept how long.
        wanted: of `wanted_backfill`.
        reference: the CSVs beside the input.
        was_cut_off: a publish had been cut off, and was finished since.

    Raises:
        UsageError: what the days need was purged.
    """
    newest = warehouse.newest_run(wanted.start, wanted.end)
    if was_cut_off and newest is not None and newest.state == "published" and newest.backfill is not None:
        return newest  # whose publish this command has just finished
    found = half_way(lake, warehouse, wanted, reference)
    if found is not None:
        get_logger().info("going on", run=found.run_id, ingested_to=str(noted(found).ingested_to))
        noted(found).reason = noted(wanted).reason
        warehouse.save(found)
        return found
    require_kept(lake, settings, wanted.days)  # a purge may have held the lock
    with engine_errors(warehouse):
        clean_up(lake, warehouse)
    return new_backfill(warehouse, wanted, reference)


def half_way(lake: Lake, warehouse: Warehouse, wanted: Run, reference: Reference) -> Run | None:
    """Return the backfill that a command can go on with; where one was begun and cannot be, say why.

    Args:
        lake: the tables.
        warehouse: with its manifests.
        wanted: the days, the input and what it is made with.
        reference: the CSVs beside the input, as they are now.
    """
    asked = (wanted.start, wanted.end)
    begun = [run for run in warehouse.all_runs() if run.backfill and (run.start, run.end) == asked]
    if not begun or begun[-1].state == "published" or noted(begun[-1]).undoes:
        return None
    run = begun[-1]
    why = _why_over(lake, warehouse, run, wanted, reference)
    if why is None:
        return run
    get_logger().warning("the backfill of these days starts over", run=run.run_id, why=why)
    return None


def _why_over(lake: Lake, warehouse: Warehouse, run: Run, wanted: Run, reference: Reference) -> str | None:
    if run.state == "dropped":
        return "another run dropped what it had staged"
    if run.state == "failed":
        return "a gate stopped it"
    if noted(run).ingested_to is None:
        return "no chunk of it was finished"
    if run.input_dir != wanted.input_dir:
        return f"it read {run.input_dir}"
    if noted(run).made_with != noted(wanted).made_with:
        return "the code or its settings are others"
    if not lake.is_ahead(run.run_id):
        return "something else was published since"
    try:
        frozen = Reference.read(warehouse.reference(run.run_id))
    except PdmetricsError:
        return "its copy of the CSVs is damaged"
    return None if frozen == reference else "the CSVs beside the input are others"


def stage_chunks(job: Job, chunk_days: int, lineage: Lineage | None = None) -> None:
    """Ingest and estimate what is not staged yet, in chunks of days; gates are asked of each chunk.

    Args:
        job: the backfill and its surroundings, with the listing of all its days.
        chunk_days: days whose lines, and as-of dates whose windows, are held at once.
        lineage: where it is told what was read and written, all chunks together.

    Raises:
        GateError: a raw or a facts gate failed; nothing is published.
    """
    run, state = job.run, noted(job.run)
    # A killed chunk may have decided duplicates of days that the manifest does not know: it begins anew.
    set_back(job.lake, run.run_id, state.heads)
    if "ingest" not in run.done:
        with traced(lineage, "ingest", sight_of(job)):
            for part in _chunks(days(state.ingested_to or run.start, run.end), chunk_days):
                _ingest_chunk(job, part[0], part[-1] + DAY)
        run.done.append("ingest")
        run.as_of = affected_as_of(run.changed, job.lake.days("metric_values"), run.days, load_catalogue().longest_days)
        job.save()
    if "estimates" in run.done:
        return
    with traced(lineage, "estimates", sight_of(job)):
        left = [day for day in run.as_of if state.estimated_to is None or day >= state.estimated_to]
        stage_as_of(job, left, chunk_days)
        stage_milestones(job.lake, job.reference, run.run_id, run.as_of)
    run.done.append("estimates")
    _save_reached(job)


def stage_as_of(job: Job, as_of: Sequence[date], chunk_days: int) -> None:
    """Compute and stage the rows of as-of dates, oldest first, and note how far that came."""
    for part in _chunks(as_of, chunk_days):
        get_logger().info("chunk of as-of dates", days=in_words(part[0], part[-1] + DAY))
        stage_rows(job, part)
        noted(job.run).estimated_to = part[-1] + DAY
        _save_reached(job)


def _ingest_chunk(job: Job, start: date, end: date) -> None:
    get_logger().info("chunk of days", days=in_words(start, end))
    part = replace(job.run, start=start, end=end, changed=[], lines_read={})
    chunk = replace(job, run=part, raw=job.raw and job.raw.of(part.days), whole=job.run)
    ingest(chunk)
    noted(job.run).ingested_to = end
    _save_reached(chunk)


def _save_reached(job: Job) -> None:
    """Note how far it came, and with it what the branches are by then."""
    noted(job.run).heads = heads(job.lake, job.run.run_id)
    job.save()


def _chunks(listed: Sequence[date], size: int) -> Iterator[Sequence[date]]:
    for first in range(0, len(listed), size):
        yield listed[first : first + size]


def build_compared(job: Job) -> pd.DataFrame:
    """Build and check the marts of what is staged, and keep and return how they differ from the published ones.

    What was built for the same branch by a command before is taken as it is.

    Raises:
        GateError: a model, a data test or the marts gate failed; nothing is published.
    """
    state, warehouse = noted(job.run), job.warehouse
    kept = difference_file(job)
    if state.is_built and warehouse.next_marts.exists():
        return pd.read_csv(kept, keep_default_na=False, na_values={"median_move": "", "largest_move": ""})
    state.is_built = False
    job.save()
    build_checked(job)
    found = _difference(job)
    found.to_csv(kept, index=False)
    state.is_built = True
    _save_reached(job)
    return found


def difference_file(job: Job) -> Path:
    """Return where it stands how the marts of a run differ from those before it."""
    return job.warehouse.folder(job.run.run_id) / DIFFERENCE


def _difference(job: Job) -> pd.DataFrame:
    run, ingest_settings = job.run, job.settings.ingest

    def compared_with(live: str) -> pd.DataFrame:
        return marts_difference(
            job.warehouse.next_marts,
            job.warehouse.marts.with_name(live),
            as_of=[*run.as_of, *noted(run).removed],
            changed=run.changed,
            lookback_days=ingest_settings.dedup_lookback_days,
            grace=timedelta(minutes=ingest_settings.rate_change_grace_minutes),
        )

    try:
        return compared_with(job.warehouse.marts.name)
    except duckdb.Error:  # a damaged file is replaced by this very run; if it is the new one, the next line fails too
        get_logger().warning("the published marts cannot be read: all rows count as new")
        return compared_with("none")


def publish_backfill(job: Job, lineage: Lineage | None = None) -> None:
    """Publish what was staged, built and compared, in one step, and note what it replaces."""
    noted(job.run).snapshots = replaced_by(job.lake, job.run.run_id)
    keep_reference(job.warehouse, job.run)
    job.save()
    with traced(lineage, PUBLISHES, sight_of(job)):
        publish_run(job)


def new_backfill(warehouse: Warehouse, wanted: Run, reference: Reference) -> Run:
    """Open a backfill as it is wanted, with the reference frozen."""
    run = warehouse.new_run(wanted.start, wanted.end, wanted.input_dir)
    run.backfill = noted(wanted)
    warehouse.save(run)
    reference.write(warehouse.reference(run.run_id))
    return run


def wanted_backfill(start: date, end: date, input_dir: str, reason: str, settings: Settings) -> Run:
    """Return the manifest of a backfill that is asked for; nothing is written."""
    begun = datetime.now(UTC).replace(microsecond=0)
    return Run("", start, end, input_dir, backfill=Backfill(reason, made_with(settings), begun))
