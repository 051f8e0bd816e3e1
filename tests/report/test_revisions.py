"""What a run notes of the rows it is about to change, and what a report reads of it."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from jobs.report.revisions import COLUMNS, FILE, MIN_ROWS, keep_moves, kept_moves, moves
from jobs.warehouse.manifest import Run
from jobs.warehouse.runs import Warehouse
from tests.quality.changes_cases import Rows, metric, write

DAY = date(2026, 3, 28)
PAST = DAY - timedelta(days=1)
METRIC, OTHER = "dashboard_visitors", "reviewers"


def rows(n: int, as_of: date = DAY, name: str = METRIC, **values: Any) -> Rows:
    """So many rows of a metric, each of a wiki of its own."""
    return [metric(name, as_of, wiki_db=f"wiki{number:02d}", **values) for number in range(n)]


def found(folder: Path, live: Rows, built: Rows, name: str = METRIC) -> dict[str, Any]:
    """What is said of one metric."""
    files = [write(folder / which / "m.duckdb", {"fct_metric_values": r}) for which, r in (("b", built), ("l", live))]
    frame = moves(*files, [DAY]).set_index("metric")
    return frame.loc[name].to_dict()


def test_rows_are_counted_by_what_became_of_them(tmp_path: Path) -> None:
    live = [*rows(4), *rows(1, PAST), *rows(1, name=OTHER)]
    changed = metric(METRIC, DAY, wiki_db="wiki01", upper=99.0)
    built = [*rows(1), changed, metric(METRIC, DAY, wiki_db="new"), *rows(1, name=OTHER)]
    line = found(tmp_path, live, built)
    counts = {name: line[f"n_{name}"] for name in ("before", "now", "new", "gone", "changed", "status", "moved")}
    assert counts == {"before": 4, "now": 3, "new": 1, "gone": 2, "changed": 1, "status": 0, "moved": 0}
    assert found(tmp_path, live, built, OTHER)["n_changed"] == 0


def test_dates_that_the_run_did_not_compute_are_not_looked_at(tmp_path: Path) -> None:
    live = [*rows(1), *rows(2, PAST, status="caution")]
    assert found(tmp_path, live, rows(1))["n_before"] == 1


@pytest.mark.parametrize("n", [MIN_ROWS - 1, MIN_ROWS])
def test_moves_are_told_of_ten_rows_or_more(tmp_path: Path, n: int) -> None:
    built = [{**row, "estimate": 20.0 * (1 + 0.01 * number)} for number, row in enumerate(rows(n + 1))]
    line = found(tmp_path, rows(n + 1), built)
    assert (line["n_changed"], line["n_moved"]) == (n, n)
    told = (line["median_move"], line["largest_move"])
    assert told == (pytest.approx(0.055), pytest.approx(0.1)) if n == MIN_ROWS else str(told) == "(nan, nan)"


def test_a_number_that_was_zero_or_hidden_has_no_relative_move(tmp_path: Path) -> None:
    live = [*rows(1, estimate=0.0), metric(METRIC, DAY, wiki_db="x", estimate=None, status="suppressed")]
    line = found(tmp_path, live, [*rows(1), metric(METRIC, DAY, wiki_db="x")])
    assert (line["n_changed"], line["n_moved"]) == (2, 0)


def test_statuses_are_told_from_which_to_which(tmp_path: Path) -> None:
    built = [*rows(2, status="caution"), *rows(5)[2:4], metric(METRIC, DAY, wiki_db="wiki04", status="suppressed")]
    line = found(tmp_path, rows(5), built)
    assert (line["n_status"], line["n_changed"]) == (3, 3)
    assert line["status_changes"] == "publish to caution: 2; publish to suppressed: 1"


# What a run keeps


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    warehouse = Warehouse(tmp_path / "it's")
    warehouse.prepare()
    return warehouse


def run(warehouse: Warehouse, built: Rows, *, state: str = "published", is_audience: bool = False) -> Run:
    """A run that built some rows, noted what they change, and published them."""
    one = warehouse.new_run(PAST, DAY + timedelta(days=1), "in")
    one.as_of, one.state, one.is_audience = [DAY], state, is_audience
    write(warehouse.next_marts, {"fct_metric_values": built})
    keep_moves(warehouse, one)
    warehouse.next_marts.replace(warehouse.marts)
    warehouse.save(one)
    return one


def test_each_published_run_tells_what_it_changed(warehouse: Warehouse) -> None:
    first, second = run(warehouse, rows(2)), run(warehouse, rows(3, estimate=21.0))
    run(warehouse, rows(4), state="open")
    kept = kept_moves(warehouse)
    assert list(kept.columns) == list(COLUMNS)
    assert kept[["run_id", "n_new", "n_changed"]].values.tolist() == [[second.run_id, 1, 2], [first.run_id, 2, 0]]
    assert kept.iloc[0][["first_day", "last_day", "first_as_of", "last_as_of"]].tolist() == [
        "2026-03-27", "2026-03-28", "2026-03-28", "2026-03-28",
    ]  # fmt: skip
    assert kept["status_changes"].tolist() == ["", ""]
    assert kept["median_move"].isna().all()


def test_editors_are_noted_by_the_runs_that_count_them(warehouse: Warehouse) -> None:
    """A run of days with the same as-of date has them in its marts, and cannot change them."""
    editors = rows(2, name="eligible_editors")
    run(warehouse, editors, is_audience=True)
    run(warehouse, [*editors, *rows(1)])
    assert kept_moves(warehouse)[["metric", "n_new"]].values.tolist() == [[METRIC, 1], ["eligible_editors", 2]]


def test_nothing_is_kept_before_the_first_run(warehouse: Warehouse) -> None:
    assert (kept_moves(warehouse).empty, list(kept_moves(warehouse).columns)) == (True, list(COLUMNS))


def test_a_damaged_note_is_left_out(warehouse: Warehouse) -> None:
    first, second = run(warehouse, rows(2)), run(warehouse, rows(3))
    (warehouse.folder(second.run_id) / FILE).write_text("", encoding="utf-8")
    assert set(kept_moves(warehouse)["run_id"]) == {first.run_id}


def test_published_marts_that_are_damaged_count_as_none(warehouse: Warehouse) -> None:
    warehouse.marts.write_bytes(b"no database" * 1000)
    run(warehouse, rows(2))
    assert kept_moves(warehouse)["n_new"].tolist() == [2]


def test_new_marts_that_are_damaged_are_an_error(warehouse: Warehouse) -> None:
    one = warehouse.new_run(DAY, DAY + timedelta(days=1), "in")
    one.as_of = [DAY]
    warehouse.next_marts.parent.mkdir()
    warehouse.next_marts.write_bytes(b"no database" * 1000)
    with pytest.raises(duckdb.Error):
        keep_moves(warehouse, one)
