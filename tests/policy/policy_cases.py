"""Small policies for tests: rows, and a reference around them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from jobs.reference.load import Reference
from jobs.reference.rows import InstrumentRow, PolicyRow, WikiRow

NAME = "personal-dashboard-health-metrics"
QUARTER_HOUR = timedelta(minutes=15)


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def row(wiki, unit, rate, start, end=None, name=NAME, line=0):
    return PolicyRow(name, wiki, unit, rate, at(start), at(end) if end else None, line=line)


def reference(*rows, wikis=("enwiki",), enabled="2026-03-01", instruments=None):
    wiki_rows = tuple(
        WikiRow(w, f"{w}.org", "en", False, date.fromisoformat(enabled), date.fromisoformat(enabled)) for w in wikis
    )
    default = (InstrumentRow(NAME, "both", True, date(2026, 2, 10), None),)
    return Reference(wiki_rows, tuple(rows), instruments or default, ())
