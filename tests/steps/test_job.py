"""What a full or read-only disk makes libraries say is said in words."""

from __future__ import annotations

import contextlib
import sqlite3

import pytest

from jobs.errors import WarehouseError
from jobs.steps.job import engine_errors
from jobs.warehouse.runs import Warehouse


def _full(path):
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("pragma max_page_count = 2")
        connection.execute("create table filled (words text)")
        connection.execute("insert into filled values (?)", ["x" * 100_000])


def _read_only(path):
    sqlite3.connect(path).close()
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        connection.execute("create table filled (words text)")


@pytest.mark.parametrize("write", [_full, _read_only])
@pytest.mark.parametrize("half_way", [False, True])
def test_a_catalog_file_that_cannot_grow_is_trouble_with_the_disk(tmp_path, write, half_way):
    warehouse = Warehouse(tmp_path)
    if half_way:
        warehouse.journal.touch()
    with pytest.raises(WarehouseError, match="while writing") as told, engine_errors(warehouse):
        write(tmp_path / "catalog.db")
    assert ("finishes the publish" if half_way else "nothing was published") in str(told.value)
