"""The suite of the marts gate, over the profiles of `jobs.quality.marts_profile`."""

from __future__ import annotations

from expectations.checks import CRITICAL, Check, at_most, equal, none_of

# Rule of `jobs.quality.marts_sql.BROKEN_RULES` -> what is wrong with the rows it counts.
ROW_RULES = {
    "null_keys": "have a hole in the key",
    "interval_broken": "have an interval that is out of order (lower <= estimate <= upper)",
    "not_finite": "hold a number that is not finite",
    "status_unknown": "have a status the contract does not know",
    "refused_with_number": "show an estimate or bounds although their status withholds them",
    "given_without_number": "have the status publish or caution but lack an estimate or a bound",
    "bounds_wrong": "have the status bounds_only but not exactly two bounds and no estimate",
    "no_reason": "are not published and do not say why",
    "not_suppressed": "rest on too few users and are not suppressed",
    "suppressed_with_number": "are suppressed but still show a number",
    "inexact": "are realised and sampled at 100 % but not exact (lower = estimate = upper)",
    "count_not_realised": "are counts but not realised",
    "count_with_denominator": "are counts but have a denominator",
    "negative": "hold a negative number",
    "share_above_one": "are shares above 1",
    "numerator_above_denominator": "are shares whose numerator exceeds the denominator",
    "window_days_wrong": "have window_days that are not as_of_date - metric_date + 1",
    "window_backwards": "have a window that ends before it begins",
    "completeness_wrong": "have an is_complete that the hours in the ingest log contradict",
    "incomplete_published": "have the status publish although an hour of the window is missing",
}


def marts_suite() -> tuple[Check, ...]:
    """Return the checks of the marts gate: keys, rules of a row, wikis, subsets, margins and the wiki `all`."""
    return (*_rows(), *_between_rows())


def _rows() -> tuple[Check, ...]:
    keys = none_of(
        "n_duplicate_keys", "rows", CRITICAL, "metric_key_unique",
        "{subject} {event_date}: {n_duplicate_keys} of {n_rows} metric rows repeat a key",
    )  # fmt: skip
    rules = (
        none_of(
            f"n_{rule}", "rows", CRITICAL, f"metric_{rule}",
            f"{{subject}} {{event_date}}: {{n_{rule}}} of {{n_rows}} metric rows {fault}, for example {{eg_{rule}}}",
        )
        for rule, fault in ROW_RULES.items()
    )  # fmt: skip
    return (keys, *rules)


def _between_rows() -> tuple[Check, ...]:
    return (
        Check(
            "wiki_has_dashboard_rows", "wikis", CRITICAL, "ExpectColumnValuesToBeBetween",
            {"column": "n_dashboard_rows", "min_value": 1, "max_value": 1},
            "{subject} {event_date}: {n_dashboard_rows} one-day rows of dashboard_pageviews although the wiki is "
            "visible",
            "{n_dashboard_rows} rows", "1 row",
        ),
        at_most(
            "part_lower", "whole_upper", "subsets", CRITICAL, "subset_within_superset",
            "{subject}, to {event_date}: at least {part_lower:g} {part} but at most {whole_upper:g} {whole}",
            form=":g",
        ),
        at_most(
            "n_parts", "n_total", "margins", CRITICAL, "margins_within_total",
            "{subject}, to {event_date}: the parts hold {n_parts:g} events but their total only {n_total:g}",
            form=":g",
        ),
        at_most(
            "wikis_sum", "all_wikis", "wiki_all", CRITICAL, "wikis_within_all",
            "{subject}, to {event_date}: the wikis add up to {wikis_sum:g}, more than the {all_wikis:g} of wiki `all`",
            form=":g",
        ),
        equal(
            "all_wikis", "wikis_sum_if_whole", "wiki_all", "wiki_all_is_sum",
            "{subject}, to {event_date}: wiki `all` has {all_wikis:g} but the wikis add up to {wikis_sum:g}",
            nullable=True,
        ),
        Check(
            "marts_not_empty", "rows", CRITICAL, "ExpectTableRowCountToBeBetween", {"min_value": 1},
            "{event_date}: there is not one metric row for the dates of the run", "0 rows", "at least 1 row",
        ),
    )  # fmt: skip
