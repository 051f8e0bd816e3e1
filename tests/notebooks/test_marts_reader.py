"""`from pdmetrics import marts`: frames of the published marts, without an engine."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date, datetime
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from jobs.errors import UsageError, WarehouseError
from jobs.marts.read import fetch_file
from jobs.warehouse.runs import MARTS_FILE
from pdmetrics import marts

DAY = date(2026, 4, 12)
ENGINES = ("pyspark", "pysail", "pyiceberg", "dbt", "great_expectations", "pandas", "polars")


def publish(folder: Path, shares: list[float | None]) -> None:
    """Write a marts file and put it in place as a run does."""
    new = folder / "next" / MARTS_FILE
    new.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(new)) as connection:
        connection.execute("create schema marts")
        connection.execute("create table marts.rpt_share (wiki_db varchar, window_end date, n bigint, share double)")
        connection.execute("comment on table marts.rpt_share is 'Shares, by week.'")
        connection.execute("comment on column marts.rpt_share.share is 'Of visitors.'")
        rows = [(f"wiki{n}", DAY, n, share) for n, share in enumerate(shares)]
        for row in rows:
            connection.execute("insert into marts.rpt_share values (?, ?, ?, ?)", row)
    new.replace(folder / MARTS_FILE)


@pytest.fixture
def warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    found = tmp_path / "its own"
    publish(found, [0.25, None])
    monkeypatch.setenv("PDMETRICS_WAREHOUSE", str(found))
    return found


def test_a_frame_is_pandas_with_dates_to_reckon_with(warehouse):
    frame = marts.read("rpt_share")
    assert isinstance(frame, pd.DataFrame)
    assert list(frame.columns) == ["wiki_db", "window_end", "n", "share"]
    assert frame["window_end"].dt.weekday.tolist() == [6, 6]
    assert frame["window_end"].tolist() == [datetime(2026, 4, 12)] * 2
    assert frame["share"].tolist()[0] == 0.25
    assert frame["share"].isna().tolist() == [False, True]


def test_a_frame_is_polars_or_arrow_where_asked_with_dates_as_dates(warehouse):
    in_polars, in_arrow = marts.read("rpt_share", frame="polars"), marts.read("rpt_share", frame="arrow")
    assert in_polars.schema["window_end"] == pl.Date
    assert in_polars["share"].to_list() == [0.25, None]
    assert in_arrow.schema.field("window_end").type == pa.date32()
    assert in_arrow.column("window_end").to_pylist() == [DAY, DAY]


def test_sums_of_integers_are_numbers_in_every_frame(warehouse):
    sums = "select sum(n) as small, sum(n * 5000000000000000000::hugeint * 3) as large from rpt_share"
    frame = marts.sql(sums)
    assert frame.dtypes.astype(str).to_dict() == {"small": "int64", "large": "float64"}
    assert frame.iloc[0].tolist() == [1, 1.5e19]
    assert marts.sql(sums, frame="polars").dtypes == [pl.Int64, pl.Float64]


def test_question_marks_are_parameters(warehouse):
    assert marts.sql("select n from rpt_share where wiki_db = ? and window_end = ?", ["wiki1", DAY])["n"].tolist() == [
        1
    ]
    with pytest.raises(UsageError, match="parameter"):
        marts.sql("select n from rpt_share where wiki_db = ?", [])


def test_tables_and_columns_say_what_they_hold(warehouse):
    assert marts.tables().to_dict("records") == [
        {"mart": "rpt_share", "description": "Shares, by week.", "n_columns": 4, "n_rows": 2}
    ]
    columns = marts.describe("rpt_share").set_index("column")
    assert columns.loc["share", ["type", "description"]].tolist() == ["DOUBLE", "Of visitors."]


def test_what_was_published_since_is_seen(warehouse):
    assert marts.sql("select count(*) as n from rpt_share")["n"].tolist() == [2]
    publish(warehouse, [0.5, 0.5, 0.5])
    assert marts.sql("select count(*) as n from rpt_share")["n"].tolist() == [3]


def test_the_warehouse_is_the_argument_then_the_variable_then_the_folder(warehouse, tmp_path, monkeypatch):
    publish(tmp_path / "other", [0.1, 0.2, 0.3])
    publish(tmp_path / "warehouse", [])
    monkeypatch.chdir(tmp_path)
    assert len(marts.read("rpt_share", warehouse=tmp_path / "other")) == 3
    assert len(marts.read("rpt_share", warehouse="other")) == 3
    assert len(marts.read("rpt_share")) == 2
    monkeypatch.setenv("PDMETRICS_WAREHOUSE", "")
    assert len(marts.read("rpt_share")) == 0
    with pytest.raises(UsageError, match="cannot lie on nowhere"):
        marts.read("rpt_share", warehouse="nowhere://bucket/warehouse")


def test_a_reader_only_reads(warehouse):
    before = (warehouse / MARTS_FILE).read_bytes()
    for statement in ("delete from rpt_share", "create table x as select 1", "select 1; select 2"):
        with pytest.raises(UsageError):
            marts.sql(statement)
    with pytest.raises(UsageError, match="disabled"):
        marts.sql("select * from read_text(?)", [str(warehouse / "any")])
    assert (warehouse / MARTS_FILE).read_bytes() == before


def test_errors_say_what_where_and_what_next(warehouse, tmp_path):
    with pytest.raises(UsageError, match=r"Did you mean \"rpt_share\"") as found:
        marts.describe("rpt_shar")
    assert "show tables" in found.value.next_step
    with pytest.raises(UsageError, match="does not exist"):
        marts.read('rpt_share" where 1 = 0 --')
    with pytest.raises(UsageError, match="Nothing is published") as found:
        marts.tables(warehouse=tmp_path / "empty")
    assert str(tmp_path / "empty") in found.value.where
    with pytest.raises(UsageError, match="frame 'spark'"):
        marts.sql("select 1", frame="spark")
    (warehouse / MARTS_FILE).write_bytes(b"no marts")
    with pytest.raises(WarehouseError, match="cannot be read"):
        marts.read("rpt_share")


@pytest.mark.parametrize(("name", "near"), [("nosuch", ""), ("rpt_shared", 'Did you mean "rpt_share"?')])
def test_what_is_no_mart_names_marts_that_are_near_and_no_table_of_the_database(warehouse, name, near):
    with pytest.raises(UsageError) as by_frame:
        marts.read(name)
    with pytest.raises(UsageError) as by_rows:
        fetch_file(warehouse / MARTS_FILE, f"from {name}")
    for error in (by_frame.value, by_rows.value):
        first, second, *rest = error.what.splitlines()
        assert first == f"The query failed: Catalog Error: Table with name {name} does not exist!"
        assert second == near
        assert any(line.startswith("LINE 1: ") and name in line for line in rest)


@pytest.mark.parametrize("is_read_only", [True, False])
def test_a_file_that_this_process_has_open_otherwise_is_not_called_broken(warehouse, is_read_only):
    with duckdb.connect(str(warehouse / MARTS_FILE), read_only=is_read_only):
        with pytest.raises(UsageError, match="open in another way") as found:
            marts.read("rpt_share")
        assert not isinstance(found.value, WarehouseError)
        assert "close that connection" in found.value.next_step
    assert len(marts.read("rpt_share")) == 2


def test_without_polars_the_error_names_the_extra(warehouse, monkeypatch):
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(UsageError, match=r"pdmetrics\[notebook\]"):
        marts.read("rpt_share", frame="polars")


def test_neither_the_import_nor_a_read_loads_an_engine(warehouse):
    asked = (
        "import sys, time\n"
        "start = time.process_time()\n"
        "from pdmetrics import marts\n"
        "took = time.process_time() - start\n"
        f"early = [name for name in {ENGINES} if name in sys.modules]\n"
        "marts.read('rpt_share')\n"
        f"print(early, [name for name in {ENGINES} if name in sys.modules], took < 2)"
    )
    done = subprocess.run(
        [sys.executable, "-c", asked], capture_output=True, text=True, timeout=60, check=True, env={**os.environ}
    )
    assert done.stdout.strip() == "[] ['pandas'] True"
