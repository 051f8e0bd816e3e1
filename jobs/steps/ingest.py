"""Entry of the step `ingest`: raw lines -> fates -> raw gate -> events and facts on the run's branch -> facts gate."""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.errors import GateError
from jobs.log import get_logger
from jobs.progress import Told
from jobs.raw.files import find_input, open_input
from jobs.raw.strays import tell_strays
from jobs.steps.facts import stage_facts
from jobs.steps.fates import decide_fates, stage_events, stage_log
from jobs.steps.fates_told import print_fates, with_refused
from jobs.steps.gates import facts_gate, raw_gate
from jobs.steps.job import Job
from jobs.steps.lines import parsed_lines
from jobs.steps.reference_frames import instrument_frame, regime_frame, wiki_frame
from jobs.transforms.events import classify
from jobs.warehouse.salt import salt_of


def ingest(job: Job) -> None:
    """Read the run's days once, decide every line's fate, and stage events and facts.

    Raises:
        NoInputError: none of the days has any input.
        GateError: the raw or the facts gate failed; some of what was refused is printed.
    """
    run, log = job.run, get_logger()
    salt = salt_of(job.lake, job.warehouse, job.settings.privacy)  # before an hour of reading
    source = open_input(run.input_dir)
    raw = find_input(source, run.days) if job.raw is None else job.raw
    for day in raw.empty_days:
        log.warning("no input for this day: its windows are not measured", day=str(day))
    tell_strays(raw.ignored)
    log.info("reading", files=len(raw.files), megabytes=round(sum(file.n_bytes for file in raw.files) / 1e6, 1))
    with Told("files read") as told:
        lines = parsed_lines(job.engine, source, raw.files, workers=job.settings.engine.workers, progress=told)
    run.lines_read = dict.fromkeys(run.days, 0) | _lines_by_day(lines)
    log.info("lines read", lines=sum(run.lines_read.values()))
    classified = job.engine.materialise(_classify(job, lines, salt))
    _tell_unreadable(classified)
    fates = decide_fates(job, classified)
    run.changed = sorted({*run.days, *fates.later_days})
    stage_log(job, fates, raw)
    print_fates(job)  # what it was is seen whether the gates let it pass or not
    try:
        raw_gate(job, fates.decided, raw)
        stage_events(job, fates)
        for frame in (fates.decided, fates.later, classified, lines):
            if frame is not None:
                job.engine.release(frame)
        stage_facts(job)
        job.save()
        facts_gate(job)
    except GateError as error:
        raise with_refused(job, error) from None


def _lines_by_day(lines: DataFrame) -> dict[date, int]:
    """Count the lines as they were read, before anything is joined to them: a file that cannot be read is one."""
    counted = lines.groupBy("event_date").agg(F.count(F.lit(1)).alias("n")).collect()
    return {row.event_date: row.n for row in counted}


def _classify(job: Job, lines: DataFrame, salt: str) -> DataFrame:
    spark, reference = job.lake.spark, job.reference
    return classify(
        lines,
        instruments=instrument_frame(spark, reference),
        wikis=wiki_frame(spark, reference, salt),
        regimes=regime_frame(spark, reference, job.settings.ingest.rate_change_grace_minutes),
    )


def _tell_unreadable(classified: DataFrame) -> None:
    for row in classified.where("reason = 'unreadable_file'").select("file").orderBy("file").collect():
        get_logger().warning("this file cannot be read and is quarantined whole", file=row.file)
