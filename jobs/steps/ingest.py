"""Entry of the step `ingest`: raw lines -> events, fates and facts on the run's branch, then the facts gate."""

from __future__ import annotations

from collections import Counter
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.console import as_records, as_table
from jobs.errors import GateError
from jobs.log import get_logger
from jobs.progress import Told
from jobs.raw.files import find_input, open_input
from jobs.raw.strays import tell_strays
from jobs.steps.facts import stage_facts
from jobs.steps.fates import stage_fates
from jobs.steps.gates import facts_gate
from jobs.steps.job import Job
from jobs.steps.lines import parsed_lines
from jobs.steps.reference_frames import instrument_frame, regime_frame, wiki_frame
from jobs.transforms.events import classify
from jobs.warehouse.refused import refused_by_day, refused_lines, shorten
from jobs.warehouse.salt import salt_of
from jobs.windows import in_words

REASONS_SHOWN = 3


def ingest(job: Job) -> None:
    """Read the run's days once, decide every line's fate, and stage events and facts.

    Raises:
        NoInputError: none of the days has any input.
        GateError: the facts gate failed; some of what was refused is printed.
    """
    run, log = job.run, get_logger()
    salt = salt_of(job.lake, job.warehouse, job.settings.privacy.salt_file)  # before an hour of reading
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
    run.changed = stage_fates(job, classified, raw)
    for frame in (classified, lines):
        job.engine.release(frame)
    stage_facts(job)
    job.warehouse.save(run)
    _report(job)  # what it was is seen whether the gate lets it pass or not
    try:
        facts_gate(job)
    except GateError as error:
        raise _with_refused(job, error) from None


def _lines_by_day(lines: DataFrame) -> dict[date, int]:
    """Count the lines as they were read, before anything is joined to them: a file that cannot be read is one."""
    counted = lines.groupBy("event_date").agg(F.count(F.lit(1)).alias("n")).collect()
    return {row.event_date: row.n for row in counted}


def _classify(job: Job, lines: DataFrame, salt: str) -> DataFrame:
    spark, reference = job.lake.spark, job.reference
    return classify(
        lines,
        instruments=instrument_frame(spark, reference),
        wikis=wiki_frame(spark, reference),
        regimes=regime_frame(spark, reference, job.settings.ingest.rate_change_grace_minutes),
        salt=salt,
    )


def _tell_unreadable(classified: DataFrame) -> None:
    for row in classified.where("reason = 'unreadable_file'").select("file").orderBy("file").collect():
        get_logger().warning("this file cannot be read and is quarantined whole", file=row.file)


def _report(job: Job) -> None:
    """Print what became of the lines, and where the rest went."""
    log = job.lake.read_between("ingest_log", job.run.start, job.run.end, job.run.run_id)
    sums = log.groupBy("fate", "reason").agg(
        F.sum("n_lines").alias("lines"), F.count_distinct("event_date", "event_hour")
    )
    rows = sorted((row[0], row[1] or "", row[2], row[3]) for row in sums.collect())
    title = f"{sum(job.run.lines_read.values()):,} lines read, {in_words(job.run.start, job.run.end)}"
    job.console.print(as_table(["fate", "reason", "lines", "hours"], rows, title))


def _with_refused(job: Job, error: GateError) -> GateError:
    """Print why most of the refused lines were refused, with an example each, and name the command that shows more."""
    run = job.run
    refused = refused_by_day(job.lake, run.days, run.run_id)
    if not refused:
        return error
    reasons: Counter[str] = Counter()
    for (_, reason), n_lines in refused.items():
        reasons[reason] += n_lines
    rows = []
    for reason, n_lines in reasons.most_common(REASONS_SHOWN):
        for example in refused_lines(job.lake, run.days, run.run_id, reason=reason, limit=1):
            rows.append((reason, f"{n_lines:,}", example.file, example.line and shorten(example.line)))
    job.console.print("Quarantined most, with an example each:", style="bold")
    job.console.print(as_records(["reason", "lines", "file", "example"], rows), soft_wrap=True)
    day = next(iter(refused))[0]
    command = f"pdmetrics --warehouse {job.warehouse.path} quarantine --date {day} --staged"
    return GateError(error.what, where=error.where, next_step=f"{command} shows refused lines; {error.next_step}")
