"""The answer in one line."""

from __future__ import annotations

from jobs.explanation.explanation import MetricRow
from jobs.words import interval

NO_NUMBER = "no number"


def headline(row: MetricRow, unit: str) -> str:
    """Write the answer: `two_day_review_rate, idwiki, 2026-01-01..2026-04-12: 23.9 % (exact), publish`."""
    where = [
        text for text in (row.element_friendly_name, row.client_platform_family, row.edit_count_bucket) if text != "all"
    ]
    named = [row.metric, row.wiki_db, *where, f"{row.metric_date}..{row.as_of_date}"]
    reading = ", process" if row.inference != "realised" else ""
    return f"{', '.join(named)}{reading}: {value_of(row.estimate, row.lower, row.upper, unit)}, {row.status}"


def value_of(estimate: float | None, lower: float | None, upper: float | None, unit: str) -> str:
    """Write a number with its interval, as far as there is one, or that there is none."""
    return interval(estimate, lower, upper, unit) or NO_NUMBER
