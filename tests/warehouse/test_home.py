"""A warehouse that was copied, moved, damaged, or made by an older version."""

from __future__ import annotations

import shutil
import sqlite3

import pandas as pd
import pytest
from lake_cases import DAYS, TABLE, found, open_lake, rows

from jobs import contracts
from jobs.errors import WarehouseError
from jobs.warehouse.home import is_old, open_home
from jobs.warehouse.relocate import adopt, relocate


@pytest.fixture
def published(lake, warehouse):
    lake.stage(TABLE, rows(lake.spark, 1), "run_1", DAYS)
    lake.publish("run_1")
    return lake


def test_a_copy_is_refused_and_can_be_relocated(published, engine, warehouse, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(warehouse, copy)
    with pytest.raises(WarehouseError, match=r"(?s)made at .*doctor --relocate") as refused:
        open_home({}, copy)
    assert str(warehouse) in str(refused.value)
    assert sorted(relocate(copy)) == sorted(contracts.TABLES)
    theirs = open_lake(engine, copy)
    assert found(theirs) == dict.fromkeys(DAYS, 1)
    theirs.stage(TABLE, rows(engine.spark, 2), "run_2", DAYS)
    theirs.publish("run_2")
    assert found(theirs) == dict.fromkeys(DAYS, 2)
    assert found(open_lake(engine, warehouse)) == dict.fromkeys(DAYS, 1), "nothing was written into the original"
    assert relocate(copy) == []


def test_a_moved_warehouse_can_be_relocated(published, engine, warehouse, tmp_path):
    moved = tmp_path / "moved"
    warehouse.rename(moved)
    relocate(moved)
    theirs = open_lake(engine, moved)
    assert found(theirs) == dict.fromkeys(DAYS, 1)
    assert theirs.arrow_days(TABLE, DAYS).num_rows == len(DAYS), "PyIceberg reads it too"


def test_a_copy_made_while_a_run_was_published_has_its_rows(published, engine, warehouse, tmp_path):
    published.stage(TABLE, rows(engine.spark, 2), "run_2", DAYS)
    copy = tmp_path / "copy"
    shutil.copytree(warehouse, copy)
    relocate(copy, "run_2")
    assert found(open_lake(engine, copy)) == dict.fromkeys(DAYS, 2)


def test_rows_that_came_past_the_engine_move_too(lake, engine, warehouse, tmp_path):
    frame = pd.DataFrame({"event_date": DAYS, "event_hour": 4, "fate": "kept", "reason": None, "n_lines": 3})
    lake.stage_pandas(TABLE, frame, "run_1", DAYS)
    lake.publish("run_1")
    moved = tmp_path / "another place, é"
    warehouse.rename(moved)
    relocate(moved)
    theirs = open_lake(engine, moved)
    assert found(theirs) == dict.fromkeys(DAYS, 3)
    assert theirs.arrow_days(TABLE, DAYS).num_rows == len(DAYS)
    theirs.stage(TABLE, rows(engine.spark, 4), "run_2", DAYS)
    assert found(theirs, "run_2") == dict.fromkeys(DAYS, 4)


def test_a_copy_that_lacks_a_file_is_refused(published, warehouse, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(warehouse, copy)
    next((copy / "lake" / "pd" / TABLE / "data").rglob("*.parquet")).unlink()
    with pytest.raises(WarehouseError, match="The copy lacks a file"):
        relocate(copy)
    with pytest.raises(WarehouseError, match="doctor --relocate"):
        open_home({}, copy)


def test_a_damaged_catalog_file_is_told(published, warehouse):
    (warehouse / "catalog.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(WarehouseError, match="catalog file cannot be read"):
        open_home({}, warehouse)


@pytest.mark.parametrize("look_only", [False, True])
@pytest.mark.parametrize("damage", ["gone", "empty", "without the table"])
def test_a_catalog_that_does_not_know_the_tables_here_is_told(published, warehouse, damage, look_only):
    """A run would begin a new history beside the old one, and publish it in its place."""
    if damage == "without the table":
        with sqlite3.connect(warehouse / "catalog.db") as connection:
            connection.execute("delete from iceberg_tables where table_name = ?", [TABLE])
    else:
        (warehouse / "catalog.db").unlink()
    if damage == "empty":
        (warehouse / "catalog.db").touch()
    with pytest.raises(WarehouseError, match=rf"(?s)does not know all tables.*{TABLE}.*backup"):
        open_home({}, warehouse, look_only=look_only)


def test_tables_without_rows_may_be_unknown_to_the_catalog(lake, warehouse):
    """A first run that was killed while it made them left metadata files."""
    (warehouse / "catalog.db").unlink()
    open_home({}, warehouse)


def test_a_catalog_that_cannot_be_reached_is_told(warehouse):
    with pytest.raises(WarehouseError, match="The catalog cannot be opened"):
        open_home({"type": "sql", "uri": "sqlite:////nowhere/at/all.db"}, warehouse)
    with pytest.raises(WarehouseError, match="The catalog cannot be opened"):
        open_home({"type": "cabinet"}, warehouse)


def _make_old(warehouse):
    """Lay the tables out as a Hadoop catalog does: a numbered metadata file, and a hint with its number."""
    with sqlite3.connect(warehouse / "catalog.db") as connection:
        known = connection.execute("select table_name, metadata_location from iceberg_tables").fetchall()
    for name, location in known:
        folder = warehouse / "lake" / "pd" / name / "metadata"
        shutil.copy(location.removeprefix("file://"), folder / "v3.metadata.json")
        (folder / "version-hint.text").write_text("2")
        shutil.copy(folder / "v3.metadata.json", folder / "v2.metadata.json")
    (warehouse / "catalog.db").unlink()


def test_an_older_warehouse_is_refused_and_can_be_adopted(published, engine, warehouse):
    _make_old(warehouse)
    assert is_old(warehouse)
    with pytest.raises(WarehouseError, match=r"older version.*\n.*\n.*doctor --adopt"):
        open_home({}, warehouse)
    assert sorted(adopt(warehouse)) == sorted(contracts.TABLES)
    lake = open_lake(engine, warehouse)
    assert found(lake) == dict.fromkeys(DAYS, 1)
    lake.stage(TABLE, rows(engine.spark, 2), "run_2", DAYS)
    lake.publish("run_2")
    assert found(open_lake(engine, warehouse)) == dict.fromkeys(DAYS, 2)
    assert adopt(warehouse) == []


def test_an_older_warehouse_that_was_moved_is_not_adopted(published, warehouse, tmp_path):
    _make_old(warehouse)
    moved = tmp_path / "moved"
    warehouse.rename(moved)
    with pytest.raises(WarehouseError, match="lies elsewhere now"):
        adopt(moved)
    assert not (moved / "catalog.db").exists()
