"""docs/quality.md says what the suites, the catalogue of faults and the measurements say."""

from __future__ import annotations

import pytest

from tests.quality.quality_docs import PAGE, RESULTS, filled, tables


@pytest.mark.parametrize("name", tables())
def test_a_table_is_up_to_date(name: str) -> None:
    text = tables()[name]
    assert f"<!-- {name} -->\n{text}\n<!-- end -->" in PAGE.read_text(encoding="utf-8"), (
        "run `python -m tests.quality.quality_docs`"
    )


def test_writing_it_again_changes_nothing() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert filled(page) == page


def test_a_place_that_is_gone_is_missed() -> None:
    with pytest.raises(ValueError, match="checks raw"):
        filled("")


def test_what_was_measured_is_there() -> None:
    assert all((RESULTS / name).exists() for name in ("faults.csv", "faults_delays.csv", "faults_false_alarms.csv"))
