"""Each check on what a run would change passes a clean row and fails a wrong one, by Great Expectations."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from expectations.checks import CRITICAL, WARNING, Check
from expectations.marts_changes import change_checks
from expectations.thresholds import load_thresholds
from jobs.resources import shipped

D = date(2026, 3, 28)
CLEAN: dict[str, dict[str, Any]] = {
    "published": {
        "subject": "fct_baseline_daily", "n_published": 90, "n_missing": 0, "n_new": 0, "n_changed": 0, "n_rehidden": 0,
        "n_differing": 0, "eg_differing": "", "eg_rehidden": "",
    },
    "recomputed": {
        "subject": "reviewers", "n_same_days": 12, "n_unexplained": 0, "n_explained": 4, "eg_unexplained": "",
    },
    "keys": {
        "subject": "reviewers", "before": "2026-03-27", "n_keys": 8, "n_missing": 0, "n_missing_unlisted": 0,
        "eg_missing": "", "eg_missing_unlisted": "",
    },
    "statuses": {
        "subject": "trwiki / links / rolling 7", "n_rows": 20, "publish_before": 0.8, "publish_now": 0.5,
        "not_measured_before": 0.0, "not_measured_now": 0.3, "publish_fall": 0.3, "not_measured_rise": 0.3,
    },
    "freshness": {
        "subject": "fct_metric_values", "newest_built": "2026-03-28", "newest_published": "2026-03-27",
        "newest_ingested": "2026-03-28", "n_days_older": 0, "n_days_behind": 0,
    },
}  # fmt: skip

CASES: list[tuple[str, str, dict[str, Any], str]] = [
    (
        "published_rows_unchanged", CRITICAL, {"n_differing": 3, "n_missing": 1, "n_changed": 2, "eg_differing": "x"},
        "fct_baseline_daily: of 90 published rows of days that the run did not touch 1 are gone and 2 differ, and 0 "
        "are new, for example x",
    ),
    (
        "published_rows_hidden_alike", WARNING, {"n_rehidden": 5, "eg_rehidden": "x"},
        "fct_baseline_daily: 5 of 90 published rows of days that the run did not touch were hidden and are shown, or "
        "the other way round, for example x",
    ),
    (
        "recomputed_rows_unchanged", WARNING, {"n_unexplained": 2, "eg_unexplained": "x"},
        "reviewers, to 2026-03-28: 2 published rows were computed again and differ (12 were compared) although no day "
        "of their windows changed, for example x",
    ),
    (
        "keys_still_there", CRITICAL, {"n_missing": 1, "eg_missing": "x"},
        "reviewers, to 2026-03-28: 1 of 8 keys that had a row on 2026-03-27 have none, for example x",
    ),
    (
        "unlisted_keys_still_there", WARNING, {"n_missing_unlisted": 1, "eg_missing_unlisted": "x"},
        "reviewers, to 2026-03-28: 1 keys of links outside the vocabulary that had a row on 2026-03-27 have none, for "
        "example x",
    ),
    (
        "publish_share_steady", WARNING, {"publish_fall": 0.35, "publish_now": 0.45},
        "trwiki / links / rolling 7, to 2026-03-28: 45% of 20 rows have status publish, a week before it was 80%",
    ),
    (
        "not_measured_share_steady", WARNING, {"not_measured_rise": 0.35, "not_measured_now": 0.35},
        "trwiki / links / rolling 7, to 2026-03-28: 35% of 20 rows are not_measured, a week before it was 0%",
    ),
    (
        "marts_not_older", CRITICAL, {"n_days_older": 2, "newest_built": "2026-03-25"},
        "fct_metric_values: its newest date would be 2026-03-25, but 2026-03-27 is published",
    ),
    (
        "marts_not_behind", CRITICAL, {"n_days_behind": 1, "newest_built": "2026-03-27"},
        "fct_metric_values: its newest date is 2026-03-27, but 2026-03-28 was ingested",
    ),
]  # fmt: skip
CHECKS: dict[str, Check] = {check.id: check for check in change_checks()}


@pytest.fixture(scope="module")
def failing_rows() -> Callable[[Check, pd.DataFrame], list[int]]:
    """A function that has Great Expectations name the rows of a profile that fail a check."""
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    import great_expectations as gx

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    batches = context.data_sources.add_pandas("changes").add_dataframe_asset("profile")
    definition = batches.add_batch_definition_whole_dataframe("all")

    def validate(check: Check, frame: pd.DataFrame) -> list[int]:
        expectation = getattr(gx.expectations, check.expectation)(**check.arguments)
        batch = definition.get_batch({"dataframe": frame})
        return list(batch.validate(expectation, result_format="COMPLETE").result["unexpected_index_list"])

    return validate


def rows_of(profile: str) -> list[dict[str, Any]]:
    clean = {"event_date": D, **CLEAN[profile]}
    return [clean, *({**clean, **change} for check_id, _, change, _ in CASES if CHECKS[check_id].profile == profile)]


@pytest.mark.parametrize("number", range(len(CASES)), ids=[case[0] for case in CASES])
def test_each_check_passes_a_clean_row_and_fails_a_wrong_one(
    failing_rows: Callable[[Check, pd.DataFrame], list[int]], number: int
) -> None:
    check_id, severity, change, message = CASES[number]
    check = CHECKS[check_id]
    rows = rows_of(check.profile)
    wrong = next(index for index, row in enumerate(rows) if change.items() <= row.items())
    frame = load_thresholds().attach(pd.DataFrame(rows))
    assert failing_rows(check, frame) == [wrong]
    assert check.severity == severity
    filled = frame.iloc[wrong].to_dict()
    assert check.message.format_map(filled) == message
    assert check.observed.format_map(filled)
    assert check.expected.format_map(filled)


def test_every_check_has_a_case() -> None:
    assert [case[0] for case in CASES] == list(CHECKS)


def test_a_dated_entry_with_its_reason_lets_a_correction_pass(
    failing_rows: Callable[[Check, pd.DataFrame], list[int]], tmp_path: Path
) -> None:
    entry = '[[thresholds]]\nvalid_from = {}\nreason = "{}"\nmax_published_changes = {}\n'
    meant = entry.format(D, "sessions were counted twice", 90) + entry.format(D + timedelta(days=1), "as before", 0)
    file = tmp_path / "thresholds.toml"
    file.write_text(f"{shipped('thresholds.toml', 'expectations').read_text('utf-8')}\n{meant}", encoding="utf-8")
    days = [{"event_date": D + timedelta(days=n), **CLEAN["published"], "n_differing": 3} for n in (-1, 0, 1)]
    frame = load_thresholds(file).attach(pd.DataFrame(days))
    assert failing_rows(CHECKS["published_rows_unchanged"], frame) == [0, 2]
