"""The suite of the raw gate, over the profiles of `jobs.quality.raw_frames`: what arrived, before it is staged."""

from __future__ import annotations

from expectations.checks import CRITICAL, WARNING, Check, at_most, none_of
from expectations.history import history_checks

RAW_PAST = frozenset({"volume", "trend", "instruments", "hours", "shifts", "usual", "late"})
"""The comparisons with the days before that lines and hours are enough for; the others are the facts gate's."""


def raw_suite() -> tuple[Check, ...]:
    """Return the checks of the raw gate: hours, files, refused lines, wikis, and against the days before."""
    past = (check for check in history_checks() if check.profile in RAW_PAST)
    return (*_arrival(), *_wikis(), *past)


def _arrival() -> tuple[Check, ...]:
    return (
        at_most(
            "quarantine_share", "max_quarantine_share", "days", CRITICAL, "quarantine_share",
            "{event_date}: {quarantine_share:.2%} of the lines were quarantined ({n_quarantined} of {n_lines}; at most "
            "{max_quarantine_share:.2%} may be); most for {reasons}",
            form=":.2%",
        ),
        at_most(
            "n_missing_hours", "max_missing_hours", "days", WARNING, "missing_hours",
            "{event_date}: hours that have not arrived or cannot be read: {n_missing_hours} ({missing_hours}); windows "
            "that hold this day are incomplete",
            form=":.0f",
        ),
        none_of(
            "n_unreadable", "days", WARNING, "unreadable_files",
            "{event_date}: files that cannot be read: {n_unreadable}; nothing of them is used",
        ),
        none_of(
            "n_hours_lost", "streams", WARNING, "stream_hours",
            "{subject} {event_date}: hours of the stream without a file though another stream has one: {n_hours_lost} "
            "({hours_lost})",
        ),
    )  # fmt: skip


def _wikis() -> tuple[Check, ...]:
    return (
        Check(
            "wiki_has_events", "wikis", WARNING, "ExpectColumnValuesToBeBetween",
            {"column": "n_events_due", "min_value": 1},
            "{subject} {event_date}: no kept event on a complete day although the dashboard is visible since "
            "{visible_from}; refused lines of the wiki: {refused}",
            "{n_events_due} events", "at least 1 event", nullable=True, users=("n_events_due",),
        ),
        none_of(
            "n_menu_impressions_early", "wikis", CRITICAL, "menu_link_before_visible",
            "{subject} {event_date}: {n_menu_impressions_early} impressions of the menu link before the dashboard was "
            "to be visible ({visible_from})",
            users=("n_menu_impressions_early",),
        ),
        none_of(
            "n_loads_early", "wikis", WARNING, "loads_before_visible",
            "{subject} {event_date}: {n_loads_early} loads of the dashboard before it was to be visible "
            "({visible_from})",
            users=("n_loads_early",),
        ),
    )  # fmt: skip
