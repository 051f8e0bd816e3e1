from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from gate_cases import CLEAN_DAY, case_day, profiles_of
from test_change_checks import CLEAN as CHANGES

from expectations.gate import GateResult, run_gate
from expectations.marts import marts_suite
from expectations.marts_changes import change_checks
from expectations.thresholds import load_thresholds

CLEAN: dict[str, dict[str, Any]] = {
    "rows": {"subject": "trwiki", "n_rows": 90, "n_completeness_wrong": 0, "eg_completeness_wrong": ""},
    "wikis": {
        "subject": "trwiki / dashboard_pageviews / 7 days", "wiki_db": "trwiki", "metric": "dashboard_pageviews",
        "window_days": 7, "n_rows": 1,
    },
    "subsets": {
        "subject": "trwiki / reviewers in dashboard_visitors", "part": "reviewers", "whole": "dashboard_visitors",
        "part_lower": 4.0, "whole_upper": 4.0,
    },
    "margins": {"subject": "trwiki / link_clicks by buckets", "n_parts": 7.0, "n_total": 7.0},
    **CHANGES,
    "wiki_all": {"subject": "link_clicks", "all_wikis": 9.0, "wikis_sum": 9.0, "wikis_sum_if_whole": 9.0},
}  # fmt: skip

CASES: list[tuple[list[str], str, dict[str, Any], str]] = [
    (
        ["metric_completeness_wrong"], "rows", {"n_completeness_wrong": 2, "eg_completeness_wrong": "reviewers"},
        "2 of 90 metric rows have an is_complete that the hours in the ingest log contradict, for example reviewers",
    ),
    (["wiki_has_dashboard_rows"], "wikis", {"n_rows": 0}, "trwiki {day}: 0 rows of dashboard_pageviews over 7 days"),
    (["wiki_has_dashboard_rows"], "wikis", {"n_rows": 2}, "trwiki {day}: 2 rows of dashboard_pageviews over 7 days"),
    (["subset_within_superset"], "subsets", {"part_lower": 5.0}, "at least 5 reviewers but at most 4 dashboard_v"),
    (["margins_within_total"], "margins", {"n_parts": 8.0}, "the parts hold 8 events but their total only 7"),
    (
        ["wiki_all_is_sum", "wikis_within_all"], "wiki_all", {"wikis_sum": 10.0, "wikis_sum_if_whole": 10.0},
        "the wikis add up to 10",
    ),
    (["wiki_all_is_sum"], "wiki_all", {"wikis_sum": 8.0, "wikis_sum_if_whole": 8.0}, "has 9 but the wikis add up to 8"),
]  # fmt: skip

HARMLESS: list[tuple[str, dict[str, Any]]] = [
    ("wiki_all", {"wikis_sum": 3.0, "wikis_sum_if_whole": None}),  # a wiki is suppressed
    ("margins", {"n_parts": 2.0}),  # so are buckets
]


@pytest.fixture(scope="module")
def result() -> GateResult:
    changes = [(profile, change) for _, profile, change, _ in CASES] + HARMLESS
    return run_gate("marts", profiles_of(CLEAN, changes), load_thresholds())


@pytest.mark.parametrize("number", range(len(CASES)), ids=[case[0][0] for case in CASES])
def test_each_check_finds_its_fault_and_only_its_fault(result: GateResult, number: int) -> None:
    check_ids, _, _, words = CASES[number]
    day = case_day(number)
    failures = result.rows[(result.rows["event_date"] == day) & ~result.rows["success"]]
    assert failures["check_id"].tolist() == check_ids
    assert set(failures["severity"]) == {"critical"}
    assert any(words.format(day=day) in message for message in failures["message"])


@pytest.mark.parametrize("number", range(len(HARMLESS)))
def test_gaps_left_by_suppression_pass(result: GateResult, number: int) -> None:
    rows = result.rows[result.rows["event_date"] == case_day(len(CASES) + number)]
    assert len(rows) > 0
    assert rows["success"].all()


def test_every_check_of_the_suite_has_a_case(result: GateResult) -> None:
    changes = {check.id for check in change_checks()}  # their cases are in test_change_checks
    untested = {check.id for check in marts_suite()} - changes - {check_id for case in CASES for check_id in case[0]}
    assert untested == {"marts_not_empty"}  # about the whole table: the next test
    assert result.rows[result.rows["event_date"] == CLEAN_DAY]["success"].all()


def test_marts_without_a_row_fail() -> None:
    profiles = {name: frame.iloc[:0] for name, frame in profiles_of(CLEAN, []).items()}
    result = run_gate("marts", profiles, load_thresholds(), days=[CLEAN_DAY])
    assert result.failed == [f"{CLEAN_DAY}: there is not one metric row for the dates of the run"]
    assert isinstance(result.rows, pd.DataFrame)
