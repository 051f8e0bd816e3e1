"""Decide what became of every line, and stage it: the log of fates and the refused lines, then the events.

Copies of the days after the run are decided again, since the run may hold an earlier copy of them; days whose verdicts
change are staged too.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.log import get_logger
from jobs.raw.files import RawDays
from jobs.steps.job import Job, side_by_side
from jobs.steps.lines import hour_frame
from jobs.steps.sampling_audit import stage_audit
from jobs.transforms.dedup import COPY_COLUMNS, ingest_log, mark_duplicates, rejudge, with_verdict
from jobs.warehouse.lake import schema_of


@dataclass(frozen=True)
class Fates:
    """What became of the lines of a run; released by whoever has it.

    Attributes:
        decided: one row per line read, with its fate and reason, materialised.
        later: all copies, with their new fate, of later days on which some verdict changes, materialised too; None if
            there are none.
        later_days: these days.
    """

    decided: DataFrame
    later: DataFrame | None
    later_days: list[date]


def decide_fates(job: Job, classified: DataFrame) -> Fates:
    """Decide duplicates, among the run's lines and against the days around it, as the run sees them.

    Args:
        job: the run and its surroundings.
        classified: one row per line, of `transforms.events.classify`.
    """
    run = job.run
    lookback = job.settings.ingest.dedup_lookback_days
    before = _copies(job, run.start - timedelta(days=lookback), run.start)
    candidates = classified.where(F.col("fate").isNull())
    # Many tables are made of it: without this each would decide the duplicates again.
    marked = mark_duplicates(candidates, before, lookback_days=lookback)
    decided = job.engine.materialise(with_verdict(classified, marked))
    later, later_days = _later(job, candidates, before, lookback)
    return Fates(decided, later, later_days)


def stage_log(job: Job, fates: Fates, raw: RawDays) -> None:
    """Stage the log of fates and the refused lines, for whoever looks at a run that goes no further."""
    run = job.run
    arrived, missing = (hour_frame(job.lake.spark, hours) for hours in (raw.arrived, _missing(raw)))
    log = ingest_log(fates.decided, arrived, missing)
    if fates.later is not None:
        log = log.unionByName(_later_log(job, fates.later, fates.later_days))
    refused = fates.decided.where("fate = 'quarantined'")
    side_by_side(
        lambda: job.stage_all({"ingest_log": _of_contract(log, "ingest_log")}, run.changed),
        lambda: job.stage_all({"quarantine": _of_contract(refused, "quarantine")}, run.days),
    )


def stage_events(job: Job, fates: Fates) -> None:
    """Stage events and duplicates of the run's changed days, and the sampling audit of its own."""
    staged = {}
    for table, fate in (("events", "kept"), ("duplicates", "duplicate")):
        rows = _of_contract(fates.decided.where(F.col("fate") == fate), table)
        again = _of_contract(fates.later.where(F.col("fate") == fate), table) if fates.later is not None else None
        staged[table] = rows.unionByName(again) if again is not None else rows
    side_by_side(
        lambda: job.stage_all(staged, job.run.changed),
        lambda: stage_audit(job, fates.decided, fates.later, fates.later_days),
    )


def _copies(job: Job, start: date, end: date) -> DataFrame:
    """Return the copies of [start, end), kept and duplicate, with `is_duplicate`."""
    events, duplicates = (job.lake.read_between(name, start, end, job.run.run_id) for name in ("events", "duplicates"))
    return events.withColumn("is_duplicate", F.lit(False)).unionByName(
        duplicates.withColumn("is_duplicate", F.lit(True))
    )


def _later(job: Job, candidates: DataFrame, before: DataFrame, lookback: int) -> tuple[DataFrame | None, list[date]]:
    """Return all copies, with their new fate, of the later days on which some verdict changes, and these days."""
    end = job.run.end
    log = job.lake.read_between("ingest_log", end, end + timedelta(days=lookback), job.run.run_id)
    if log.isEmpty():
        return None, []
    copies = _copies(job, end, end + timedelta(days=lookback))
    known = candidates.select(*COPY_COLUMNS).unionByName(before.select(*COPY_COLUMNS))
    judged = rejudge(copies, known, lookback_days=lookback)
    flipped = judged.where(F.col("is_duplicate") != F.col("was_duplicate"))
    days = sorted(row[0] for row in flipped.select("event_date").distinct().collect())
    if not days:
        return None, []
    get_logger().info("duplicates of later days changed", days=len(days))
    fate = F.when(F.col("is_duplicate"), "duplicate").otherwise("kept")
    decided = judged.where(F.col("event_date").isin(days)).withColumn("fate", fate)
    # The chunk after this one has the tables that it is read from overwritten, one after the other.
    return job.engine.materialise(decided.withColumn("reason", F.lit(None).cast("string"))), days


def _later_log(job: Job, later: DataFrame, days: list[date]) -> DataFrame:
    """Return the log of the later days: kept and duplicate lines counted anew, all else as it was."""
    old = job.lake.read_days("ingest_log", days, job.run.run_id)
    arrived = old.where("fate = 'kept'").select("event_date", "event_hour").distinct()
    return ingest_log(later, arrived, arrived.limit(0)).unionByName(old.where("fate not in ('kept', 'duplicate')"))


def _missing(raw: RawDays) -> list[tuple[date, int]]:
    """Return the hours that did not arrive; of a day without any input these are all."""
    return [*raw.missing, *((day, hour) for day in raw.empty_days for hour in range(24))]


def _of_contract(rows: DataFrame, table: str) -> DataFrame:
    return rows.select(*[F.col(field.name).cast(field.dataType) for field in schema_of(table).fields])
