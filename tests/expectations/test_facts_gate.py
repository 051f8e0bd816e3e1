from __future__ import annotations

from typing import Any

import pytest
from gate_cases import CLEAN_DAY, case_day, profiles_of
from test_history_checks import CLEAN as PAST

from expectations.facts import facts_suite
from expectations.gate import GateResult, run_gate
from expectations.history import history_checks
from expectations.raw import RAW_PAST
from expectations.thresholds import load_thresholds

CLEAN: dict[str, dict[str, Any]] = {
    "tables": {"subject": "events", "n_rows": 310, "n_keys": 310, "n_duplicate_keys": 0, "n_null_keys": 0},
    "fates": {
        "subject": "day", "n_read": 312, "n_accounted": 312, "n_kept_logged": 300, "n_kept_stored": 300,
        "n_duplicate_logged": 2, "n_duplicate_stored": 2, "n_quarantined_logged": 1, "n_quarantined_stored": 1,
        "n_out_of_scope_logged": 9, "duplicate_share": 2 / 302, "n_loads": 40, "repeated_share": 0.0,
        "clock_skew_share": 0.0,
    },
    "loads": {
        "subject": "idwiki", "n_loads_events": 40, "n_loads_user_days": 40, "n_loads_baseline": 40,
        "n_review_clicks_user_days": 7, "n_review_clicks_baseline": 7,
    },
    "links": {
        "subject": "idwiki / health / diff link", "n_differing": 0, "differing": "", "n_impressions": 12,
        "n_impressions_events": 12, "n_clicks": 3, "n_clicks_events": 3,
    },
    "elements": {"subject": "diff link", "n_events": 15, "n_wikis": 1, "n_unknown": 0},
    **{name: row for name, row in PAST.items() if name not in RAW_PAST},
    "sampling": {
        "subject": "idwiki / health / pageview at 0.1", "verdict": "as declared", "n_ids": 900, "likely": "0.1",
        "n_impossible_pageviews": 0, "ks_p_value": 0.4,
    },
}  # fmt: skip

# check, profile, what is changed, whether it stops the run, words of the message
CASES: list[tuple[str, str, dict[str, Any], bool, str]] = [
    ("fates_add_up", "fates", {"n_accounted": 310}, True, "312 lines read but 310 accounted for"),
    ("kept_rows_as_logged", "fates", {"n_kept_stored": 299}, True, "events holds 299 rows but the ingest log"),
    ("duplicate_rows_as_logged", "fates", {"n_duplicate_stored": 3}, True, "duplicates holds 3 rows"),
    ("quarantined_rows_as_logged", "fates", {"n_quarantined_stored": 0}, True, "quarantine holds 0 rows"),
    ("duplicate_share", "fates", {"duplicate_share": 0.3}, False, "30.0% of the accepted lines were duplicates"),
    ("loads_repeated", "fates", {"repeated_share": 0.3}, True, "30.0% of the 40 kept loads are of a page view"),
    ("clock_skew_share", "fates", {"clock_skew_share": 0.2}, False, "20.0% of the kept lines have a client clock"),
    ("keys_unique", "tables", {"n_duplicate_keys": 2}, True, "2 of the 310 rows of events repeat a key"),
    ("keys_not_null", "tables", {"n_null_keys": 1}, True, "1 of the 310 rows of events have a hole"),
    ("unknown_element", "elements", {"subject": "new link", "n_unknown": 15}, False, "the element 'new link'"),
    ("loads_user_days", "loads", {"n_loads_user_days": 39}, True, "40 loads in events but 39 in user_days"),
    ("loads_baseline", "loads", {"n_loads_baseline": 41}, True, "40 loads in events but 41 in baseline_daily"),
    ("review_clicks_baseline", "loads", {"n_review_clicks_baseline": 6}, True, "7 review clicks in user_days but 6"),
    ("link_sums", "links", {"n_differing": 1, "differing": "n_shown 12 against 11"}, True, "n_shown 12 against 11"),
    ("link_impressions_events", "links", {"n_impressions_events": 13}, True, "13 impressions in events but 12"),
    ("link_clicks_events", "links", {"n_clicks_events": 4}, True, "4 clicks in events but 3 in engagement_daily"),
    ("sampling_rate_higher", "sampling", {"verdict": "higher than declared", "n_impossible_pageviews": 6}, True, "ids"),
    ("sampling_rate_lower", "sampling", {"verdict": "lower than declared", "likely": "0.05"}, False, "likely 0.05"),
    ("sampling_uniform", "sampling", {"ks_p_value": 9e-7}, False, "Kolmogorov-Smirnov p = 9.0e-07"),
]  # fmt: skip

# Right at the limit, or saying "does not apply": these must pass.
HARMLESS: list[tuple[str, dict[str, Any]]] = [
    ("fates", {"duplicate_share": 0.05}),
    ("fates", {"repeated_share": 0.2}),
    ("fates", {"n_read": None, "n_accounted": 310}),
    ("links", {"n_impressions_events": None, "n_clicks_events": None}),
    ("sampling", {"verdict": "too few ids", "ks_p_value": None}),
    ("sampling", {"ks_p_value": 1e-6}),
]


@pytest.fixture(scope="module")
def result() -> GateResult:
    changes = [(profile, change) for _, profile, change, _, _ in CASES] + HARMLESS
    return run_gate("facts", profiles_of(CLEAN, changes), load_thresholds())


@pytest.mark.parametrize("number", range(len(CASES)), ids=[case[0] for case in CASES])
def test_each_check_finds_its_fault_and_only_its_fault(result: GateResult, number: int) -> None:
    check_id, _, _, is_critical, words = CASES[number]
    day = case_day(number)
    failures = result.rows[(result.rows["event_date"] == day) & ~result.rows["success"]]
    assert failures["check_id"].tolist() == [check_id]
    row = failures.iloc[0]
    assert row["severity"] == ("critical" if is_critical else "warning")
    assert words.format(day=day) in row["message"]
    assert row["message"] in (result.failed if is_critical else result.warned)


def test_every_check_of_the_suite_has_a_case() -> None:
    past = {check.id for check in history_checks()}  # their cases are in test_history_checks
    assert {case[0] for case in CASES} == {check.id for check in facts_suite()} - past


@pytest.mark.parametrize("number", range(len(HARMLESS)))
def test_limits_are_inclusive_and_what_does_not_apply_passes(result: GateResult, number: int) -> None:
    rows = result.rows[result.rows["event_date"] == case_day(len(CASES) + number)]
    assert len(rows) > 0
    assert rows["success"].all()


def test_a_clean_day_has_one_passed_row_per_check(result: GateResult) -> None:
    rows = result.rows[result.rows["event_date"] == CLEAN_DAY]
    assert rows["success"].all()
    assert sorted(rows["check_id"]) == sorted(check.id for check in facts_suite())
    assert set(rows["subject"]) == {"all"}
    assert set(rows["observed"]) == {"1 checked"}


def test_a_failing_row_says_what_was_seen_and_what_was_expected(result: GateResult) -> None:
    failures = result.rows[~result.rows["success"]].set_index("check_id")
    assert failures.loc["fates_add_up", ["observed", "expected"]].tolist() == ["310", "312"]
    assert failures.loc["duplicate_share", ["observed", "expected"]].tolist() == ["30.00%", "at most 5.00%"]
