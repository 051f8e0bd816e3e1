"""What became of a run's lines, told: the table of fates, and examples of what was refused where the gate said no."""

from __future__ import annotations

from collections import Counter

from pyspark.sql import functions as F

from jobs.console import as_records, as_table
from jobs.errors import GateError
from jobs.steps.job import Job
from jobs.warehouse.refused import refused_by_day, refused_lines, shorten
from jobs.windows import in_words

REASONS_SHOWN = 3


def print_fates(job: Job) -> None:
    """Print what became of the lines, and where the rest went."""
    log = job.lake.read_between("ingest_log", job.run.start, job.run.end, job.run.run_id)
    sums = log.groupBy("fate", "reason").agg(
        F.sum("n_lines").alias("lines"), F.count_distinct("event_date", "event_hour")
    )
    rows = sorted((row[0], row[1] or "", row[2], row[3]) for row in sums.collect())
    title = f"{sum(job.run.lines_read.values()):,} lines read, {in_words(job.run.start, job.run.end)}"
    job.console.print(as_table(["fate", "reason", "lines", "hours"], rows, title))


def with_refused(job: Job, error: GateError) -> GateError:
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
    command = f"pdmetrics --warehouse {job.warehouse.place} quarantine --date {day} --staged"
    return GateError(error.what, where=error.where, next_step=f"{command} shows refused lines; {error.next_step}")
