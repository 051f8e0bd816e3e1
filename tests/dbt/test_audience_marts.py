"""The marts of the audience: alone in a lake without an event, and every rule of their rows with rows that break it."""

from __future__ import annotations

import gc
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from parquet_lake import SINGLE, Row, editors_value, world, write_reference, write_tables

from jobs.errors import GateError
from jobs.marts.build import build_marts
from jobs.reference.load import Reference
from jobs.resources import shipped

pytestmark = pytest.mark.dbt

AUDIENCE = ("audience", "audience_alternatives", "audience_log")
RIGHT = {name: SINGLE[name] for name in AUDIENCE}
EARLY = {"as_of_date": date(2026, 2, 28), "window_start": date(2026, 2, 15), "read_from": date(2026, 2, 15)}
NO_GROWTH = dict.fromkeys(("growth_exponent", "projected_days", "projected", "projected_lower", "projected_upper"))

# What a build says -> the table, and a row of it that breaks this rule and no other.
BROKEN: dict[str, tuple[str, Row]] = {
    "fct_audience is null in one of as_of_date, wiki_db": ("audience", {"snapshot": None}),
    "fct_audience holds a number that is negative or not finite in one of n_editors": ("audience", {"n_left_band": -1}),
    "fct_audience breaks lower <= estimate <= upper": ("audience", {"projected_lower": 301.0}),
    "shows no number of editors and does not say that it hides one": (
        "audience", {"n_editors": None, "n_new_to_band": None, "n_left_band": None, **NO_GROWTH},
    ),
    "has more editors new to the band than editors in it": ("audience", {"n_new_to_band": 151}),
    "has window_days other than as_of_date - window_start + 1": ("audience", {"window_start": date(2026, 6, 3)}),
    "has a window that is not in read_from to read_to": ("audience", {"read_to": date(2026, 6, 14)}),
    "is less than its editors or says not for how long": ("audience", {"projected_lower": 149.0}),
    "window_days is outside 1 to 366": (
        "audience", {"window_days": 367, "window_start": date(2025, 6, 14), "read_from": date(2025, 6, 14)},
    ),
    "growth_exponent is outside 0 to 1": ("audience", {"growth_exponent": 1.01}),
    "fct_audience_alternatives is null in one of as_of_date": ("audience_alternatives", {"choice": None}),
    "fct_audience_alternatives holds a number that is negative": ("audience_alternatives", {"n_editors": -1}),
    "fct_audience_log is null in one of as_of_date": ("audience_log", {"n_rows": None}),
    "fct_audience_log holds a number that is negative or not finite": ("audience_log", {"n_rows": -1}),
    "fate holds a value other than kept, out_of_scope, quarantined": ("audience_log", {"fate": "read"}),
}  # fmt: skip
# The marts hide what these rules look for, so that no row of the lake can break them.
KEPT_BY_THE_QUERY = {"audience_hides_all_of_a_small_cell", "small_cells_are_hidden"}
RIGHT_TOO: list[Row] = [
    {"n_editors": 9},
    {"n_editors": 0, "n_new_to_band": 0, "n_left_band": 0, **NO_GROWTH},
    {"n_new_to_band": 150, "definition": "bots=now"},
    {"projected_lower": 150.0, "projected": 150.0, "growth_exponent": 0.0},
]


def test_marts_of_editors_alone_need_no_event_no_wiki_and_no_policy(tmp_path: Path, live: Path) -> None:
    Reference(wikis=(), policy=(), instruments=(), vocabulary=()).write(tmp_path / "reference")
    early = {name: [row, row | {"as_of_date": EARLY["as_of_date"]}] for name, row in RIGHT.items()}
    early["audience"][1] |= EARLY
    early["audience_log"].append(RIGHT["audience_log"] | {"days_read": "2026-06-02/2026-06-08,2026-06-12/2026-06-15"})
    values = [editors_value(), editors_value(metric_date=EARLY["window_start"], as_of_date=EARLY["as_of_date"])]
    tables = write_tables(tmp_path / "lake", {**early, "audience_values": values})
    gc.collect()
    marts = build_marts(tables, tmp_path / "reference", live)
    assert marts.warnings == ()
    with duckdb.connect(str(marts.path), read_only=True) as connection:
        names = [name for (name,) in connection.execute("select table_name from duckdb_tables()").fetchall()]
        rows = {name: connection.execute(f"select count(*) from marts.{name}").fetchone() for name in names}
        named = "dim_metric", "dim_date", "fct_metric_values", "rpt_audience_month", *(f"fct_{name}" for name in RIGHT)
        assert {name for name, found in rows.items() if found != (0,)} == set(named)
        assert (rows["fct_metric_values"], rows["rpt_audience_month"]) == ((2,), (1,)), "June 15th ends no month"
        days = connection.execute("select min(date_day), max(date_day) from marts.dim_date").fetchone()
        assert days == (EARLY["window_start"], date(2026, 6, 15))


@pytest.fixture(scope="module")
def refusal(tmp_path_factory: pytest.TempPathFactory, live: Path) -> str:
    """What one build says of all broken rows, each of a wiki of its own."""
    folder = tmp_path_factory.mktemp("audience")
    rows: dict[str, list[Row]] = {name: [row, row] for name, row in RIGHT.items()}
    rows["audience"] += [{**RIGHT["audience"], "wiki_db": f"right{n}", **row} for n, row in enumerate(RIGHT_TOO)]
    for n, (table, change) in enumerate(BROKEN.values()):
        rows[table].append({**RIGHT[table], "wiki_db": f"number{n}", **change})
    tables = write_tables(folder / "lake", world() | rows)
    gc.collect()  # a connection of an earlier build in this process would lead to its file, which is replaced
    with pytest.raises(GateError) as caught:
        build_marts(tables, write_reference(folder / "reference"), live)
    return str(caught.value)


@pytest.mark.parametrize("words", BROKEN)
def test_a_broken_row_is_found_by_its_rule_and_no_other(refusal: str, words: str) -> None:
    (told,) = (part.splitlines()[0] for part in refusal.split("\n- ")[1:] if words in part.splitlines()[0])
    assert told.endswith((": 1 row", ": 1 column", ": 1 value"))


def test_every_rule_has_a_row_that_breaks_it(refusal: str) -> None:
    for name in RIGHT:
        assert f"fct_{name} has more than one row for a key of as_of_date, " in refusal
    models = yaml.safe_load(shipped("dbt_project/models/marts/audience/_audience.yml").read_text("utf-8"))["models"]
    rules = [rule for model in models for one in (model, *model["columns"]) for rule in one.get("data_tests", ())]
    kept = [rule for rule in rules if _name(rule) in KEPT_BY_THE_QUERY]
    assert {_name(rule) for rule in kept} == KEPT_BY_THE_QUERY
    told = [part for part in refusal.split("\n- ")[1:] if not part.startswith("rpt_audience_month")]
    assert len(told) == len(rules) - len(kept) == len(BROKEN) + len(RIGHT)


def _name(rule: dict[str, Any]) -> str:
    ((kind, what),) = rule.items()
    return str(what.get("name", kind))
