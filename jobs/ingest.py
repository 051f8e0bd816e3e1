"""Entry of the step `ingest`: raw lines -> events, fates and facts on the run's branch, then the facts gate."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from pyspark import StorageLevel
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.facts import stage_facts
from jobs.fates import stage_fates
from jobs.gates import facts_gate
from jobs.job import Job
from jobs.log import get_logger
from jobs.query import as_table
from jobs.raw import RawDays, RawFile, file_frame, find_input, find_unreadable, is_unreadable_error, read_lines
from jobs.reference_frames import instrument_frame, regime_frame, wiki_frame
from jobs.transforms.events import classify, unreadable


def ingest(job: Job) -> None:
    """Read the run's days once, decide every line's fate, and stage events and facts.

    Raises:
        NoInputError: none of the days has any input.
        GateError: the facts gate failed.
    """
    run, log = job.run, get_logger()
    raw = find_input(Path(run.input_dir), run.days)
    for day in raw.empty_days:
        log.warning("no input for this day: its windows are not measured", day=str(day))
    for path in raw.ignored:
        log.warning("not a file of events, ignored", file=str(path))
    log.info("reading", files=len(raw.files), megabytes=round(sum(file.n_bytes for file in raw.files) / 1e6, 1))
    classified = _classify(job, raw)
    log.info("lines read", lines=sum(run.lines_read.values()))
    try:
        run.changed = stage_fates(job, classified, raw)
    finally:
        classified.unpersist()
    stage_facts(job)
    job.warehouse.save(run)
    facts_gate(job)
    _report(job)


def _classify(job: Job, raw: RawDays) -> DataFrame:
    """Parse and judge all lines, reading them once; only where a file turns out unreadable, again without it."""
    try:
        return _read(job, list(raw.files), [])
    except (PySparkException, Exception) as error:
        if not is_unreadable_error(error):
            raise
        damaged = find_unreadable(raw.files)
        if not damaged:
            raise
    for file in damaged:
        get_logger().warning("this file cannot be read and is quarantined whole", file=file.name)
    return _read(job, [file for file in raw.files if file not in damaged], damaged)


def _read(job: Job, files: list[RawFile], damaged: list[RawFile]) -> DataFrame:
    spark, reference = job.lake.spark, job.reference
    classified = classify(
        read_lines(spark, files),
        instruments=instrument_frame(spark, reference),
        wikis=wiki_frame(spark, reference),
        regimes=regime_frame(spark, reference, job.settings.ingest.rate_change_grace_minutes),
        salt=job.warehouse.salt(job.settings.privacy.salt_file),
    )
    if damaged:
        classified = classified.unionByName(unreadable(file_frame(spark, damaged)))
    classified = classified.persist(StorageLevel.MEMORY_AND_DISK)
    counted = classified.groupBy("event_date").agg(F.count(F.lit(1)).alias("n")).collect()
    job.run.lines_read = dict.fromkeys(job.run.days, 0) | {row.event_date: row.n for row in counted}
    return classified


def _report(job: Job) -> None:
    """Print what became of the lines, and where the rest went."""
    log = job.lake.read_between("ingest_log", job.run.start, job.run.end, job.run.run_id)
    sums = log.groupBy("fate", "reason").agg(
        F.sum("n_lines").alias("lines"), F.count_distinct("event_date", "event_hour")
    )
    rows = sorted((row[0], row[1] or "", row[2], row[3]) for row in sums.collect())
    title = f"{sum(job.run.lines_read.values()):,} lines read, {job.run.start} to {job.run.end - timedelta(days=1)}"
    job.console.print(as_table(["fate", "reason", "lines", "hours"], rows, title))
