"""What is known of the days of a run's windows.

Which hours arrived and what was kept of each, which regimes were recorded, whose rate was lower than declared, who sent
what.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

from pyspark.sql import functions as F

from jobs.catalogue import load_catalogue
from jobs.estimation.audit import LOWER
from jobs.reference.load import Reference
from jobs.reference.rows import ANY_PLATFORM, REVIEW_LINKS, VocabularyRow
from jobs.rows.arrival import Arrival, InputHour
from jobs.rows.cautions import LowerRate
from jobs.rows.hourly import HourlyCounts
from jobs.rows.link_cells import platform_bucket_elements
from jobs.rows.window_context import WindowContext
from jobs.steps.job import Job
from jobs.transforms.arrival import hours_arrived
from jobs.windows import DAY, REFERENCE_DAYS, earliest_day, rolling_start


def window_context(job: Job, as_of: Sequence[date]) -> WindowContext:
    """Collect what is known of every day that a window can contain."""
    first, end = earliest_day(min(as_of), load_catalogue().longest_days), max(as_of) + DAY
    log = job.lake.read_between("ingest_log", first, end, job.run.run_id)
    arrival = Arrival(InputHour(*row) for row in hours_arrived(log).collect())
    regimes = job.lake.read_between("baseline_daily", first, end, job.run.run_id).select(
        "event_date", "wiki_db", "instrument_name", "sample_unit", "sample_rate"
    )
    sent = _sent(job)
    reference, first_seen = with_unknown_elements(job.reference, sent)
    return WindowContext(
        reference,
        arrival,
        job.settings.ingest.rate_change_grace_minutes,
        recorded=[tuple(row) for row in regimes.distinct().collect()],
        first_seen=first_seen,
        sent=sent,
        audited=_audited(job, first, end),
        hourly=_hourly(job, arrival, min(as_of), first, end),
    )


def _hourly(job: Job, arrival: Arrival, as_of: date, first: date, end: date) -> HourlyCounts | None:
    """Return what was kept hour by hour where an hour of [first, end) was lost.

    Of the days that say how much an hour holds, and of those that lost one, of which a part may be there.
    """
    lost = sorted({day for day, _ in arrival.missing_hours(first, end)})
    if not lost:
        return None
    since = rolling_start(as_of, REFERENCE_DAYS)
    counts = job.lake.read_between("hourly_counts", min(since, *lost), end, job.run.run_id)
    counts = counts.where((F.col("event_date") >= F.lit(since)) | F.col("event_date").isin(lost))
    return HourlyCounts(counts.toPandas(), arrival, platform_bucket_elements(load_catalogue()))


def _audited(job: Job, first: date, end: date) -> dict[tuple[str, str], list[LowerRate]]:
    """Return by (instrument, wiki) the days of [first, end) whose ids show a rate lower than declared."""
    lower = job.lake.read_between("sampling_audit", first, end, job.run.run_id).where(F.col("verdict") == LOWER)
    found: dict[tuple[str, str], list[LowerRate]] = {}
    columns = ("instrument_name", "wiki_db", "sample_unit", "declared_rate", "event_date", "likely_rate")
    for instrument, wiki, *rest in lower.select(*columns).collect():
        found.setdefault((instrument, wiki), []).append(LowerRate(wiki, *rest))
    return found


def _sent(job: Job) -> dict[tuple[str, str], dict[str, date]]:
    """Return by (wiki, element) the instruments that ever sent it, with the day of the first sight.

    From the whole history, so that it does not matter in which chunks the days were run.
    """
    first = job.lake.read("engagement_daily", job.run.run_id).groupBy(
        "wiki_db", "element_friendly_name", "instrument_name"
    )
    sent: dict[tuple[str, str], dict[str, date]] = {}
    for wiki, element, instrument, day in first.agg(F.min("event_date")).collect():
        sent.setdefault((wiki, element), {})[instrument] = day
    return sent


def with_unknown_elements(
    reference: Reference, sent: Mapping[tuple[str, str], Mapping[str, date]]
) -> tuple[Reference, dict[str, date]]:
    """Add elements that the vocabulary lacks to the reference, and return the day each was first seen."""
    known = {row.element_friendly_name for row in reference.vocabulary} | {REVIEW_LINKS}
    first_seen: dict[str, date] = {}
    for (_, element), by_instrument in sorted(sent.items()):
        if element not in known:
            first_seen[element] = min(first_seen.get(element, date.max), *by_instrument.values())
    began = min(row.valid_from for row in reference.instruments)
    # Whatever is sent is recorded: before its first day an unknown element was not sent, and zero is right.
    added = [
        VocabularyRow(name, "other links", ANY_PLATFORM, began, None, "not in the vocabulary") for name in first_seen
    ]
    return replace(reference, vocabulary=(*reference.vocabulary, *added)), first_seen
