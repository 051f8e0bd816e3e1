"""Counts of few users are in no verdict and on no page, and verdicts are what they were."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from gate_cases import CLEAN_DAY, case_day, profiles_of
from test_facts_gate import CLEAN as FACTS
from test_raw_gate import CLEAN as RAW

from expectations.gate import GateResult, run_gate
from expectations.thresholds import load_thresholds

MIN_USERS = 900
SAID = "fewer than 900"
# Numbers from 701 to 799 are small, and in no other place of a page.
FEW_FACTS: list[tuple[str, dict[str, Any]]] = [
    ("visitors", {"n_visitors": 703.0, "usual": 2000.0, "warn_low": 1500.0, "warn_high": 3000.0}),
    ("visitors", {"n_visitors": 704.0, "usual": 790.0, "warn_low": 750.0, "warn_high": 3000.0}),
    ("visitors", {"n_visitors": 705.0, "usual": 2000.0, "warn_low": 1500.0, "warn_high": 3000.0}),
    ("elements_usual", {"n_events": 71300.0, "usual": 3e5, "warn_low": 2e5, "warn_high": 4e5, "unit": 100.0}),
    ("elements", {"n_events": 706, "n_unknown": 706}),
    ("regimes", {"n_events": 707, "n_undeclared": 707}),
    ("segments", {"share": 0.5, "n_part": 708, "n_whole": 1416}),
    ("sampling", {"verdict": "lower than declared", "n_ids": 709}),
    ("sampling", {"verdict": "higher than declared", "n_impossible_pageviews": 710}),
    ("sampling", {"ks_p_value": 1e-9, "n_ids": 711}),
]
FEW_RAW: list[tuple[str, dict[str, Any]]] = [
    ("wikis", {"n_menu_impressions_early": 701}),
    ("wikis", {"n_loads_early": 702}),
    ("volume", {"volume": 721.0, "usual": 2000.0, "warn_low": 1500.0, "warn_high": 3e3, "fail_low": 0.0}),
    ("volume", {"volume": 72200.0, "usual": 3e5, "warn_low": 2e5, "warn_high": 4e5, "fail_high": 5e5, "unit": 100.0}),
]
FEW = {"facts": FEW_FACTS, "raw": FEW_RAW}


def judged(gate: str, docs: Path | None = None, cases: list[tuple[str, dict[str, Any]]] | None = None) -> GateResult:
    clean = {name: {**row, "unit": 1.0} for name, row in (FACTS if gate == "facts" else RAW).items()}
    # What is clean has many users.
    clean.get("visitors", {}).update({"n_visitors": 2000.0, "usual": 2000.0, "warn_low": 1500.0, "warn_high": 3000.0})
    clean.get("elements_usual", {}).update({"n_events": 2e3, "usual": 2e3, "warn_low": 1500.0, "warn_high": 3000.0})
    clean.get("volume", {}).update(
        {"volume": 2000.0, "usual": 2e3, "warn_low": 1500.0, "warn_high": 3e3, "fail_low": 1e3, "fail_high": 4e3}
    )
    thresholds = replace(load_thresholds(), min_users=MIN_USERS)
    return run_gate(gate, profiles_of(clean, FEW[gate] if cases is None else cases), thresholds, docs_dir=docs)


@pytest.mark.parametrize("gate", ["facts", "raw"])
def test_no_small_count_is_in_a_verdict_or_on_a_page(gate: str, tmp_path: Path) -> None:
    result = judged(gate, tmp_path)
    assert {failure.day for failure in result.failures} == {case_day(number) for number in range(len(FEW[gate]))}
    told = result.rows.to_csv() + "".join(failure.in_words for failure in result.failures)
    pages = "".join(page.read_text(encoding="utf-8") for page in (tmp_path / "validations").rglob("*.html"))
    hidden = {str(value).removesuffix(".0") for _, row in FEW[gate] for name, value in row.items()
              if name in ("n_visitors", "n_unknown", "n_undeclared", "n_part", "n_ids", "n_impossible_pageviews",
                          "n_menu_impressions_early", "n_loads_early", "volume")}  # fmt: skip
    hidden |= {"71300", "790"}
    assert {number for number in hidden if f" {number} " in told.replace(",", " ")} == set()
    assert {number for number in hidden if f">{number}<" in pages or f"{number}.0" in pages} == set()
    assert "fewer than 900" in pages or "899" in pages, "what is compared is on the page"
    assert SAID in told


def test_words_say_what_a_number_is_less_than() -> None:
    words = {failure.day: failure for failure in judged("facts").failures}
    low, close, _, weighted = (words[case_day(number)] for number in range(4))
    assert "fewer than 900 distinct users where 2000 are usual" in low.message
    assert (low.observed, low.expected) == ("fewer than 900", "at least 1500")
    assert "fewer than 900 distinct users where fewer than 900 are usual" in close.message
    assert (close.observed, close.expected) == ("fewer than 900", "at least 900")
    assert "fewer than 90000 (weighted)" in weighted.message


def test_zero_and_large_counts_are_told() -> None:
    band = {"usual": 2000.0, "warn_low": 1500.0, "warn_high": 3000.0}
    cases = [("visitors", {"n_visitors": 0.0, **band}), ("visitors", {"n_visitors": 900.0, **band})]
    assert [failure.observed for failure in judged("facts", cases=cases).failures] == ["0", "900"]


@pytest.mark.parametrize(
    ("seen", "low", "high", "is_low"),
    [
        (500.0, 400.0, 600.0, False),
        (500.0, 500.0, 500.0, False),
        (500.0, 501.0, 700.0, True),
        (500.0, 898.0, 2000.0, True),
        (500.0, 899.5, 2000.0, True),
        (899.5, 899.2, 2000.0, False),
        (500.0, 3000.0, 4000.0, True),
        (500.0, 100.0, 400.0, False),  # one that is above its band, too: nothing is said of how small it is
    ],
)
def test_a_small_count_that_is_too_low_stays_so(seen: float, low: float, high: float, is_low: bool) -> None:
    cases = [("visitors", {"n_visitors": seen, "usual": 600.0, "warn_low": low, "warn_high": high})]
    failures = judged("facts", cases=cases).failures
    assert [failure.check_id for failure in failures] == (["visitors_low"] if is_low else [])
    assert all(failure.day != CLEAN_DAY for failure in failures)
