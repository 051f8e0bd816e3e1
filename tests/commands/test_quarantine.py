"""The command `quarantine` on real tables, without an engine: which lines it shows, of which run, and how."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from rich.console import Console

from jobs.commands.quarantine import Wanted, show_refused
from jobs.contracts import TABLES
from jobs.errors import UsageError, WarehouseError
from jobs.schemas import arrow_schema
from jobs.settings import load_settings
from jobs.transforms import events
from jobs.warehouse.home import open_home
from jobs.warehouse.manifest import Run
from jobs.warehouse.publish import publish
from jobs.warehouse.refused import REASONS
from jobs.warehouse.runs import Warehouse
from jobs.warehouse.tables import Tables

DAY, NEXT, AFTER = date(2026, 3, 19), date(2026, 3, 20), date(2026, 3, 21)
ANN = json.dumps({"action": "click", "performer": {"name": "Ann Smith", "id": 1234567}})
SETTINGS = load_settings(None)[0]


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    found = Warehouse(tmp_path / "warehouse")
    found.prepare()
    return found


def staged(warehouse: Warehouse, *lines: tuple[str, str | None], day: date = DAY) -> Run:
    """Stage a run of two days in which these lines, as reason and text, were refused on one of them."""
    tables = Tables(open_home({}, warehouse.path)[0])
    tables.ensure_tables()
    run = warehouse.new_run(DAY, AFTER, "in")
    kept = {"event_date": day, "event_hour": 4, "fate": "kept", "reason": None, "n_lines": 50}
    log = [{**kept, "fate": "quarantined", "reason": reason, "n_lines": 1} for reason, _ in lines]
    put(tables, "ingest_log", [kept, *log], run)
    held = [
        {"event_date": day, "event_hour": 4, "reason": reason, "file": f"raw/{n}.gz", "line": line, "line_hash": n}
        for n, (reason, line) in enumerate(lines)
    ]
    put(tables, "quarantine", held, run)
    return run


def put(tables: Tables, name: str, rows: list[dict[str, Any]], run: Run) -> None:
    tables.branch(name, run.run_id)
    rows_of = pa.Table.from_pylist(rows, schema=arrow_schema(TABLES[name].columns))
    tables.table(name).append(rows_of, branch=run.run_id)


def published(warehouse: Warehouse, *lines: tuple[str, str | None]) -> Run:
    run = staged(warehouse, *lines)
    tables = Tables(open_home({}, warehouse.path)[0])
    tables.ensure_tables()
    publish(tables, warehouse, run)
    return run


@pytest.fixture
def show(warehouse: Warehouse) -> Callable[..., str]:
    def show(day: date = DAY, reason: str | None = None, limit: int = 20, **how: bool) -> str:
        wanted = Wanted(day, reason, limit, is_staged=how.get("is_staged", False), is_raw=how.get("is_raw", False))
        text = StringIO()
        show_refused(Console(file=text, width=100), SETTINGS, warehouse, wanted)
        return text.getvalue()

    return show


def shown(text: str, name: str) -> list[str]:
    return [line.split(None, 1)[1] for line in text.splitlines() if line.startswith(f"{name} ")]


def test_file_reason_and_line_are_shown_with_ids_masked(warehouse: Warehouse, show: Callable[..., str]) -> None:
    published(warehouse, ("schema:agent", ANN), ("unreadable_file", None), ("schema:agent", "{\x1b[2J"))
    text = show()
    assert "Quarantined, 2026-03-19, as published" in text
    assert "Ann" not in text
    assert "1234567" not in text
    assert sorted(zip(shown(text, "reason"), shown(text, "file"), shown(text, "line"), strict=True)) == [
        ("schema:agent", "raw/0.gz", '{"action":"click","performer":{"name":"***","id":"***"}}'),
        ("schema:agent", "raw/2.gz", "{***[***"),
        ("unreadable_file", "raw/1.gz", "–"),
    ]
    assert [line.split("│")[1:3] for line in text.splitlines() if line.startswith("│")] == [
        [" schema:agent    ", "     2 "], [" unreadable_file ", "     1 "],
    ]  # fmt: skip


def test_raw_shows_the_line_as_it_came(warehouse: Warehouse, show: Callable[..., str]) -> None:
    published(warehouse, ("schema:agent", ANN), ("schema:agent", "{\x1b[2J"))
    assert sorted(shown(show(is_raw=True), "line")) == [ANN, r"{\x1b[2J"], "but it cannot steer the terminal"


def test_one_reason_and_so_many_lines(warehouse: Warehouse, show: Callable[..., str]) -> None:
    published(warehouse, *[("schema:agent", ANN)] * 25, *[("unknown_wiki", ANN)] * 3)
    assert len(shown(show(), "line")) == 20
    assert len(shown(show(limit=2), "line")) == 2
    assert shown(show(reason="unknown_wiki"), "reason") == ["unknown_wiki"] * 3


def test_a_reason_of_which_there_are_no_lines_is_good_news(warehouse: Warehouse, show: Callable[..., str]) -> None:
    published(warehouse, ("schema:agent", ANN), ("unknown_wiki", ANN))
    told = "2026-03-19, as published. There are lines for schema:agent, unknown_wiki.\n"
    for reason in ("not_in_sample", "schema:meta.dt"):
        assert show(reason=reason) == f"No line is quarantined for {reason}: {told}"


def test_the_reasons_are_those_of_ingest() -> None:
    assert set(REASONS) == set(re.findall(r'_reason\("(\w+)"', inspect.getsource(events)))


def test_it_says_how_many_of_how_many_are_shown(warehouse: Warehouse, show: Callable[..., str]) -> None:
    published(warehouse, *[("schema:agent", ANN)] * 7, *[("unknown_wiki", ANN)] * 3)
    assert show(limit=6).splitlines()[-1] == "6 of 10 shown; --limit N shows more."
    assert show(reason="unknown_wiki").splitlines()[-1] == "3 of 3 shown."


def test_an_unknown_reason_names_those_of_the_day(warehouse: Warehouse, show: Callable[..., str]) -> None:
    published(warehouse, ("schema:agent", ANN), ("unknown_wiki", ANN), ("unknown_wiki", ANN))
    with pytest.raises(UsageError, match="There is no reason 'schema'") as caught:
        show(reason="schema")
    assert caught.value.next_step == "there are unknown_wiki, schema:agent", "most first"


def test_a_day_without_refused_lines_says_so(warehouse: Warehouse, show: Callable[..., str]) -> None:
    published(warehouse)
    assert show() == "No line is quarantined: 2026-03-19, as published.\n"
    assert show(reason="schema:agent") == show()
    run_it = f"pdmetrics --warehouse {warehouse.path} run --date 2026-03-20 --input DIR"
    assert show(NEXT) == f"Nothing of 2026-03-20 is published or staged. Next: {run_it}\n"
    with pytest.raises(UsageError) as caught:
        show(NEXT, is_staged=True)
    assert caught.value.next_step == f"it is not published either: {run_it}"
    with pytest.raises(UsageError) as caught:
        show(is_staged=True)
    assert caught.value.next_step == "leave out --staged for what is published"
    run = staged(warehouse, ("schema:agent", ANN), day=NEXT)
    assert show(NEXT) == f"Nothing of 2026-03-20 is published; {run.run_id} has staged it: add --staged.\n"


def test_staged_lines_are_those_of_the_newest_run_be_it_failed(warehouse: Warehouse, show: Callable[..., str]) -> None:
    published(warehouse, ("unknown_wiki", ANN))
    run = staged(warehouse, ("schema:agent", ANN), day=NEXT)
    run.state = "failed"
    warehouse.save(run)
    assert shown(show(NEXT, is_staged=True), "reason") == ["schema:agent"]
    assert f"as {run.run_id} staged it" in " ".join(show(NEXT, is_staged=True).split())
    assert shown(show(), "reason") == ["unknown_wiki"]
    with pytest.raises(UsageError, match="Nothing is staged of 2026-03-21") as caught:
        show(AFTER, is_staged=True)
    assert f"{run.run_id}, is failed" in str(caught.value)


def test_nothing_is_staged_where_all_is_published(warehouse: Warehouse, show: Callable[..., str]) -> None:
    published(warehouse, ("unknown_wiki", ANN))
    with pytest.raises(UsageError, match="is published"):
        show(is_staged=True)


def test_looking_makes_nothing(warehouse: Warehouse, show: Callable[..., str]) -> None:
    before = sorted(warehouse.path.rglob("*"))
    with pytest.raises(WarehouseError, match="Nothing has been ingested"):
        show()
    assert sorted(warehouse.path.rglob("*")) == before
    open_home({}, warehouse.path)
    with pytest.raises(WarehouseError, match="Nothing has been ingested"):
        show()


def test_a_run_may_be_writing_meanwhile(warehouse: Warehouse, show: Callable[..., str]) -> None:
    published(warehouse, ("unknown_wiki", ANN))
    with warehouse.lock():
        assert shown(show(), "reason") == ["unknown_wiki"]
