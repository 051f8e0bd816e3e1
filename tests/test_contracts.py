"""What the contract of tables says of their rows."""

from __future__ import annotations

import pandas as pd
import pytest

from jobs.contracts import is_lost_hour

ROWS = [
    ("missing_hour", None, True), ("quarantined", "unreadable_file", True), ("quarantined", "malformed_json", False),
    ("kept", None, False), ("kept", "clock_skew", False),
]  # fmt: skip


@pytest.mark.parametrize(("fate", "reason", "is_lost"), ROWS)
def test_an_hour_is_lost_that_did_not_come_or_cannot_be_read(fate: str, reason: str | None, is_lost: bool) -> None:
    assert is_lost_hour(fate, reason) is is_lost


@pytest.mark.parametrize("kind", ["object", "str"])
def test_columns_with_nulls_are_told_row_by_row(kind: str) -> None:
    log = pd.DataFrame(ROWS, columns=["fate", "reason", "is_lost"]).astype({"fate": kind, "reason": kind})
    found = is_lost_hour(log["fate"], log["reason"])
    assert found.tolist() == log["is_lost"].tolist()
    assert found.dtype == bool
