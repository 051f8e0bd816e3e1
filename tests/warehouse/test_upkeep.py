"""Old snapshots, small files, manifests and caches: what goes, what stays, and that no row changes. No engine."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from lake_cases import DAYS, TABLE
from rich.console import Console
from structlog.testing import capture_logs

from jobs import contracts
from jobs.commands.context import Context
from jobs.commands.maintain import maintain
from jobs.errors import WarehouseError
from jobs.schemas import arrow_schema
from jobs.settings import load_settings
from jobs.steps.maintain import keep_up
from jobs.warehouse import compact, upkeep
from jobs.warehouse.home import open_home
from jobs.warehouse.runs import Warehouse
from jobs.warehouse.tables import Tables

LISTS = "user_days"  # whose rows hold lists of structs
SETTINGS, SOURCES = load_settings(None, ())
MONTH = timedelta(days=30)


class Killed(BaseException):
    """Like the end of a process: nothing catches it."""


@pytest.fixture(autouse=True)
def _few_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most tables have nothing to do here, and take a second to make."""
    few = {name: contracts.table(name) for name in (TABLE, "quarantine", LISTS)}
    monkeypatch.setattr(contracts, "TABLES", few)


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """Four small files of each of two days, in two tables; what replaced them and was replaced is in the history."""
    found = Warehouse(tmp_path / "ein Haus ö")
    found.prepare()
    tables = opened(found)
    for number in range(4):
        for name in (TABLE, LISTS):
            tables.table(name).append(rows(name, number, DAYS[:2]))
    return found


def opened(warehouse: Warehouse) -> Tables:
    tables = Tables(open_home({}, warehouse.path)[0])
    tables.ensure_tables()
    return tables


def rows(name: str, number: int, days: list[date]) -> pa.Table:
    session = {"session_hash": number, "session_fraction": float("nan"), "n_loads": 1}
    values: dict[str, Any] = {
        "fate": "kept",
        "n_lines": number,
        "sessions": [session, None],
        "n_pageviews_at": [1, None],
    }
    schema = arrow_schema(contracts.table(name).columns)
    known = [{field.name: values.get(field.name) for field in schema} | {"event_date": day} for day in days]
    return pa.Table.from_pylist(known, schema=schema)


def contents(warehouse: Warehouse) -> dict[str, list[str]]:
    """Every published row, in an order of its own."""
    tables = opened(warehouse)
    return {name: sorted(map(repr, tables.table(name).scan().to_arrow().to_pylist())) for name in tables.names}


def files(warehouse: Warehouse) -> set[tuple[str, int]]:
    """Every file but the lock, with its size."""
    found = [path for path in warehouse.path.rglob("*") if path.is_file() and path != warehouse.lock_file]
    return {(str(path), path.stat().st_size) for path in found}


def kept(warehouse: Warehouse, now: datetime, *, is_dry: bool = False) -> dict[str, tuple[int, int]]:
    """Keep a warehouse up; return by kind of thing how many there were and are."""
    counts: dict[str, tuple[int, int]] = {}
    for one in keep_up(SETTINGS, warehouse, is_dry=is_dry, now=now):
        before, after = counts.get(one.what, (0, 0))
        counts[one.what] = before + one.before, after + one.after
    return counts


def later(days: int = 40) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)


def test_small_files_of_a_day_become_one_and_the_rows_stay(warehouse):
    before, untouched, now = contents(warehouse), files(warehouse), later()
    told = kept(warehouse, now, is_dry=True)
    assert files(warehouse) == untouched, "telling changes nothing"
    assert told["data files in force"] == (16, 4)
    assert kept(warehouse, now) == told
    assert contents(warehouse) == before
    again = kept(warehouse, now)
    assert again["data files in force"] == (4, 4)
    assert again["snapshots"][1] <= told["snapshots"][1] + 2, "what it was before can be undone for thirty days"


def test_after_another_month_the_old_files_go(warehouse):
    before = contents(warehouse)
    for days in (40, 80):
        kept(warehouse, later(days))
    data = [path for path, _ in files(warehouse) if path.endswith(".parquet")]
    assert len(data) == 4
    assert contents(warehouse) == before


def test_a_day_that_was_written_within_the_month_is_left_alone(warehouse):
    between = datetime.now(UTC)
    opened(warehouse).table(TABLE).append(rows(TABLE, 5, DAYS[:1]))
    assert kept(warehouse, between + MONTH)["data files in force"] == (17, 8), "a day of one table keeps its five"
    assert kept(warehouse, datetime.now(UTC))["data files in force"] == (8, 8), "nothing is a month old"


def test_what_a_run_has_staged_stays_ahead_of_what_is_published(warehouse):
    tables = opened(warehouse)
    tables.branch(TABLE, "run_1")
    tables.table(TABLE).append(rows(TABLE, 7, DAYS[2:]), branch="run_1")
    assert kept(warehouse, later())["data files in force"] == (16, 10), "the other table alone"
    tables = opened(warehouse)
    assert tables.arrow_days(TABLE, DAYS, "run_1").num_rows == 9
    assert tables.publish("run_1") == [TABLE]


def test_rows_that_are_not_the_same_in_the_new_file_stop_it(warehouse, monkeypatch):
    before, real = contents(warehouse), compact._dataframe_to_data_files
    for wrong in (lambda rows: rows.slice(1), lambda rows: pa.concat_tables([rows.slice(1), rows.slice(0, 1), rows])):
        monkeypatch.setattr(compact, "_dataframe_to_data_files", lambda m, r, io, f=wrong: real(m, f(r), io))
        with pytest.raises(WarehouseError, match="are not the same there"):
            kept(warehouse, later())
    assert contents(warehouse) == before


def test_many_manifests_become_few(warehouse, monkeypatch):
    before = contents(warehouse)
    now = datetime.now(UTC)  # no file is old enough to be touched
    assert kept(warehouse, now)["manifests in force"] == (8, 8), "a few are no trouble"
    monkeypatch.setattr(compact, "MANY_MANIFESTS", 3)
    told = kept(warehouse, now, is_dry=True)
    assert told["manifests in force"] == (8, 2)
    assert kept(warehouse, now) == told
    tables = opened(warehouse)
    assert sum(len(compact.manifests(tables, name)) for name in tables.names) == 2
    assert not [key for key in tables.table(TABLE).properties if "min-count" in key]
    assert contents(warehouse) == before


@pytest.mark.parametrize(
    ("module", "function", "calls"),
    [(compact, "_rewritten", 1), (upkeep, "merge_manifests", 0), (upkeep, "remove", 1), (upkeep, "keep_folder", 0)],
)  # fmt: skip
def test_it_may_be_killed_anywhere_and_repeated(warehouse, monkeypatch, module, function, calls):
    monkeypatch.setattr(compact, "MANY_MANIFESTS", 1)
    before, real, done = contents(warehouse), getattr(module, function), []

    def killed(*arguments: Any, **words: Any) -> Any:
        if len(done) == calls:
            raise Killed
        done.append(function)
        return real(*arguments, **words)

    target = "jobs.steps.maintain.keep_folder" if function == "keep_folder" else f"{module.__name__}.{function}"
    with monkeypatch.context() as patched:
        patched.setattr(target, killed)
        with pytest.raises(Killed):
            kept(warehouse, later())
    assert contents(warehouse) == before
    kept(warehouse, later())
    counts = kept(warehouse, later(days=80))
    assert counts["data files in force"] == (4, 4)
    assert len([path for path, _ in files(warehouse) if path.endswith(".parquet")]) == 4, "no file of the kill is left"
    assert contents(warehouse) == before


def test_caches_tracebacks_and_what_was_killed_go_and_the_catalog_file_is_packed(warehouse):
    now = datetime.now(UTC)
    for folder in ("fits", "scratch"):
        (warehouse.path / folder).mkdir()
    data = f"lake/pd/{TABLE}/data"  # what a run that was killed just now left there may be looked at
    aged = [warehouse.path / name for name in ("fits/a.json", "fits/.b.1", "error-1.txt", f"{data}/a", "salt")]
    fresh = [warehouse.path / name for name in ("fits/c.json", "error-2.txt", f"{data}/c", "scratch/x")]
    for path in (*aged, *fresh):
        path.write_bytes(b"1234")
    for path in aged:
        os.utime(path, (0, 0))
    with closing(sqlite3.connect(warehouse.path / "catalog.db")) as connection:
        connection.execute("create table filler as select randomblob(100000)")
        connection.execute("drop table filler")
        connection.commit()
    size = (warehouse.path / "catalog.db").stat().st_size
    told = keep_up(SETTINGS, warehouse, is_dry=True, now=now)
    assert all(path.exists() for path in (*aged, *fresh))
    assert keep_up(SETTINGS, warehouse, is_dry=False, now=now) == told
    found = {one.place: (one.before, one.after, one.n_bytes) for one in told}
    assert (found["fits"], found["error-*.txt"]) == ((3, 1, 8), (2, 1, 4))
    assert [path.exists() for path in (*aged, *fresh)] == [False] * 4 + [True] * 4 + [False]
    saved = next(one.n_bytes for one in told if one.place == "catalog.db")
    assert saved > 100_000
    assert (warehouse.path / "catalog.db").stat().st_size == size - saved


def test_a_reader_of_the_catalog_file_stops_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(upkeep, "BUSY_SECONDS", 0.05)
    with closing(sqlite3.connect(tmp_path / "catalog.db")) as reader:
        reader.execute("create table filler as select randomblob(100000)")
        reader.execute("create table rows as select 1")
        reader.execute("drop table filler")
        reader.commit()
        reader.execute("begin")
        reader.execute("select * from rows").fetchone()
        with capture_logs() as told:
            saved = list(upkeep.keep_folder(Warehouse(tmp_path), datetime.now(UTC), is_dry=False))
    assert [line["event"] for line in told] == ["the catalog file stays as large as it is"]
    assert [one.n_bytes for one in saved if one.place == "catalog.db"] == [0]


@pytest.fixture
def said(warehouse: Warehouse) -> Callable[..., str]:
    def run(*, dry_run: bool) -> str:
        text = StringIO()
        shared = Context(SETTINGS, SOURCES, warehouse.path, Console(file=text, width=100))
        maintain(type("Typed", (), {"obj": shared})(), dry_run=dry_run)
        return text.getvalue()

    return run


def test_the_command_says_what_it_saves(warehouse, said):
    (warehouse.path / "error-1.txt").write_bytes(b"1" * 20_000)
    os.utime(warehouse.path / "error-1.txt", (0, 0))
    assert "would save" in said(dry_run=True)
    table = said(dry_run=False)
    row = next(line for line in table.splitlines() if "tracebacks" in line).split("│")[1:5]
    assert [word.strip() for word in row] == ["tracebacks", "1", "0", "0.02"]
    assert "tracebacks of error-*.txt: 0.02 MB" in table


def test_what_is_no_warehouse_is_not_made_one(tmp_path):
    nowhere = Warehouse(tmp_path / "nowhere")
    with pytest.raises(WarehouseError, match="Nothing has been ingested"):
        keep_up(SETTINGS, nowhere, is_dry=False)
    assert not nowhere.path.exists()
