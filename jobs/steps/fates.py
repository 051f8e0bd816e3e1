"""Stage what became of every line: events, duplicates, quarantine, the log of fates and the sampling audit.

Copies of the days after the run are decided again, since the run may hold an earlier copy of them; days whose verdicts
change are staged too.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.log import get_logger
from jobs.raw.files import RawDays
from jobs.steps.job import Job, side_by_side
from jobs.steps.lines import hour_frame
from jobs.steps.sampling_audit import stage_audit
from jobs.transforms.dedup import COPY_COLUMNS, ingest_log, mark_duplicates, rejudge, with_verdict
from jobs.warehouse.lake import Lake, schema_of


def stage_fates(job: Job, classified: DataFrame, raw: RawDays) -> list[date]:
    """Decide duplicates and stage every fate on the run's branch.

    Args:
        job: the run and its surroundings.
        classified: one row per line, of `transforms.events.classify`.
        raw: which hours arrived.

    Returns:
        The days whose events were staged: the run's, and later ones whose duplicates changed.
    """
    run, lake = job.run, job.lake
    lookback = job.settings.ingest.dedup_lookback_days
    before = _copies(lake, run.start - timedelta(days=lookback), run.start)
    candidates = classified.where(F.col("fate").isNull())
    # Five tables are made of it: without this each would decide the duplicates again.
    marked = mark_duplicates(candidates, before, lookback_days=lookback)
    decided = job.engine.materialise(with_verdict(classified, marked))
    later, later_days = _later(job, candidates, before, lookback)
    changed = sorted({*run.days, *later_days})
    staged = {}
    for table, fate in (("events", "kept"), ("duplicates", "duplicate")):
        rows = _of_contract(decided.where(F.col("fate") == fate), table)
        again = _of_contract(later.where(F.col("fate") == fate), table) if later is not None else None
        staged[table] = rows.unionByName(again) if again is not None else rows
    log = ingest_log(decided, hour_frame(lake.spark, raw.arrived), hour_frame(lake.spark, _missing(raw)))
    if later is not None:
        log = log.unionByName(_later_log(lake, later, later_days))
    staged["ingest_log"] = _of_contract(log, "ingest_log")
    quarantine = {"quarantine": _of_contract(decided.where("fate = 'quarantined'"), "quarantine")}
    side_by_side(
        lambda: job.stage_all(staged, changed),
        lambda: job.stage_all(quarantine, run.days),
        lambda: stage_audit(job, decided),
    )
    job.engine.release(decided)
    return changed


def _copies(lake: Lake, start: date, end: date) -> DataFrame:
    """Return the published copies of [start, end), kept and duplicate, with `is_duplicate`."""
    events, duplicates = (lake.read_between(name, start, end) for name in ("events", "duplicates"))
    return events.withColumn("is_duplicate", F.lit(False)).unionByName(
        duplicates.withColumn("is_duplicate", F.lit(True))
    )


def _later(job: Job, candidates: DataFrame, before: DataFrame, lookback: int) -> tuple[DataFrame | None, list[date]]:
    """Return all copies, with their new fate, of the later days on which some verdict changes, and these days."""
    end = job.run.end
    log = job.lake.read_between("ingest_log", end, end + timedelta(days=lookback))
    if log.isEmpty():
        return None, []
    copies = _copies(job.lake, end, end + timedelta(days=lookback))
    known = candidates.select(*COPY_COLUMNS).unionByName(before.select(*COPY_COLUMNS))
    judged = rejudge(copies, known, lookback_days=lookback)
    flipped = judged.where(F.col("is_duplicate") != F.col("was_duplicate"))
    days = sorted(row[0] for row in flipped.select("event_date").distinct().collect())
    if not days:
        return None, []
    get_logger().info("duplicates of later days changed", days=len(days))
    fate = F.when(F.col("is_duplicate"), "duplicate").otherwise("kept")
    decided = judged.where(F.col("event_date").isin(days)).withColumn("fate", fate)
    return decided.withColumn("reason", F.lit(None).cast("string")), days


def _later_log(lake: Lake, later: DataFrame, days: list[date]) -> DataFrame:
    """Return the log of the later days: kept and duplicate lines counted anew, all else as it was."""
    old = reduce(DataFrame.unionByName, [lake.read_between("ingest_log", day, day + timedelta(days=1)) for day in days])
    arrived = old.where("fate = 'kept'").select("event_date", "event_hour").distinct()
    return ingest_log(later, arrived, arrived.limit(0)).unionByName(old.where("fate not in ('kept', 'duplicate')"))


def _missing(raw: RawDays) -> list[tuple[date, int]]:
    """Return the hours that did not arrive; of a day without any input these are all."""
    return [*raw.missing, *((day, hour) for day in raw.empty_days for hour in range(24))]


def _of_contract(rows: DataFrame, table: str) -> DataFrame:
    return rows.select(*[F.col(field.name).cast(field.dataType) for field in schema_of(table).fields])
