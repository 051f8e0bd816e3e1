"""The suite of the marts gate, over the profiles of `jobs.quality.marts_profile`.

It asks what takes several rows or tables to see. What is wrong with a row by itself is a data test of dbt.
"""

from __future__ import annotations

from expectations.checks import CRITICAL, Check, at_most, equal, none_of
from expectations.marts_changes import change_checks


def marts_suite() -> tuple[Check, ...]:
    """Return the checks of the marts gate: completeness, sums, and what a run would change."""
    return (*_completeness(), *_sums(), *change_checks())


def _completeness() -> tuple[Check, ...]:
    return (
        Check(
            "marts_not_empty", "rows", CRITICAL, "ExpectTableRowCountToBeBetween", {"min_value": 1},
            "{event_date}: there is not one metric row for the dates of the run", "0 rows", "at least 1 row",
        ),
        none_of(
            "n_completeness_wrong", "rows", CRITICAL, "metric_completeness_wrong",
            "{subject} {event_date}: {n_completeness_wrong} of {n_rows} metric rows have an is_complete that the hours "
            "in the ingest log contradict, for example {eg_completeness_wrong}",
        ),
        Check(
            "wiki_has_dashboard_rows", "wikis", CRITICAL, "ExpectColumnValuesToBeBetween",
            {"column": "n_rows", "min_value": 1, "max_value": 1},
            "{wiki_db} {event_date}: {n_rows} rows of {metric} over {window_days} days although the wiki was visible "
            "on all of them",
            "{n_rows} rows", "1 row",
        ),
    )  # fmt: skip


def _sums() -> tuple[Check, ...]:
    return (
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
    )  # fmt: skip
