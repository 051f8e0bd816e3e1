"""The checks of facts against the days before, over the profiles of `jobs.quality.history_frames`.

Why each is there, who mends what it finds and the command to look closer are in `expectations/about.py`.
"""

from __future__ import annotations

from expectations.checks import CRITICAL, WARNING, Check, at_least, at_most, none_of


def history_checks() -> tuple[Check, ...]:
    """Return the checks against the days before: volume, silence, links, hours, shares, regimes, trends, late hours."""
    return (*_volume(), *_silence(), *_bands(), *_hours(), *_shares(), *_slow())


def _volume() -> tuple[Check, ...]:
    words = (
        "{subject} {event_date}: a volume of {volume:.0f} (loads of the dashboard, or impressions where there are "
        "none, weighted by 1/rate) where {usual:.0f} are usual by the {n_days} days before"
    )
    users = ("volume", "usual")
    return (
        at_least(
            column="volume", limit="fail_low", profile="volume", severity=CRITICAL, check_id="volume_low_far",
            message=words + "; nothing below {fail_low:.0f} is published unseen", form=":.0f", nullable=True,
            users=users,
        ),
        at_most(
            column="volume", limit="fail_high", profile="volume", severity=CRITICAL, check_id="volume_high_far",
            message=words + "; nothing above {fail_high:.0f} is published unseen", form=":.0f", nullable=True,
            users=users,
        ),
        at_least(
            column="volume", limit="warn_low", profile="volume", severity=WARNING, check_id="volume_low",
            message=words + "; less than {warn_low:.0f} is out of the band", form=":.0f", nullable=True, users=users,
        ),
        at_most(
            column="volume", limit="warn_high", profile="volume", severity=WARNING, check_id="volume_high",
            message=words + "; more than {warn_high:.0f} is out of the band", form=":.0f", nullable=True, users=users,
        ),
    )  # fmt: skip


def _silence() -> tuple[Check, ...]:
    return (
        at_most(
            column="silent_expected", limit="max_silent_expected", profile="instruments", severity=CRITICAL,
            check_id="instrument_silent",
            message="{subject} {event_date}: not one event for {n_silent_days} day(s) while the others sent "
            "{n_others:.0f}; at least {silent_expected:.0f} independent ones were to be expected. If the instrument "
            "was retired, say so in instruments.csv and sampling_policy.csv",
            form=":.0f", nullable=True,
        ),
        at_most(
            column="silent_expected", limit="max_silent_expected", profile="keys", severity=WARNING,
            check_id="element_gone",
            message="{subject} {event_date}: none for {n_silent_days} day(s) although at least {silent_expected:.0f} "
            "independent ones were to be expected; was the link renamed, removed or broken? If it cannot be measured, "
            "end it in vocabulary.csv",
            form=":.0f", nullable=True,
        ),
    )  # fmt: skip


def _bands() -> tuple[Check, ...]:
    visitors = (
        "{subject} {event_date}: {n_visitors:.0f} distinct users where {usual:.0f} are usual at this unit and rate"
    )
    element = "{subject} {event_date}: {n_events:.0f} (weighted) where {usual:.0f} go with the wiki's volume of the day"
    return (
        at_least(
            column="n_visitors", limit="warn_low", profile="visitors", severity=WARNING, check_id="visitors_low",
            message=visitors, form=":.0f", users=("n_visitors", "usual"),
        ),
        at_most(
            column="n_visitors", limit="warn_high", profile="visitors", severity=WARNING, check_id="visitors_high",
            message=visitors, form=":.0f", users=("n_visitors", "usual"),
        ),
        at_least(
            column="n_events", limit="warn_low", profile="elements_usual", severity=WARNING, check_id="element_low",
            message=element + "; a part of the link may have broken", form=":.0f", users=("n_events", "usual"),
        ),
        at_most(
            column="n_events", limit="warn_high", profile="elements_usual", severity=WARNING, check_id="element_high",
            message=element + "; the link may be reported twice", form=":.0f", users=("n_events", "usual"),
        ),
    )  # fmt: skip


def _hours() -> tuple[Check, ...]:
    return (
        at_least(
            column="n_kept", limit="fewest", profile="hours", severity=WARNING, check_id="hour_low",
            message="{event_date}, {subject}: its files arrived but hold {n_kept} kept lines where {usual:.0f} are "
            "usual on such a day; a part of the hour is lost or the stream has stopped",
            form=":.0f",
        ),
        at_most(
            column="gain", limit="most", profile="shifts", severity=WARNING, check_id="hours_shifted",
            message="{event_date}: the day's curve over the hours is the usual one moved by {shift:+} hours; times or "
            "folders may be in another time zone",
            form=":.0f",
        ),
        at_most(
            column="n_missing_hours", limit="max_missing_hours", profile="late", severity=WARNING,
            check_id="hours_still_missing",
            message="{subject}: hours still missing on {event_date}: {n_missing_hours} ({missing_hours}); windows that "
            "hold the day stay incomplete. Run it again when they have come",
            form=":.0f",
        ),
    )  # fmt: skip


def _shares() -> tuple[Check, ...]:
    return (
        at_most(
            column="share", limit="most", profile="usual", severity=WARNING, check_id="line_share_high",
            message="{event_date}, {subject}: {share:.1%} of the lines ({n_part} of {n_whole}) where {usual:.1%} are "
            "usual and {most:.1%} the most",
            form=":.2%",
        ),
        at_most(
            column="share", limit="most", profile="segments", severity=WARNING, check_id="null_share_high",
            message="{subject} {event_date}: {share:.1%} of the impressions where {usual:.1%} are usual and {most:.1%} "
            "the most; clients may have stopped to tell it",
            form=":.2%",
        ),
        none_of(
            column="n_undeclared", profile="regimes", severity=WARNING, check_id="regime_undeclared",
            message="{subject} {event_date}: {n_undeclared} kept events carry a unit and rate that sampling_policy.csv "
            "does not declare for the day (it declares {declared}); the policy was changed since: run the day again",
            users=("n_undeclared",),
        ),
    )  # fmt: skip


def _slow() -> tuple[Check, ...]:
    return (
        at_least(
            column="level_high", limit="min_trend_level", profile="trend", severity=WARNING, check_id="trend_low",
            message="{subject} {event_date}: the last seven days hold {level:.0%} of the same weekdays three weeks "
            "before; what is lost is lost slowly",
            form=":.0%",
        ),
    )  # fmt: skip
