"""Every rule that a row of fct_milestone_status keeps, each with a row that breaks it, in one build."""

from __future__ import annotations

import gc
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from parquet_lake import MONDAY, Row, world, write_reference, write_tables

from jobs.errors import GateError
from jobs.marts.build import build_marts

pytestmark = pytest.mark.dbt
(RIGHT,) = world()["milestone_status"]
LATE = RIGHT["due_date"] + timedelta(days=1)

# What a build says -> a row that breaks this rule and no other.
BROKEN: dict[str, Row] = {
    "is null in one of milestone, wiki_db, metric, due_date": {"reason": None},
    "is on track or behind without a target": {"target": None},
    "holds a number that is negative or not finite in one of target, estimate": {"share_reached": float("inf")},
    "status holds a value other than reached": {"status": "soon"},
    "has an interval out of order": {"lower": 201.0},
    "is reached without a day, or has a day of reaching and is not": {"status": "reached"},
    "is overdue before its due date or though reached, or fails to be": {"as_of_date": LATE},
    "expects an end before the beginning, or is on track with no date": {"expected_to": date(2026, 6, 9)},
}
RIGHT_TOO: list[Row] = [
    {"as_of_date": LATE, "is_overdue": True, "status": "behind"},
    {"status": "reached", "reached_on": MONDAY, "expected_from": None},
    {"status": "not measurable", **dict.fromkeys(("estimate", "lower", "share_reached", "expected_from", "target"))},
]


@pytest.fixture(scope="module")
def refusal(tmp_path_factory: pytest.TempPathFactory, live: Path) -> str:
    folder = tmp_path_factory.mktemp("milestones")
    named: list[dict[str, Any]] = [
        {**RIGHT, "milestone": f"number {n}", **change} for n, change in enumerate([*RIGHT_TOO, *BROKEN.values()])
    ]
    tables = write_tables(folder / "lake", world() | {"milestone_status": [RIGHT, RIGHT, *named]})
    gc.collect()  # a connection of an earlier build in this process would lead to its file, which is replaced
    with pytest.raises(GateError) as caught:
        build_marts(tables, write_reference(folder / "reference"), live)
    return str(caught.value)


@pytest.mark.parametrize("words", BROKEN)
def test_a_broken_row_is_found_by_its_rule_and_no_other(refusal: str, words: str) -> None:
    (told,) = (part.splitlines()[0] for part in refusal.split("\n- ")[1:] if words in part.splitlines()[0])
    assert "fct_milestone_status" in told
    assert told.endswith((": 1 row", ": 1 column", ": 1 value"))


def test_a_repeated_key_is_found(refusal: str) -> None:
    assert "fct_milestone_status has more than one row for a key of milestone, wiki_db, metric, as_of_date" in refusal
    assert len(refusal.split("\n- ")) - 1 == len(BROKEN) + 1, "nothing else is wrong"
