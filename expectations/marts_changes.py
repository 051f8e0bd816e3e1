"""Checks of the marts gate on what a run would change, over the profiles of `jobs.quality.marts_changes`.

What was published stays unless the run says why: by its days, the catalogue, the vocabulary, the wikis, or a dated
entry of the thresholds with its reason.
"""

from __future__ import annotations

from expectations.checks import CRITICAL, WARNING, Check, at_most, none_of


def change_checks() -> tuple[Check, ...]:
    """Return the checks: published rows, rows computed again, keys of the day before, statuses, freshness."""
    return (*_published(), *_keys(), *_statuses(), *_freshness())


def _published() -> tuple[Check, ...]:
    return (
        at_most(
            column="n_differing",
            limit="max_published_changes",
            profile="published",
            severity=CRITICAL,
            check_id="published_rows_unchanged",
            message="{subject}: of {n_published} published rows of days that the run did not touch {n_missing} are "
            "gone and {n_changed} differ, and {n_new} are new, for example {eg_differing}",
            form=":g",
        ),
        # The setting `min_users` decides it for every day at once, so it may be meant.
        none_of(
            column="n_rehidden",
            profile="published",
            severity=WARNING,
            check_id="published_rows_hidden_alike",
            message="{subject}: {n_rehidden} of {n_published} published rows of days that the run did not touch were "
            "hidden and are shown, or the other way round, for example {eg_rehidden}",
        ),
        # A better estimator may be meant too, and the numbers of its day are right.
        none_of(
            column="n_unexplained",
            profile="recomputed",
            severity=WARNING,
            check_id="recomputed_rows_unchanged",
            message="{subject}, to {event_date}: {n_unexplained} published rows were computed again and differ "
            "({n_same_days} were compared) although no day of their windows changed, for example {eg_unexplained}",
        ),
    )


def _keys() -> tuple[Check, ...]:
    return (
        # Zeros are rows, so nothing in the data can take one of these away.
        at_most(
            column="n_missing",
            limit="max_missing_keys",
            profile="keys",
            severity=CRITICAL,
            check_id="keys_still_there",
            message="{subject}, to {event_date}: {n_missing} of {n_keys} keys that had a row on {before} have none, "
            "for example {eg_missing}",
            form=":g",
        ),
        # What the vocabulary does not know has rows because it was seen, and is warned of anyhow.
        none_of(
            column="n_missing_unlisted",
            profile="keys",
            severity=WARNING,
            check_id="unlisted_keys_still_there",
            message="{subject}, to {event_date}: {n_missing_unlisted} keys of links outside the vocabulary that had a "
            "row on {before} have none, for example {eg_missing_unlisted}",
        ),
    )


def _statuses() -> tuple[Check, ...]:
    return (
        at_most(
            column="publish_fall",
            limit="max_publish_fall",
            profile="statuses",
            severity=WARNING,
            check_id="publish_share_steady",
            message="{subject}, to {event_date}: {publish_now:.0%} of {n_rows} rows have status publish, a week before "
            "it was {publish_before:.0%}",
            form=":.2f",
        ),
        at_most(
            column="not_measured_rise",
            limit="max_not_measured_rise",
            profile="statuses",
            severity=WARNING,
            check_id="not_measured_share_steady",
            message="{subject}, to {event_date}: {not_measured_now:.0%} of {n_rows} rows are not_measured, a week "
            "before it was {not_measured_before:.0%}",
            form=":.2f",
        ),
    )


def _freshness() -> tuple[Check, ...]:
    return (
        none_of(
            column="n_days_older",
            profile="freshness",
            severity=CRITICAL,
            check_id="marts_not_older",
            message="{subject}: its newest date would be {newest_built}, but {newest_published} is published",
        ),
        none_of(
            column="n_days_behind",
            profile="freshness",
            severity=CRITICAL,
            check_id="marts_not_behind",
            message="{subject}: its newest date is {newest_built}, but {newest_ingested} was ingested",
        ),
    )
