"""The suite of the audience gate, over the profiles of `jobs.quality.audience_profile`: dumps, cells, and the past."""

from __future__ import annotations

from expectations.checks import CRITICAL, WARNING, Check, at_most, equal, none_of

OF_DUMPS = (
    "audience_rows_as_logged", "audience_revisions_counted", "audience_dump_ends_early", "audience_dump_quiet",
    "audience_dump_begins_late",
)  # fmt: skip
"""Checks that compare with the dumps as they were read, and so cannot be asked again."""


def audience_suite() -> tuple[Check, ...]:
    """Return the checks of the audience gate: what was read, what was counted of it, and against the month before."""
    return (*_dumps(), *_ends(), *_cells(), *_past())


def _dumps() -> tuple[Check, ...]:
    return (
        equal(
            "n_logged", "n_read", "dumps", "audience_rows_as_logged",
            "{subject}: {n_read:.0f} rows read but {n_logged:.0f} in the log by fate",
            nullable=True,
        ),
        equal(
            "n_kept", "n_counted", "dumps", "audience_revisions_counted",
            "{subject}: {n_kept:.0f} revisions kept but editors counted of {n_counted:.0f}",
            nullable=True,
        ),
        at_most(
            "malformed_share", "max_malformed_share", "dumps", CRITICAL, "audience_malformed_share",
            "{subject}: {malformed_share:.2%} of the rows cannot be read or are of another wiki ({n_malformed:.0f} in "
            "all; at most {max_malformed_share:.2%} may be); the first: {first}",
            form=":.2%",
        ),
        at_most(
            "inside_share", "seen_inside", "dumps", WARNING, "audience_malformed_inside",
            "{subject}: {inside_share:.2%} of the revisions in the windows cannot be read; the first row of any that "
            "cannot: {first}",
            form=":.2%",
        ),
    )  # fmt: skip


def _ends() -> tuple[Check, ...]:
    return (
        Check(
            "audience_dump_ends_early", "ends", CRITICAL, "ExpectColumnPairValuesAToBeGreaterThanB",
            {"column_A": "least_unlikely", "column_B": "n_due", "or_equal": False,
             "ignore_row_if": "either_value_is_missing"},
            "{subject}: the last event of {file} is of {last_event}, but some {n_due:,.0f} more were due until "
            "{until}; fetch it again, or count as of {last_whole}, the last day that is surely whole",
            "no event where {n_due:,.0f} were due", "none where fewer than {least_unlikely:.0f} are",
        ),
        none_of(
            "n_wikis", "quiet", WARNING, "audience_dump_quiet",
            "No event on the last days up to {event_date}, which may be chance, since their last one: {wikis}",
        ),
        none_of(
            "n_wikis", "begins", WARNING, "audience_dump_begins_late",
            "Windows begin on {asked_from}, but dumps have hardly any event before a later day: {wikis}",
        ),
    )  # fmt: skip


def _cells() -> tuple[Check, ...]:
    return (
        none_of(
            "n_repeated", "keys", CRITICAL, "audience_keys_unique",
            "{event_date}: {n_repeated} of the {n_rows} rows of {subject} repeat a key",
        ),
        none_of(
            "n_impossible", "cells", CRITICAL, "audience_counts_possible",
            "{subject} {event_date}: {n_impossible} of {n_cells} cells have a count below zero, or more editors new to "
            "the band than in it, for example {eg_impossible}",
        ),
        none_of(
            "n_differing", "cells", CRITICAL, "audience_values_as_counted",
            "{subject} {event_date}: {n_differing} of {n_cells} cells have another number as metric value, for example "
            "{eg_differing}",
        ),
        none_of(
            "n_hiding_wrong", "cells", CRITICAL, "audience_few_hidden",
            "{subject} {event_date}: {n_hiding_wrong} of {n_cells} cells show few editors or hide many, for example "
            "{eg_hiding_wrong}",
        ),
        none_of(
            "n_incomplete", "cells", CRITICAL, "audience_rows_complete",
            "{subject} {event_date}: {n_incomplete} of {n_cells} cells lack their count, metric value or an "
            "alternative, for example {eg_incomplete}",
        ),
        at_most(
            "n_part", "n_whole", "nested", CRITICAL, "audience_nested",
            "{subject} {event_date}: {n_part:.0f} editors ({part}) among {n_whole:.0f} ({whole})",
            form=":.0f", users=("n_part", "n_whole"),
        ),
    )  # fmt: skip


def _past() -> tuple[Check, ...]:
    return (
        Check(
            "audience_moved", "past", WARNING, "ExpectColumnPairValuesAToBeGreaterThanB",
            {"column_A": "max_audience_change", "column_B": "change", "or_equal": True,
             "ignore_row_if": "either_value_is_missing"},
            "{subject} {event_date}: {n_editors:.0f} editors ({band} over {window_days} days) after {n_before:.0f} on "
            "{before}",
            "{n_editors:.0f} after {n_before:.0f}", "a change of at most {max_audience_change:.0%}",
            users=("n_editors", "n_before"),
        ),
        Check(
            "audience_of_nobody", "wikis", WARNING, "ExpectColumnValuesToBeBetween",
            {"column": "n_editors", "min_value": 1},
            "{subject} {event_date}: nobody is eligible, in no band and window", "{n_editors:.0f}", "at least 1 editor",
            users=("n_editors",),
        ),
    )  # fmt: skip
