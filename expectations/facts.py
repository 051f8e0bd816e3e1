"""The suite of the facts gate, over the profiles of `jobs.quality.facts_profile`."""

from __future__ import annotations

from expectations.checks import CRITICAL, WARNING, Check, at_least, at_most, equal, none_of
from expectations.history import history_checks
from expectations.raw import RAW_PAST


def facts_suite() -> tuple[Check, ...]:
    """Return the checks of the facts gate: fates, keys, elements, loads, links, ids, and the days before."""
    past = (check for check in history_checks() if check.profile not in RAW_PAST)
    return (*_fates(), *_shares(), *_keys(), *_elements(), *_reconciliation(), *_sampling(), *past)


def _fates() -> tuple[Check, ...]:
    stored = (
        equal(
            f"n_{fate}_stored", f"n_{fate}_logged", "fates", f"{fate}_rows_as_logged",
            f"{{event_date}}: {table} holds {{n_{fate}_stored}} rows but the ingest log counted {{n_{fate}_logged}} "
            f"{fate} lines",
        )
        for fate, table in (("kept", "events"), ("duplicate", "duplicates"), ("quarantined", "quarantine"))
    )  # fmt: skip
    return (
        equal(
            "n_accounted", "n_read", "fates", "fates_add_up",
            "{event_date}: {n_read} lines read but {n_accounted} accounted for (kept {n_kept_logged}, duplicate "
            "{n_duplicate_logged}, out of scope {n_out_of_scope_logged}, quarantined {n_quarantined_logged})",
            nullable=True,
        ),
        *stored,
    )  # fmt: skip


def _shares() -> tuple[Check, ...]:
    return (
        at_most(
            "duplicate_share", "max_duplicate_share", "fates", WARNING, "duplicate_share",
            "{event_date}: {duplicate_share:.1%} of the accepted lines were duplicates ({n_duplicate_logged}), more "
            "than the usual {max_duplicate_share:.1%}",
            form=":.2%",
        ),
        at_most(
            "repeated_share", "max_repeated_share", "fates", CRITICAL, "loads_repeated",
            "{event_date}: {repeated_share:.1%} of the {n_loads} kept loads are of a page view that was loaded "
            "already, more than {max_repeated_share:.1%}; lines may have come twice under other ids",
            form=":.2%",
        ),
        at_most(
            "clock_skew_share", "max_clock_skew_share", "fates", WARNING, "clock_skew_share",
            "{event_date}: {clock_skew_share:.1%} of the kept lines have a client clock more than ten minutes off, "
            "more than the usual {max_clock_skew_share:.1%}",
            form=":.2%",
        ),
    )  # fmt: skip


def _keys() -> tuple[Check, ...]:
    return (
        none_of(
            "n_duplicate_keys", "tables", CRITICAL, "keys_unique",
            "{event_date}: {n_duplicate_keys} of the {n_rows} rows of {subject} repeat a key",
        ),
        none_of(
            "n_null_keys", "tables", CRITICAL, "keys_not_null",
            "{event_date}: {n_null_keys} of the {n_rows} rows of {subject} have a hole in the key",
        ),
    )  # fmt: skip


def _elements() -> tuple[Check, ...]:
    return (
        none_of(
            "n_unknown", "elements", WARNING, "unknown_element",
            "{event_date}: {n_unknown} events on {n_wikis} wiki(s) of the element '{subject}', which vocabulary.csv "
            "lacks; add it with the dates it is measured",
            users=("n_unknown",),
        ),
    )  # fmt: skip


def _reconciliation() -> tuple[Check, ...]:
    return (
        equal(
            "n_loads_user_days", "n_loads_events", "loads", "loads_user_days",
            "{subject} {event_date}: {n_loads_events} loads in events but {n_loads_user_days} in user_days",
        ),
        equal(
            "n_loads_baseline", "n_loads_events", "loads", "loads_baseline",
            "{subject} {event_date}: {n_loads_events} loads in events but {n_loads_baseline} in baseline_daily",
        ),
        equal(
            "n_review_clicks_baseline", "n_review_clicks_user_days", "loads", "review_clicks_baseline",
            "{subject} {event_date}: {n_review_clicks_user_days} review clicks in user_days but "
            "{n_review_clicks_baseline} in baseline_daily",
        ),
        none_of(
            "n_differing", "links", CRITICAL, "link_sums",
            "{subject} {event_date}: engagement_daily differs from the users' and sessions' days in {differing}",
        ),
        equal(
            "n_impressions", "n_impressions_events", "links", "link_impressions_events",
            "{subject} {event_date}: {n_impressions_events} impressions in events but {n_impressions} in "
            "engagement_daily",
            nullable=True,
        ),
        equal(
            "n_clicks", "n_clicks_events", "links", "link_clicks_events",
            "{subject} {event_date}: {n_clicks_events} clicks in events but {n_clicks} in engagement_daily",
            nullable=True,
        ),
    )  # fmt: skip


def _sampling() -> tuple[Check, ...]:
    def verdict(value: str, severity: str, check_id: str, message: str) -> Check:
        return Check(
            check_id, "sampling", severity, "ExpectColumnValuesToNotBeInSet",
            {"column": "verdict", "value_set": [value]}, message, "{verdict}", "as declared",
        )  # fmt: skip

    return (
        verdict(
            "higher than declared", CRITICAL, "sampling_rate_higher",
            "{subject} {event_date}: pageviews carry ids that the declared rate could not have kept; the true rate is "
            "higher than declared, so sampling_policy.csv is wrong",
        ),
        verdict(
            "lower than declared", WARNING, "sampling_rate_lower",
            "{subject} {event_date}: the ids show a rate lower than declared, likely {likely}; totals of the day are "
            "too low until sampling_policy.csv says so",
        ),
        at_least(
            "ks_p_value", "min_ks_p_value", "sampling", WARNING, "sampling_uniform",
            "{subject} {event_date}: the hash fractions of the units are not spread evenly below the rate "
            "(Kolmogorov-Smirnov p = {ks_p_value:.1e})",
            form=":.1e", nullable=True,
        ),
    )  # fmt: skip
