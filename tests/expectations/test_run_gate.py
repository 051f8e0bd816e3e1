from __future__ import annotations

import re
import shutil
from datetime import date
from pathlib import Path

import pytest
from gate_cases import profiles_of
from test_facts_gate import CLEAN

from expectations.about import ABOUT, ANALYSTS, ENGINEERS, INSTRUMENT
from expectations.facts import facts_suite
from expectations.gate import SUITES, run_gate, suite_of
from expectations.marts import marts_suite
from expectations.raw import raw_suite
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
    profiles = profiles_of(CLEAN, [("fates", {"duplicate_share": 0.2})])
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
        max_quarantine_share = 0.5
        max_duplicate_share = 0.05
        max_clock_skew_share = 0.5
        max_missing_hours = 24
        min_ks_p_value = 0
        max_published_changes = 0
        max_missing_keys = 0
        max_publish_fall = 0.3
        max_not_measured_rise = 0.3
        [[thresholds]]
        valid_from = 2026-03-22
        max_duplicate_share = 0.5
        """,
        encoding="utf-8",
    )
    changes = [("fates", {"duplicate_share": 0.3}), ("fates", {"duplicate_share": 0.3})]  # the 21st and the 22nd
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


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site after a validation that passed and one that did not."""
    directory = tmp_path_factory.mktemp("docs")
    bad = profiles_of(CLEAN, [("fates", {"n_read": 400})])
    for run, profiles in (("run_good", profiles_of(CLEAN, [])), ("run_bad", bad)):
        run_gate("facts", profiles, load_thresholds(), days=[date(2026, 3, 20)], run=run, docs_dir=directory)
    return directory


def test_data_docs_need_no_network(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) >= 4  # the index, the suite, and two validations
    for page in pages:
        text = page.read_text(encoding="utf-8")
        named = re.findall(r"<(?:script|link|img)[^>]*\s(?:src|href)=\"([^\"]+)\"", text)
        assert [url for url in named if url.startswith(("http:", "https:", "//"))] == [], page
        assert [url for url in named if not (page.parent / url.partition("?")[0]).exists()] == [], page
    style = (site / "static/vendor/css/all.min.css").read_text(encoding="utf-8")
    fonts = set(re.findall(r"\.\./webfonts/([\w.-]+woff2)", style))
    assert fonts
    assert all((site / "static/vendor/webfonts" / font).exists() for font in fonts)


def test_the_index_lists_every_validation_the_newest_first(site: Path) -> None:
    index = (site / "index.html").read_text(encoding="utf-8")
    assert index.index("run_bad") < index.index("run_good")
    assert "400 lines read but 312 accounted for" in index
    for page in re.findall(r'<a href="([^"]+)"', index):
        assert "fates_add_up" in (site / page).read_text(encoding="utf-8"), "the checks of the gate are on its page"


def test_the_oldest_pages_go(site: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    copy = tmp_path / "docs"
    shutil.copytree(site, copy)
    monkeypatch.setattr("expectations.docs.PAGES_KEPT", 1)
    run_gate("facts", profiles_of(CLEAN, []), load_thresholds(), run="run_third", docs_dir=copy)
    assert [path.name for path in (copy / "validations" / "facts").iterdir() if any(path.rglob("*.html"))] == [
        "run_third"
    ]


def test_a_page_that_was_cut_off_is_left_out(site: Path, tmp_path: Path) -> None:
    copy = tmp_path / "docs"
    shutil.copytree(site, copy)
    first, second = sorted(copy.rglob("summary.json"))
    first.write_text("")
    for page in second.parent.glob("*.html"):
        page.unlink()
    run_gate("facts", profiles_of(CLEAN, []), load_thresholds(), run="run_third", docs_dir=copy)
    index = (copy / "index.html").read_text(encoding="utf-8")
    assert "run_third" in index
    assert "run_good" not in index
    assert "run_bad" not in index


def test_what_to_look_at_is_staged_where_the_run_is_not_published() -> None:
    odd, bad = ("fates", {"duplicate_share": 0.3}), ("tables", {"n_null_keys": 1})
    (warned,) = run_gate("facts", profiles_of(CLEAN, [("elements", {"n_unknown": 3})]), load_thresholds()).failures
    assert "--staged" not in warned.look
    stopped = run_gate("facts", profiles_of(CLEAN, [odd, bad]), load_thresholds()).failures
    assert [failure.look for failure in stopped if failure.check_id == "keys_not_null"] == [
        "pdmetrics audit --gate facts --date 2026-03-22 --staged"
    ]


def test_an_unknown_gate_is_named() -> None:
    with pytest.raises(UsageError, match="no gate 'raw2'"):
        run_gate("raw2", {}, load_thresholds())


def test_every_check_says_who_why_and_where_to_look() -> None:
    known = set(ABOUT)
    for gate in SUITES:
        for check in suite_of(gate):
            assert check.about.owner in {ENGINEERS, ANALYSTS, INSTRUMENT}
            assert check.about.why
            assert check.about.look.startswith("pdmetrics ")
            known -= {check.id}
    assert not known, "no word of a check that is gone"


def test_check_ids_are_unique() -> None:
    ids = [check.id for check in (*raw_suite(), *facts_suite(), *marts_suite())]
    assert len(ids) == len(set(ids))
