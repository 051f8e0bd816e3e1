from __future__ import annotations

from datetime import date

import pytest

from expectations.thresholds import NAMES, load_thresholds
from jobs.errors import UsageError

FIRST = "[[thresholds]]\nvalid_from = 2026-02-01\nreason = 'first'\n" + "".join(f"{name} = 0.1\n" for name in NAMES)


def write(tmp_path, text: str):
    file = tmp_path / "thresholds.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_the_shipped_file_has_every_threshold() -> None:
    assert set(load_thresholds().on(date(2026, 3, 1))) == set(NAMES)


def test_a_later_entry_keeps_what_it_does_not_name_and_earlier_days_take_the_first(tmp_path) -> None:
    later = "[[thresholds]]\nvalid_from = 2026-03-01\nmax_duplicate_share = 0.3\n"
    thresholds = load_thresholds(write(tmp_path, later + FIRST))  # the order of the file does not matter
    assert thresholds.on(date(2026, 1, 1))["max_duplicate_share"] == 0.1
    assert thresholds.on(date(2026, 2, 28))["max_duplicate_share"] == 0.1
    assert thresholds.on(date(2026, 3, 1))["max_duplicate_share"] == 0.3
    assert thresholds.on(date(2026, 3, 1))["max_quarantine_share"] == 0.1


def test_what_a_file_leaves_out_is_as_shipped(tmp_path) -> None:
    thresholds = load_thresholds(write(tmp_path, FIRST.replace("min_ks_p_value = 0.1\n", "")))
    assert thresholds.on(date(2026, 3, 1))["min_ks_p_value"] == load_thresholds().on(date(2026, 3, 1))["min_ks_p_value"]


def test_an_override_wins_on_every_day(tmp_path) -> None:
    thresholds = load_thresholds(write(tmp_path, FIRST), overrides={"max_quarantine_share": 0.7})
    assert thresholds.on(date(2026, 2, 1))["max_quarantine_share"] == 0.7


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (FIRST + "max_foo = 1\n", "unknown threshold max_foo"),
        (FIRST.replace("max_duplicate_share = 0.1", "max_duplicate_share = 'much'"), "no number: max_duplicate_share"),
        (FIRST.replace("valid_from = 2026-02-01\n", ""), "no `valid_from` date"),
        ("nonsense", "not TOML"),
        ("", "no entry"),
    ],
)
def test_a_broken_file_is_named(tmp_path, text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        load_thresholds(write(tmp_path, text))


def test_a_missing_file_is_named(tmp_path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        load_thresholds(tmp_path / "none.toml")
