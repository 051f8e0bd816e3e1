from __future__ import annotations

from datetime import date

import pytest
from gate_cases import profiles_of
from test_facts_gate import CLEAN

from expectations.facts import facts_suite
from expectations.gate import run_gate
from expectations.marts import marts_suite
from expectations.thresholds import load_thresholds
from jobs.contracts import table
from jobs.errors import EXIT_GATE, UsageError


def test_clean_facts_pass_and_rows_follow_the_contract() -> None:
    result = run_gate("facts", profiles_of(CLEAN, []), load_thresholds())
    assert result.passed
    assert (result.failed, result.warned) == ([], [])
    assert [*result.rows.columns, "run_id", "attempt"] == list(table("data_quality_metrics").columns)
    assert not result.rows.duplicated(["event_date", "gate", "check_id", "subject"]).any()
    assert not result.rows.isna().any(axis=None)


def test_warnings_do_not_stop_a_run() -> None:
    profiles = profiles_of(CLEAN, [("fates", {"n_missing_hours": 1, "missing_hours": "5"})])
    result = run_gate("facts", profiles, load_thresholds())
    assert result.passed
    assert len(result.warned) == 1


def test_a_missing_profile_fails_each_of_its_checks_even_warnings() -> None:
    profiles = profiles_of(CLEAN, [])
    del profiles["sampling"]
    result = run_gate("facts", profiles, load_thresholds(), days=[date(2026, 3, 25)])
    failures = result.rows[~result.rows["success"]]
    assert set(failures["check_id"]) == {"sampling_rate_higher", "sampling_rate_lower", "sampling_uniform"}
    assert set(failures["event_date"]) == {date(2026, 3, 25)}
    assert len(result.failed) == 3
    assert "the profile 'sampling' is missing" in result.failed[0]


def test_a_missing_column_fails() -> None:
    profiles = profiles_of(CLEAN, [])
    profiles["loads"] = profiles["loads"].drop(columns="n_loads_baseline")
    result = run_gate("facts", profiles, load_thresholds())
    assert result.rows[~result.rows["success"]]["check_id"].tolist() == ["loads_baseline"]
    assert "no column n_loads_baseline" in result.failed[0]


def test_an_expectation_that_raises_fails() -> None:
    profiles = profiles_of(CLEAN, [])
    profiles["tables"]["n_null_keys"] = "many"
    result = run_gate("facts", profiles, load_thresholds())
    assert result.rows[~result.rows["success"]]["check_id"].tolist() == ["keys_not_null"]
    assert "could not be made" in result.failed[0]


def test_a_null_where_a_number_must_be_fails() -> None:
    result = run_gate("facts", profiles_of(CLEAN, [("loads", {"n_loads_user_days": None})]), load_thresholds())
    assert result.rows[~result.rows["success"]]["check_id"].tolist() == ["loads_user_days"]


def test_a_profile_without_rows_has_nothing_to_fail() -> None:
    profiles = profiles_of(CLEAN, [])
    profiles["elements"] = profiles["elements"].iloc[:0]
    result = run_gate("facts", profiles, load_thresholds())
    assert result.passed
    assert "unknown_element" not in set(result.rows["check_id"])


def test_a_row_is_judged_by_the_thresholds_of_its_day(tmp_path) -> None:
    file = tmp_path / "thresholds.toml"
    file.write_text(
        """
        [[thresholds]]
        valid_from = 2026-01-01
        max_quarantine_share = 0.05
        max_duplicate_share = 0.5
        max_clock_skew_share = 0.5
        max_missing_hours = 24
        min_ks_p_value = 0
        [[thresholds]]
        valid_from = 2026-03-22
        max_quarantine_share = 0.5
        """,
        encoding="utf-8",
    )
    changes = [("fates", {"quarantine_share": 0.3}), ("fates", {"quarantine_share": 0.3})]  # the 21st and the 22nd
    result = run_gate("facts", profiles_of(CLEAN, changes), load_thresholds(file))
    assert result.rows[~result.rows["success"]]["event_date"].tolist() == [date(2026, 3, 21)]


def test_the_error_names_the_first_failures_and_counts_the_rest() -> None:
    profiles = profiles_of(CLEAN, [("fates", {"n_read": 400 + n}) for n in range(5)])
    error = run_gate("facts", profiles, load_thresholds()).error(shown=2)
    assert error.exit_code == EXIT_GATE
    assert "400 lines read but 312 accounted for" in str(error)
    assert "and 3 more" in str(error)


def test_a_gate_is_quiet(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    with caplog.at_level("INFO"):
        run_gate("facts", profiles_of(CLEAN, []), load_thresholds())
    assert caplog.messages == []
    assert capfd.readouterr() == ("", "")


def test_data_docs_are_written_on_request(tmp_path) -> None:
    result = run_gate("facts", profiles_of(CLEAN, []), load_thresholds(), docs_dir=tmp_path / "docs")
    assert result.passed
    assert "facts.fates" in (tmp_path / "docs" / "index.html").read_text(encoding="utf-8")


def test_an_unknown_gate_is_named() -> None:
    with pytest.raises(UsageError, match="no gate 'raw2'"):
        run_gate("raw2", {}, load_thresholds())


def test_check_ids_are_unique() -> None:
    ids = [check.id for check in (*facts_suite(), *marts_suite())]
    assert len(ids) == len(set(ids))
