"""A rollout as it should be, to be changed in one thing at a time: deployed on 1 March, visible from the 5th."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from jobs.policy.timeline import Timeline, timelines
from jobs.reference.load import Reference
from jobs.reference.rows import InstrumentRow, PolicyRow, VocabularyRow, WikiRow
from jobs.reference.vocabulary import Vocabulary
from jobs.rollout.evidence import AuditDay, Evidence, LoadDay

ENABLED, VISIBLE, AS_OF = date(2026, 3, 1), date(2026, 3, 5), date(2026, 3, 14)
HEALTH = "health"
WIKI = WikiRow("frwiki", "fr.wikipedia.org", "fr", True, ENABLED, VISIBLE)
VOCABULARY = (
    VocabularyRow("menu", "entry point", "*", date(2026, 2, 1), date(2026, 4, 1), "begun; gone"),
    VocabularyRow("diff", "review links", "*", date(2026, 2, 1), None, "begun"),
)


def march(day: int) -> date:
    return date(2026, 3, day)


def moment(day: int) -> datetime:
    return datetime(2026, 3, day, tzinfo=UTC)


def policy(rate: float, unit: str = "pageview", wiki: str = "*", start: int = 1, end: int | None = None) -> PolicyRow:
    return PolicyRow(HEALTH, wiki, unit, rate, moment(start), None if end is None else moment(end))


def timeline(*rows: PolicyRow) -> Timeline:
    reference = Reference((WIKI,), rows, (InstrumentRow(HEALTH, "both", True, ENABLED, None),), VOCABULARY)
    return timelines(reference, timedelta(minutes=15)).get((HEALTH, "frwiki"), Timeline())


def loads(day: int, n_loads: int, rate: float = 1.0, unit: str = "pageview", **more: int) -> LoadDay:
    return LoadDay(march(day), unit, rate, more.get("n_events", 5 * n_loads), n_loads, more.get("n_sessions", n_loads))


def audit(day: int, n_ids: int, largest: float | None, rate: float = 1.0, unit: str = "pageview", **more: int) -> Any:
    return AuditDay(march(day), HEALTH, unit, rate, n_ids, largest, more.get("n_impossible", 0))


def evidence(**changes: Any) -> Evidence:
    """Return the rollout with these changes; every hour of 1 to 14 March has arrived."""
    whole: Mapping[date, tuple[int, ...]] = {march(day): () for day in range(1, 15)}
    right = Evidence(
        wiki=WIKI, as_of=AS_OF, source="as published", hold_up=None, failed=(), missing_hours=whole, menu_early={},
        loads=tuple(loads(day, 40) for day in range(5, 15)),
        audits=tuple(audit(day, 40, 0.99) for day in range(5, 15)),
        instruments={HEALTH: True}, timelines={HEALTH: timeline(policy(1.0))}, is_own_row={HEALTH: False},
        vocabulary=Vocabulary(VOCABULARY), rows=(),
    )  # fmt: skip
    return replace(right, **changes)
