from __future__ import annotations

from typing import Any

import pytest
from gate_cases import CLEAN_DAY, case_day, profiles_of
from test_history_checks import CLEAN as PAST

from expectations.gate import GateResult, run_gate
from expectations.history import history_checks
from expectations.raw import RAW_PAST, raw_suite
from expectations.thresholds import load_thresholds

CLEAN: dict[str, dict[str, Any]] = {
    "days": {
        "subject": "day", "n_lines": 312, "n_kept": 300, "n_quarantined": 1, "quarantine_share": 1 / 312,
        "reasons": "malformed_json 1", "n_unreadable": 0, "n_missing_hours": 0, "missing_hours": "",
    },
    "streams": {
        "subject": "product_metrics_web_base", "n_hours": 24, "n_hours_lost": 0, "hours_lost": "", "n_files": 24,
    },
    "wikis": {
        "subject": "idwiki", "visible_from": "2026-03-01", "n_events_due": 300, "refused": "none",
        "n_menu_impressions_early": 0, "n_loads_early": 0,
    },
    **{name: row for name, row in PAST.items() if name in RAW_PAST},
}  # fmt: skip

# check, profile, what is changed, whether it stops the run, words of the message
CASES: list[tuple[str, str, dict[str, Any], bool, str]] = [
    ("quarantine_share", "days", {"quarantine_share": 0.0501}, True, "5.01% of the lines were quarantined"),
    ("missing_hours", "days", {"n_missing_hours": 2, "missing_hours": "3, 4"}, False, "cannot be read: 2 (3, 4)"),
    ("unreadable_files", "days", {"n_unreadable": 1}, False, "{day}: files that cannot be read: 1; nothing"),
    ("stream_hours", "streams", {"n_hours_lost": 1, "hours_lost": "7"}, False, "another stream has one: 1 (7)"),
    (
        "wiki_has_events", "wikis", {"n_events_due": 0, "refused": "no_sampling_policy"}, False,
        "although the dashboard is visible since 2026-03-01; refused lines of the wiki: no_sampling_policy",
    ),
    ("menu_link_before_visible", "wikis", {"n_menu_impressions_early": 15}, True, "idwiki {day}: 15 impressions"),
    ("loads_before_visible", "wikis", {"n_loads_early": 4}, False, "{day}: fewer than 10 loads of the dashboard"),
]  # fmt: skip

HARMLESS: list[tuple[str, dict[str, Any]]] = [
    ("days", {"quarantine_share": 0.05}),
    ("wikis", {"n_events_due": None}),
]


@pytest.fixture(scope="module")
def result() -> GateResult:
    changes = [(profile, change) for _, profile, change, _, _ in CASES] + HARMLESS
    return run_gate("raw", profiles_of(CLEAN, changes), load_thresholds())


@pytest.mark.parametrize("number", range(len(CASES)), ids=[case[0] for case in CASES])
def test_each_check_finds_its_fault_and_only_its_fault(result: GateResult, number: int) -> None:
    check_id, _, _, is_critical, words = CASES[number]
    day = case_day(number)
    (failure,) = [failure for failure in result.failures if failure.day == day]
    assert failure.check_id == check_id
    assert failure.severity == ("critical" if is_critical else "warning")
    assert words.format(day=day) in failure.message
    assert failure.in_words.endswith(f"look: {failure.look}")
    assert "{" not in failure.look


def test_every_check_of_the_suite_has_a_case() -> None:
    past = {check.id for check in history_checks()}  # their cases are in test_history_checks
    assert {case[0] for case in CASES} == {check.id for check in raw_suite()} - past


@pytest.mark.parametrize("number", range(len(HARMLESS)))
def test_limits_are_inclusive_and_what_does_not_apply_passes(result: GateResult, number: int) -> None:
    rows = result.rows[result.rows["event_date"] == case_day(len(CASES) + number)]
    assert len(rows) > 0
    assert rows["success"].all()


def test_a_clean_day_passes_every_check(result: GateResult) -> None:
    rows = result.rows[result.rows["event_date"] == CLEAN_DAY]
    assert rows["success"].all()
    assert sorted(rows["check_id"]) == sorted(check.id for check in raw_suite())
