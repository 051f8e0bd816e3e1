"""References for tests: rows that say no more than a test is about, and one builder around them.

A moment may be given as text or as a day, UTC; a day as text too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from functools import cache

from jobs.reference import rules
from jobs.reference.csv_file import Problems, read_table
from jobs.reference.load import Reference
from jobs.reference.rows import (
    ANY_PLATFORM,
    ANY_WIKI,
    COLUMNS,
    REVIEW_LINKS,
    VOCABULARY_CSV,
    InstrumentRow,
    PolicyRow,
    VocabularyRow,
    WikiRow,
)
from jobs.resources import shipped
from jobs.rows.arrival import HOURS, Arrival, InputHour
from jobs.windows import midnight

HEALTH = "personal-dashboard-health-metrics"
BEGIN = date(2026, 2, 10)  # the first day of the instrument
ENABLED = date(2026, 3, 1)


def at(when: str | date) -> datetime:
    """The moment that a text, or the first of a day, means in UTC."""
    moment = datetime.fromisoformat(when) if isinstance(when, str) else when
    if not isinstance(moment, datetime):
        return midnight(moment)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _day(when: str | date) -> date:
    return date.fromisoformat(when) if isinstance(when, str) else when


def wiki_row(name: str = "enwiki", enabled: str | date = ENABLED, visible: str | date | None = None) -> WikiRow:
    """A wiki, on display from its first day unless it says otherwise."""
    language = name.removesuffix("wiki")
    domain = f"{language}.wikipedia.org"
    return WikiRow(name, domain, language, False, _day(enabled), _day(enabled if visible is None else visible))


def policy_row(
    wiki: str = ANY_WIKI,
    unit: str = "pageview",
    rate: float = 1.0,
    start: str | date = BEGIN,
    end: str | date | None = None,
    *,
    name: str = HEALTH,
    line: int = 0,
) -> PolicyRow:
    """A unit and a rate: everything, everywhere and for good unless it says otherwise."""
    return PolicyRow(name, wiki, unit, float(rate), at(start), at(end) if end else None, line=line)


def instrument_row(
    name: str = HEALTH, role: str = "both", start: str | date = BEGIN, *, has_user_id: bool = True
) -> InstrumentRow:
    """An instrument that stays."""
    return InstrumentRow(name, role, has_user_id, _day(start), None)


def element_row(
    name: str,
    group: str = REVIEW_LINKS,
    start: str | date = BEGIN,
    end: str | date | None = None,
    platform: str = ANY_PLATFORM,
    reason: str = "",
) -> VocabularyRow:
    """An element that could be measured."""
    return VocabularyRow(name, group, platform, _day(start), _day(end) if end else None, reason)


@cache
def shipped_vocabulary() -> tuple[VocabularyRow, ...]:
    """The rows of the vocabulary that the package has."""
    problems = Problems()
    raw = shipped(f"data/{VOCABULARY_CSV}").read_bytes()
    rows = read_table(VOCABULARY_CSV, raw, COLUMNS[VOCABULARY_CSV], rules.vocabulary, problems)
    rules.check_vocabulary(rows, problems)
    assert problems.found == []
    return rows


def reference(
    *policy: PolicyRow,
    wikis: Iterable[WikiRow] = (wiki_row(),),
    instruments: Iterable[InstrumentRow] = (instrument_row(),),
    vocabulary: Iterable[VocabularyRow] | None = None,
) -> Reference:
    """A reference with a policy; one wiki, and instrument and vocabulary as shipped, unless it says otherwise."""
    elements = shipped_vocabulary() if vocabulary is None else tuple(vocabulary)
    return Reference(tuple(wikis), policy, tuple(instruments), elements)


def arrival(days: Iterable[date], lost: Mapping[date, Iterable[int]] | None = None, n_kept: int = 100) -> Arrival:
    """Days of input of which every hour arrived with as many lines, but for the hours of `lost`."""
    gone = {(day, hour) for day, hours in (lost or {}).items() for hour in hours}
    return Arrival(
        InputHour(day, hour, (day, hour) not in gone, (day, hour) not in gone, 0 if (day, hour) in gone else n_kept)
        for day in days
        for hour in range(HOURS)
    )
