"""Judge the sampling of a rollout: the rate as declared and as the ids show it, by instrument."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

from jobs.estimation.audit import HIGHER, LOWER, MIN_IDS, TOO_FEW, likely_rate, rate_upper_limit, verdict
from jobs.policy.timeline import Span, Timeline, format_unit_rate
from jobs.reference.rows import ANY_WIKI
from jobs.rollout.card import OK, OPEN, WRONG, Line
from jobs.rollout.evidence import AuditDay, Evidence
from jobs.windows import DAY, in_words, midnight

AUDIT_DAYS = 7
WHAT = "sampling"


class SeenRate(NamedTuple):
    """What the ids of some days show of a rate.

    Attributes:
        n_ids: distinct ids, or fewer: sessions last for days, so of their days the fullest counts alone.
        largest_fraction: the largest hash fraction, 0 without ids.
        upper_limit: 95 % upper limit of the true rate.
        likely: estimate of the true rate, not a number without ids.
        n_impossible: pageviews of the worst day whose ids the declared rate could not have kept.
        verdict: of the audit.
    """

    n_ids: int
    largest_fraction: float
    upper_limit: float
    likely: float
    n_impossible: int
    verdict: str


def seen_rate(audits: Sequence[AuditDay], declared: float) -> SeenRate:
    """Pool the audits of days of one regime; that of a single day is no different."""
    counts = [audit.n_ids for audit in audits]
    is_session = any(audit.sample_unit == "session" for audit in audits)
    n_ids = max(counts, default=0) if is_session else sum(counts)
    largest = max((audit.largest_fraction or 0.0 for audit in audits), default=0.0)
    n_impossible = max((audit.n_impossible_pageviews for audit in audits), default=0)
    h, n = [largest], [n_ids]
    return SeenRate(
        n_ids=n_ids,
        largest_fraction=largest,
        upper_limit=float(rate_upper_limit(h, n)[0]),
        likely=float(likely_rate(h, n)[0]),
        n_impossible=n_impossible,
        verdict=str(verdict(n, h, [declared], [n_impossible])[0]),
    )


def sampling_lines(evidence: Evidence) -> tuple[Line, ...]:
    """Judge the rate of every instrument in force."""
    if not evidence.instruments:
        step = "add the instrument to instruments.csv, or check its dates"
        return (Line(WHAT, f"no instrument is in force on {evidence.as_of}", "one", WRONG, step),)
    return tuple(_sampling_line(evidence, name) for name in evidence.instruments)


def _sampling_line(evidence: Evidence, instrument: str) -> Line:
    span = _in_force(evidence, instrument)
    if span is None:
        found = f"no row of sampling_policy.csv is in force on {evidence.as_of}"
        step = "policy import the record of the instrument, then run again"
        return Line(WHAT, found, f"{instrument}: a declared rate", WRONG, step)
    row = evidence.wiki.wiki_db if evidence.is_own_row[instrument] else ANY_WIKI
    expected = f"{instrument}: {format_unit_rate(span.unit_rate)} (row of {row}, since {span.start:%Y-%m-%d %H:%M} UTC)"
    unit, rate = span.unit_rate
    if rate == 0:
        return Line(WHAT, "nothing can be seen at this rate", expected, OPEN, "raise the rate to measure anything")
    first = max(evidence.as_of - timedelta(days=AUDIT_DAYS - 1), span.start.date())
    audits = [
        audit
        for audit in evidence.audits
        if (audit.instrument_name, audit.sample_unit, audit.declared_rate) == (instrument, unit, rate)
        and first <= audit.event_date <= evidence.as_of
    ]
    days_seen = sorted({audit.event_date for audit in audits})
    when = in_words(days_seen[0], days_seen[-1] + DAY) if days_seen else in_words(first, evidence.as_of + DAY)
    return _judged(expected, seen_rate(audits, rate), unit, when)


def _judged(expected: str, seen: SeenRate, unit: str, when: str) -> Line:
    found = (
        f"at most {seen.upper_limit:.4g} (95 %): the largest hash fraction of {seen.n_ids:,} {unit}s is "
        f"{seen.largest_fraction:.4f}, {when}"
    )
    if seen.verdict == HIGHER:
        found = f"higher: {seen.n_impossible} pageviews of a day have ids that this rate could not have kept, {when}"
        return Line(WHAT, found, expected, WRONG, "policy import what the clients were told, then run the days again")
    if seen.verdict == LOWER:
        step = "policy import the true rate, or mend the clients; until then totals are too low"
        return Line(WHAT, f"lower, likely {seen.likely:.3g}, {found}", expected, WRONG, step)
    if seen.verdict == TOO_FEW:
        step = f"{MIN_IDS} ids tell it from half the rate, {MIN_IDS - seen.n_ids} more are needed: come back later"
        return Line(WHAT, found if seen.n_ids else f"no id seen, {when}", expected, OPEN, step)
    return Line(WHAT, found, expected, OK)


def _in_force(evidence: Evidence, instrument: str) -> Span | None:
    """Return what is in force at the end of the day `as_of`, with its true beginning."""
    end = evidence.as_of + DAY
    spans = evidence.timelines.get(instrument, Timeline()).spans(date.min, end)
    return spans[-1] if spans and spans[-1].end == midnight(end) else None
