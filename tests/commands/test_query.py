"""`query`: one statement that reads, shown so that it can be read."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import duckdb
import pytest
from rich.console import Console

from jobs.cli import main
from jobs.commands.query import run_query, statement
from jobs.errors import UsageError, WarehouseError
from jobs.marts.read import answer
from jobs.settings import load_settings
from jobs.warehouse.runs import Warehouse


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    found = Warehouse(tmp_path)
    with duckdb.connect(str(found.marts)) as connection:
        connection.execute("create schema marts")
        connection.execute("create table marts.numbers as select range as n, 'nan'::double as y from range(1000)")
        wide = ", ".join(f"'a value of some length {i}' as column_{i}" for i in range(12))
        connection.execute(f"create table marts.wide as select {wide}")
    return found


def shown(warehouse: Warehouse, sql: str, output: str = "table", width: int = 80, *, shows_all: bool = False) -> str:
    out = io.StringIO()
    settings, _ = load_settings()
    run_query(Console(file=out, width=width), settings, warehouse, sql, output, shows_all=shows_all)
    return out.getvalue()


def test_a_table_shows_two_hundred_rows_and_says_so(warehouse):
    text = shown(warehouse, "select n from numbers")
    assert "199" in text
    assert "│ 200 │" not in text
    assert "The first 200 rows; --all shows every one" in text
    assert "999" in shown(warehouse, "select n from numbers", shows_all=True)
    assert "--all" not in shown(warehouse, "select n from numbers limit 200")


def test_what_no_table_can_hold_is_shown_in_records(warehouse):
    text = shown(warehouse, "select * from wide")
    assert text.splitlines()[:2] == ["-- 1", "column_0   a value of some length 0"]
    assert "┃ column_0" in shown(warehouse, "select * from wide", width=300)


def test_csv_and_json_hold_every_row_and_no_nan(warehouse, capsys):
    shown(warehouse, "select * from numbers", "csv")
    assert len(capsys.readouterr().out.splitlines()) == 1001
    shown(warehouse, "select * from numbers", "json")
    records = json.loads(capsys.readouterr().out)
    assert len(records) == 1000
    assert records[7] == {"n": 7, "y": None}
    shown(warehouse, "select * from numbers where n < 0", "json")
    assert json.loads(capsys.readouterr().out) == []


def test_an_answer_without_rows_says_so_where_a_person_reads(warehouse, capsys):
    assert shown(warehouse, "select * from wide where false") == "There are no rows.\n", "no room for its columns"
    text = shown(warehouse, "select n from numbers where n < 0")
    assert text.splitlines()[1].strip() == "┃ n ┃"
    assert text.splitlines()[-1] == "There are no rows."
    assert shown(warehouse, "select n from numbers where n < 0", "csv") == ""
    assert capsys.readouterr().out.splitlines() == ["n"]
    assert "no rows" not in shown(warehouse, "select n from numbers limit 1")


@pytest.mark.parametrize("sql", ["", " ", ";", "-- nothing", "/* */"])
def test_no_statement_is_refused(warehouse, sql):
    with pytest.raises(UsageError, match="no statement"):
        shown(warehouse, sql)


@pytest.mark.parametrize("sql", ["select 1; select 2", "select 1;select 1", "create table x as select 1; select 1"])
def test_several_statements_are_refused_with_that_word(warehouse, sql):
    with pytest.raises(UsageError, match="several statements"):
        shown(warehouse, sql)


@pytest.mark.parametrize(
    "sql", ["set threads = 1", "use marts", "begin", "create table x as select 1", "drop table numbers", "checkpoint",
            "attach 'other.duckdb'", "copy numbers to 'x.csv'", "delete from numbers", "load json"],
)  # fmt: skip
def test_what_does_not_read_is_refused(warehouse, sql):
    with pytest.raises(UsageError, match="A query only reads"):
        shown(warehouse, sql)


READ = (
    "-- a comment\nselect 1",
    "/* so */ select 1",
    "show tables",
    "describe numbers",
    "summarize select n from numbers",
    "from numbers limit 1",
    "with a as (select 1) select * from a",
    "explain select 1",
    "values (1)",
    "pivot (select 1 as a) on a",
    "select 1;",
)


@pytest.mark.parametrize("sql", READ)
def test_whatever_reads_is_run(warehouse, sql):
    assert shown(warehouse, sql)


def test_a_mistake_is_told_with_what_to_do(warehouse):
    with pytest.raises(UsageError, match="nope") as told:
        shown(warehouse, "select * from nope")
    assert "show tables" in told.value.next_step
    with pytest.raises(UsageError, match="Conversion"):  # it shows only when rows are computed
        shown(warehouse, "select n::varchar::date from numbers")


@pytest.mark.parametrize("content", [b"garbage" * 1000, b"x"])
def test_marts_that_cannot_be_read_are_no_traceback(warehouse, content):
    warehouse.marts.write_bytes(content)
    with pytest.raises(WarehouseError, match="cannot be read") as told:
        shown(warehouse, "select count(*) from numbers")
    assert "rerun a day" in told.value.next_step


def test_marts_that_are_cut_short_are_no_traceback(warehouse):
    raw = warehouse.marts.read_bytes()
    warehouse.marts.write_bytes(raw[: len(raw) // 3])
    with pytest.raises((WarehouseError, UsageError)):
        shown(warehouse, "select sum(n) from numbers")


@pytest.mark.parametrize(
    ("sql", "command"),
    [
        ("from fct_metric_values", "pdmetrics run --date DAY"),
        ("from fct_audience", "pdmetrics audience --history DIR"),
        ("from fct_metric_values where metric = 'ELIGIBLE_EDITORS'", "pdmetrics audience --history DIR"),
    ],
)
def test_where_nothing_is_published_the_command_is_named_that_makes_what_is_asked_for(tmp_path, sql, command):
    with pytest.raises(UsageError) as caught, answer(Warehouse(tmp_path), sql):
        pass
    assert (caught.value.next_step or "").startswith(command)


def test_nothing_published_says_so(tmp_path):
    with pytest.raises(UsageError, match="Nothing is published"):
        shown(Warehouse(tmp_path), "select 1")


def test_lost_marts_and_a_file_as_warehouse_say_so(tmp_path):
    warehouse = Warehouse(tmp_path / "w")
    run = warehouse.new_run(date(2026, 3, 19), date(2026, 3, 20), "in")
    run.state = "published"
    warehouse.save(run)
    with pytest.raises(WarehouseError, match="not there, though a run is published") as told:
        shown(warehouse, "select 1")
    assert "rerun a day" in told.value.next_step
    (tmp_path / "file").touch()
    with pytest.raises(WarehouseError, match="no folder"):
        shown(Warehouse(tmp_path / "file"), "select 1")


def test_sql_comes_from_an_argument_a_file_or_standard_input(tmp_path, monkeypatch):
    file = tmp_path / "q.sql"
    file.write_text("select 1", encoding="utf-8-sig")
    monkeypatch.setattr(sys, "stdin", io.StringIO("select 2"))
    assert (statement(None, file), statement("-", None), statement("select 3", None)) == (
        "select 1", "select 2", "select 3",
    )  # fmt: skip
    for both in ((None, None), ("select 1", file)):
        with pytest.raises(UsageError, match="Give one query"):
            statement(*both)
    with pytest.raises(UsageError, match="cannot be read"):
        statement(None, tmp_path / "none.sql")


def test_sql_that_begins_with_a_comment_is_no_option(warehouse, monkeypatch, capsys):
    given = ["pdmetrics", "--warehouse", str(warehouse.path), "query", "-- first\nselect 42 as n", "--format", "csv"]
    monkeypatch.setattr(sys, "argv", given)
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 0
    assert capsys.readouterr().out == "n\n42\n"


def test_errors_only_silences_reports_and_no_answers(warehouse, tmp_path, monkeypatch, capsys):
    def printed(*given):
        monkeypatch.setattr(sys, "argv", ["pdmetrics", "--warehouse", str(warehouse.path), *given])
        with pytest.raises(SystemExit) as left:
            main()
        assert left.value.code == 0
        told = capsys.readouterr()
        return told.out + told.err

    def world(name):
        return ("simulate", "--out", str(tmp_path / name), "--start", "2026-03-19", "--days", "1", "--scale", "0.001")

    assert "lines of scenario" in printed(*world("told"))
    assert printed("-q", *world("silent")) == ""
    assert (tmp_path / "silent" / "truth.json").exists()
    assert "42" in printed("-q", "query", "select 42 as n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("output", ["table", "csv"])
def test_an_answer_that_cannot_be_written_is_told_as_that(warehouse, output):
    asked = ["query", "select * from numbers", "--format", output]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "jobs", "--warehouse", str(warehouse.path), *asked],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith(
        "error: The answer cannot be written: No space left on device.\n  where: standard output\n"
    )
    assert "published" not in done.stderr
    assert len(done.stderr.splitlines()) == 3
