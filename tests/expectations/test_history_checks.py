"""Each check against the past on a literal row that passes and one that fails, through Great Expectations."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from gate_cases import CLEAN_DAY, case_day, profiles_of

from expectations.context import positioned, validate
from expectations.docs import Page
from expectations.history import history_checks
from expectations.thresholds import load_thresholds
from expectations.verdicts import Verdicts
from tests.quality.history_world import World

CLEAN: dict[str, dict[str, Any]] = {
    "volume": {
        "subject": "idwiki", "volume": 310.0, "usual": 300.0, "n_days": 28, "warn_low": 200.0, "warn_high": 400.0,
        "fail_low": 90.0, "fail_high": 510.0,
    },
    "instruments": {
        "subject": "idwiki / health", "n_events": 900.0, "n_others": 4000.0, "n_silent_days": 0, "silent_expected": 0.0,
    },
    "visitors": {
        "subject": "idwiki / health / pageview at 1", "n_visitors": 200.0, "usual": 210.0, "warn_low": 120.0,
        "warn_high": 300.0,
    },
    "trend": {"subject": "idwiki", "level": 1.1, "level_high": 1.2},
    "regimes": {
        "subject": "idwiki / health / pageview at 1", "n_events": 900, "n_undeclared": 0, "declared": "pageview at 1",
    },
    "keys": {"subject": "idwiki / diff link / clicks", "n_events": 20.0, "n_silent_days": 0, "silent_expected": 0.0},
    "elements_usual": {
        "subject": "idwiki / diff link / impressions", "n_events": 250.0, "usual": 240.0, "warn_low": 140.0,
        "warn_high": 340.0,
    },
    "segments": {
        "subject": "idwiki / unknown bucket", "share": 0.02, "usual": 0.02, "most": 0.05, "n_part": 5, "n_whole": 250,
    },
    "hours": {"subject": "hour 13", "n_kept": 120, "usual": 118.0, "fewest": 60.0},
    "shifts": {"subject": "day", "shift": 0, "gain": 0.0, "most": 50.0},
    "usual": {
        "subject": "quarantined: malformed_json", "share": 0.001, "usual": 0.001, "most": 0.021, "n_part": 3,
        "n_whole": 3000,
    },
    "late": {"subject": "2026-03-18", "n_missing_hours": 0, "missing_hours": ""},
}  # fmt: skip

# check, profile, what is changed, whether it stops the run, words of the message
CASES: list[tuple[str, str, dict[str, Any], bool, str]] = [
    ("volume_low_far", "volume", {"volume": 80.0, "warn_low": None}, True, "idwiki {day}: a volume of 80"),
    ("volume_high_far", "volume", {"volume": 600.0, "warn_high": None}, True, "nothing above 510 is published"),
    ("volume_low", "volume", {"volume": 199.0}, False, "less than 200 is out of the band"),
    ("volume_high", "volume", {"volume": 401.0}, False, "a volume of 401 (loads"),
    ("instrument_silent", "instruments", {"silent_expected": 15.1, "n_silent_days": 2}, True, "not one event for 2"),
    ("visitors_low", "visitors", {"n_visitors": 119.0}, False, "119 distinct users where 210 are usual"),
    ("visitors_high", "visitors", {"n_visitors": 301.0}, False, "301 distinct users where 210 are usual"),
    ("trend_low", "trend", {"level": 0.7, "level_high": 0.74}, False, "hold 70% of the same weekdays"),
    ("regime_undeclared", "regimes", {"n_undeclared": 900}, False, "900 kept events carry a unit and rate"),
    ("element_gone", "keys", {"silent_expected": 16.0, "n_silent_days": 1}, False, "none for 1 day(s)"),
    ("element_low", "elements_usual", {"n_events": 139.0}, False, "a part of the link may have broken"),
    ("element_high", "elements_usual", {"n_events": 341.0}, False, "may be reported twice"),
    ("null_share_high", "segments", {"share": 0.06}, False, "6.0% of the impressions"),
    ("hour_low", "hours", {"n_kept": 59}, False, "{day}, hour 13: its files arrived but hold 59"),
    ("hours_shifted", "shifts", {"shift": -5, "gain": 80.0}, False, "moved by -5 hours"),
    ("line_share_high", "usual", {"share": 0.03}, False, "3.0% of the lines"),
    ("hours_still_missing", "late", {"n_missing_hours": 2, "missing_hours": "3, 4"}, False, "missing on {day}: 2 (3"),
]  # fmt: skip

# Right at the limit, or saying "does not apply".
HARMLESS: list[tuple[str, dict[str, Any]]] = [
    ("volume", {"volume": 0.0, "warn_low": None, "warn_high": None, "fail_low": None, "fail_high": None}),
    ("volume", {"volume": 200.0}),
    ("instruments", {"silent_expected": None}),
    ("instruments", {"silent_expected": 15.0}),
    ("trend", {"level_high": 0.75}),
    ("elements_usual", {"n_events": 140.0}),
]  # fmt: skip


def judge(profiles: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows of the checks on some profiles, as a gate would give them."""
    thresholds = load_thresholds()
    frames = positioned({name: thresholds.attach(frame) for name, frame in profiles.items()})
    verdicts = Verdicts(history_checks(), frames, CLEAN_DAY)
    validate("past", verdicts, Page("audit", "", ""), None)
    return verdicts.records


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    changes = [(profile, change) for _, profile, change, _, _ in CASES] + HARMLESS
    return judge(profiles_of(CLEAN, changes))


@pytest.mark.parametrize("number", range(len(CASES)), ids=[case[0] for case in CASES])
def test_each_check_finds_its_fault_and_only_its_fault(rows: list[dict[str, Any]], number: int) -> None:
    check_id, _, _, is_critical, words = CASES[number]
    day = case_day(number)
    (row,) = [row for row in rows if row["event_date"] == day and not row["success"]]
    assert row["check_id"] == check_id
    assert row["severity"] == ("critical" if is_critical else "warning")
    assert words.format(day=day) in row["message"]


def test_every_check_has_a_case() -> None:
    assert {case[0] for case in CASES} == {check.id for check in history_checks()}


@pytest.mark.parametrize("number", range(len(HARMLESS)))
def test_limits_are_inclusive_and_what_does_not_apply_passes(rows: list[dict[str, Any]], number: int) -> None:
    day: date = case_day(len(CASES) + number)
    assert [row["check_id"] for row in rows if row["event_date"] == day and not row["success"]] == []


def test_a_clean_day_passes_every_check(rows: list[dict[str, Any]]) -> None:
    passed = [row["check_id"] for row in rows if row["event_date"] == CLEAN_DAY and row["success"]]
    assert sorted(passed) == sorted(check.id for check in history_checks())


def test_profiles_of_a_first_day_are_checkable_and_say_nothing() -> None:
    """No history: frames are empty or null, and no check complains of a missing column."""
    world = World(n_days=2)
    assert [row for row in judge(world.frames([0])) if not row["success"]] == []


def test_the_columns_of_the_profiles_are_the_checks() -> None:
    profiles = World(n_days=40, seed=3).frames([38, 39])
    lacking = {
        (check.id, column)
        for check in history_checks()
        for column in check.columns
        if column not in profiles[check.profile] and column not in load_thresholds().on(CLEAN_DAY)
    }
    assert lacking == set()
    assert [row["message"] for row in judge(profiles) if not row["success"]] == []
