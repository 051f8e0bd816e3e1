from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from gate_cases import CLEAN_DAY, case_day, profiles_of

from expectations.audience import audience_suite
from expectations.gate import GateResult, run_gate
from expectations.thresholds import load_thresholds

CLEAN: dict[str, dict[str, Any]] = {
    "dumps": {
        "subject": "trwiki/2026-02", "n_logged": 5000.0, "n_read": 5000.0, "n_kept": 400.0, "n_counted": 400.0,
        "n_malformed": 1.0, "malformed_share": 0.0002, "max_malformed_share": 0.001,
        "inside_share": 0.0002, "seen_inside": 0.001,
        "first": "2026-02/trwiki/2026-02.trwiki.2026.tsv.bz2, line 17 (malformed:event_user_id)",
    },
    "ends": {
        "subject": "enwiki", "file": "2026-02/enwiki/2026-02.enwiki.2026-02.tsv.bz2", "last_event": date(2026, 2, 20),
        "last_whole": date(2026, 2, 19),
        "until": date(2026, 2, 28), "n_silent": 8, "n_due": 0.0, "least_unlikely": 20.0,
    },
    "quiet": {"subject": "all", "n_wikis": 0, "wikis": "", "asked_from": date(2026, 2, 1)},
    "begins": {"subject": "all", "n_wikis": 0, "wikis": "", "asked_from": date(2026, 1, 4)},
    "keys": {"subject": "audience", "n_rows": 4, "n_repeated": 0},
    "cells": {
        "subject": "trwiki", "n_cells": 4, **{f"n_{name}": 0 for name in
        ("impossible", "differing", "hiding_wrong", "incomplete")}, **{f"eg_{name}": "100-500 over 28 days" for name in
        ("impossible", "differing", "hiding_wrong", "incomplete")},
    },
    "nested": {
        "subject": "trwiki", "part": "100-300 over 28 days", "whole": "100-500 over 28 days", "n_part": 70.0,
        "n_whole": 70.0,
    },
    "past": {
        "subject": "trwiki", "band": "100-500", "window_days": 28, "n_editors": 130.0, "n_before": 100.0,
        "before": date(2026, 1, 31), "change": 0.3,
    },
    "wikis": {"subject": "trwiki", "n_editors": 1.0},
}  # fmt: skip

# check, profile, what is changed, whether it stops the run, words of the message
CASES: list[tuple[str, str, dict[str, Any], bool, str]] = [
    ("audience_rows_as_logged", "dumps", {"n_read": 5001.0}, True, "trwiki/2026-02: 5001 rows read but 5000 in"),
    ("audience_revisions_counted", "dumps", {"n_counted": 399.0}, True, "400 revisions kept but editors counted of 3"),
    (
        "audience_malformed_share", "dumps", {"malformed_share": 0.0011, "n_malformed": 6.0}, True,
        "0.11% of the rows cannot be read or are of another wiki (6 in all; at most 0.10% may be); the first: "
        "2026-02/trwiki/2026-02.trwiki.2026.tsv.bz2, line 17 (malformed:event_user_id)",
    ),
    (
        "audience_malformed_inside", "dumps", {"inside_share": 0.0012}, False,
        "0.12% of the revisions in the windows cannot be read",
    ),
    (
        "audience_dump_ends_early", "ends", {"n_due": 6321.4}, True,
        "enwiki: the last event of 2026-02/enwiki/2026-02.enwiki.2026-02.tsv.bz2 is of 2026-02-20, but some 6,321 more "
        "were due until 2026-02-28; fetch it again, or count as of 2026-02-19, the last day that is surely whole",
    ),
    (
        "audience_dump_quiet", "quiet", {"n_wikis": 1200, "wikis": "aawiki (2026-02-27)"}, False,
        "No event on the last days up to {day}, which may be chance, since their last one: aawiki (2026-02-27)",
    ),
    (
        "audience_dump_begins_late", "begins", {"n_wikis": 1, "wikis": "trwiki (2026-02-01)"}, False,
        "Windows begin on 2026-01-04, but dumps have hardly any event before a later day: trwiki (2026-02-01)",
    ),
    ("audience_keys_unique", "keys", {"n_repeated": 2}, True, "{day}: 2 of the 4 rows of audience repeat a key"),
    ("audience_counts_possible", "cells", {"n_impossible": 1}, True, "trwiki {day}: 1 of 4 cells have a count below"),
    ("audience_values_as_counted", "cells", {"n_differing": 1}, True, "for example 100-500 over 28 days"),
    ("audience_few_hidden", "cells", {"n_hiding_wrong": 1}, True, "1 of 4 cells show few editors or hide many"),
    ("audience_rows_complete", "cells", {"n_incomplete": 1}, True, "1 of 4 cells lack their count, metric value or an"),
    (
        "audience_nested", "nested", {"n_part": 71.0}, True,
        "trwiki {day}: 71 editors (100-300 over 28 days) among 70 (100-500 over 28 days)",
    ),
    (
        "audience_moved", "past", {"change": 0.31, "n_editors": 131.0}, False,
        "trwiki {day}: 131 editors (100-500 over 28 days) after 100 on 2026-01-31",
    ),
    ("audience_of_nobody", "wikis", {"n_editors": 0.0}, False, "trwiki {day}: nobody is eligible, in no band and"),
]  # fmt: skip

HARDLY_TOO_MANY: dict[str, Any] = {"inside_share": 0.0010039}

HARMLESS: list[tuple[str, dict[str, Any]]] = [
    ("dumps", {"n_read": None, "n_counted": None}),  # nothing was just read
    ("dumps", {"malformed_share": 0.001}),
    ("ends", {"n_due": 19.9}),
]


@pytest.fixture(scope="module")
def result() -> GateResult:
    changes = [(profile, change) for _, profile, change, _, _ in CASES] + HARMLESS
    changes.append(("past", {"change": 0.9, "n_editors": 9.0}))
    changes.append(("dumps", HARDLY_TOO_MANY))
    return run_gate("audience", profiles_of(CLEAN, changes), load_thresholds())


@pytest.mark.parametrize("number", range(len(CASES)), ids=[case[0] for case in CASES])
def test_each_check_finds_its_fault_and_only_its_fault(result: GateResult, number: int) -> None:
    check_id, _, _, is_critical, words = CASES[number]
    day = case_day(number)
    (failure,) = [failure for failure in result.failures if failure.day == day]
    assert failure.check_id == check_id
    assert failure.severity == ("critical" if is_critical else "warning")
    assert words.format(day=day) in failure.message
    assert "{" not in failure.look


def test_every_check_of_the_suite_has_a_case() -> None:
    assert {case[0] for case in CASES} == {check.id for check in audience_suite()}


@pytest.mark.parametrize("number", range(len(HARMLESS)))
def test_limits_are_inclusive_and_what_does_not_apply_passes(result: GateResult, number: int) -> None:
    rows = result.rows[result.rows["event_date"] == case_day(len(CASES) + number)]
    assert len(rows) > 0
    assert rows["success"].all()


def test_few_editors_are_told_to_nobody(result: GateResult) -> None:
    day = case_day(len(CASES) + len(HARMLESS))
    (failure,) = [failure for failure in result.failures if failure.day == day]
    assert failure.message.startswith(f"trwiki {day}: fewer than 10 editors")
    assert failure.observed == "fewer than 10 after 100"


def test_what_was_seen_and_what_is_allowed_never_look_the_same(result: GateResult) -> None:
    day = case_day(len(CASES) + len(HARMLESS) + 1)
    (failure,) = [failure for failure in result.failures if failure.day == day]
    assert (failure.observed, failure.expected) == ("0.1004%", "at most 0.1000%")
    assert failure.message.startswith("trwiki/2026-02: 0.1004% of the revisions")


def test_a_clean_day_passes_every_check(result: GateResult) -> None:
    rows = result.rows[result.rows["event_date"] == CLEAN_DAY]
    assert rows["success"].all()
    assert sorted(rows["check_id"]) == sorted(check.id for check in audience_suite())
