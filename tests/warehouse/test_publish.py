"""Publishing a run in one step, killed anywhere; what a killed run leaves behind. Real tables, no engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from lake_cases import DAYS, TABLE
from structlog.testing import capture_logs

from jobs import contracts
from jobs.errors import WarehouseError
from jobs.schemas import arrow_schema
from jobs.warehouse import publish as publishing
from jobs.warehouse.home import open_home
from jobs.warehouse.manifest import Run
from jobs.warehouse.publish import clean_up, publish, recover, roll_forward
from jobs.warehouse.runs import KEPT_RUNS, Warehouse
from jobs.warehouse.tables import MAIN, Tables

SECOND = "sampling_audit"
TABLES = (TABLE, SECOND)
DAY, NEXT = DAYS[0], DAYS[1]


class Killed(BaseException):
    """Like the end of a process: nothing catches it."""


@dataclass(frozen=True)
class Seen:
    """What anybody sees of a warehouse: published rows by table, the marts, each run's state, what is under way."""

    rows: dict[str, list[int]]
    marts: str | None
    states: dict[str, str]
    branches: set[str]
    has_journal: bool


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    found = Warehouse(tmp_path / "warehouse")
    found.prepare()
    return found


def opened(warehouse: Warehouse) -> Tables:
    """The tables as another process finds them."""
    tables = Tables(open_home({}, warehouse.path)[0])
    tables.ensure_tables()
    return tables


def staged(warehouse: Warehouse, number: int) -> Run:
    """A run that is ready to be published: a row of two tables, and marts beside the published ones."""
    run = warehouse.new_run(DAY, NEXT, "in")
    run.done = ["ingest", "estimates", "marts"]
    warehouse.save(run)
    stage(opened(warehouse), run.run_id, number)
    warehouse.next_marts.parent.mkdir(exist_ok=True)
    warehouse.next_marts.write_text(f"marts of {number}")
    return run


def stage(tables: Tables, branch: str, number: int) -> None:
    values: dict[str, Any] = {"event_date": DAY, "n_lines": number, "n_ids": number}
    for name in TABLES:
        schema = arrow_schema(contracts.table(name).columns)
        row = {field.name: values.get(field.name) for field in schema}
        tables.branch(name, branch)
        tables.table(name).append(pa.Table.from_pylist([row], schema=schema), branch=branch)


def seen(warehouse: Warehouse) -> Seen:
    tables = opened(warehouse)
    return Seen(
        {
            name: sorted(tables.arrow_days(name, [DAY])[column].to_pylist())
            for name, column in zip(TABLES, ("n_lines", "n_ids"), strict=True)
        },
        warehouse.marts.read_text() if warehouse.marts.exists() else None,
        {run.run_id: run.state for run in warehouse.all_runs()},
        {ref for name in contracts.TABLES for ref in tables.refs(name)} - {MAIN},
        warehouse.journal.exists(),
    )


def rows(*numbers: int) -> dict[str, list[int]]:
    return {name: list(numbers) for name in TABLES}


def test_a_run_is_published_as_a_whole(warehouse: Warehouse) -> None:
    run, other = staged(warehouse, 1), warehouse.new_run(DAY, NEXT, "in")
    assert seen(warehouse).rows == rows(), "staged is not published"
    publish(opened(warehouse), warehouse, run)
    states = {run.run_id: "published", other.run_id: "open"}
    assert seen(warehouse) == Seen(rows(1), "marts of 1", states, set(), has_journal=False)
    assert not warehouse.next_marts.exists()
    assert Warehouse(warehouse.path).newest_run(DAY, NEXT) == other
    assert Warehouse(warehouse.path).all_runs()[0].done == run.done


def lose_a_branch(warehouse: Warehouse, run: Run) -> None:
    """Another command, which did not know of the run, drops something that it staged."""
    opened(warehouse).table(TABLES[1]).manage_snapshots().remove_branch(run.run_id).commit()


def test_a_run_that_lost_a_table_is_not_published_without_it(warehouse: Warehouse) -> None:
    run = staged(warehouse, 1)
    tables = opened(warehouse)
    lose_a_branch(warehouse, run)
    with pytest.raises(WarehouseError, match=f"staged of {TABLES[1]} is gone"):
        publish(tables, warehouse, run)
    assert seen(warehouse).rows == rows()
    assert not warehouse.journal.exists(), "it may be run again"


def test_nor_where_it_lost_the_table_after_its_publish_was_cut_off(warehouse: Warehouse) -> None:
    run = staged(warehouse, 1)
    published_until(warehouse, run, after_the_journal)
    lose_a_branch(warehouse, run)
    with pytest.raises(WarehouseError, match=f"staged of {TABLES[1]} is gone"):
        recover(opened(warehouse), warehouse)
    assert seen(warehouse).rows == rows()


# --- Killed on the way


def before_the_journal(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(publishing, "write_json", _kill)


def after_the_journal(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Tables, "publish", _kill)


def between_two_tables(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Tables, "expire", _kill)


def after_the_tables(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Warehouse, "replace_marts", _kill)


def after_the_marts(patch: pytest.MonkeyPatch) -> None:
    replace = Warehouse.replace_marts
    patch.setattr(Warehouse, "replace_marts", lambda *arguments: (replace(*arguments), _kill()))


def before_the_manifest(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Warehouse, "save", _kill)


def before_the_journal_is_removed(patch: pytest.MonkeyPatch) -> None:
    save = Warehouse.save
    patch.setattr(Warehouse, "save", lambda *arguments: (save(*arguments), _kill()))


def _kill(*_: object) -> None:
    raise Killed


MOMENTS = (
    after_the_journal, between_two_tables, after_the_tables, after_the_marts, before_the_manifest,
    before_the_journal_is_removed,
)  # fmt: skip


def killed(moment: Callable[[pytest.MonkeyPatch], None], action: Callable[[], None]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        moment(patch)
        with pytest.raises(Killed):
            action()


def published_until(warehouse: Warehouse, run: Run, moment: Callable[[pytest.MonkeyPatch], None]) -> None:
    killed(moment, partial(publish, opened(warehouse), warehouse, run))


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_publish_killed_anywhere_is_finished(
    warehouse: Warehouse, moment: Callable[[pytest.MonkeyPatch], None]
) -> None:
    publish(opened(warehouse), warehouse, first := staged(warehouse, 1))
    second = staged(warehouse, 2)
    published_until(warehouse, second, moment)
    assert warehouse.journal.exists()
    with capture_logs() as told:
        recover(opened(warehouse), Warehouse(warehouse.path))
    states = {first.run_id: "published", second.run_id: "published"}
    finished = Seen(rows(1, 2), "marts of 2", states, set(), has_journal=False)
    assert seen(warehouse) == finished
    assert (told[0]["log_level"], told[0]["event"]) == ("warning", "an earlier publish was cut off; finishing it")
    recover(opened(warehouse), warehouse)
    assert seen(warehouse) == finished, "there is nothing more to finish"


@pytest.mark.parametrize(
    ("moment", "tables", "marts"),
    [
        (after_the_journal, [1], 1),
        (after_the_tables, [1, 2], 1),
        (after_the_marts, [1, 2], 2),
        (before_the_journal_is_removed, [1, 2], 2),
    ],
)
def test_the_order_is_journal_tables_marts(
    warehouse: Warehouse, moment: Callable[[pytest.MonkeyPatch], None], tables: list[int], marts: int
) -> None:
    publish(opened(warehouse), warehouse, staged(warehouse, 1))
    second = staged(warehouse, 2)
    published_until(warehouse, second, moment)
    assert warehouse.publishing() == second.run_id
    left = seen(warehouse)
    assert (left.rows, left.marts) == (rows(*tables), f"marts of {marts}")


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_recovery_that_is_killed_too_is_finished(
    warehouse: Warehouse, moment: Callable[[pytest.MonkeyPatch], None]
) -> None:
    run = staged(warehouse, 1)
    published_until(warehouse, run, after_the_journal)
    killed(moment, partial(recover, opened(warehouse), warehouse))
    recover(opened(warehouse), warehouse)
    assert seen(warehouse) == Seen(rows(1), "marts of 1", {run.run_id: "published"}, set(), has_journal=False)


@pytest.mark.parametrize("finish", [recover, roll_forward])
def test_without_a_journal_nothing_is_published(
    warehouse: Warehouse, finish: Callable[[Tables, Warehouse], None]
) -> None:
    run = staged(warehouse, 1)
    published_until(warehouse, run, before_the_journal)
    finish(opened(warehouse), warehouse)
    assert seen(warehouse) == Seen(rows(), None, {run.run_id: "open"}, {run.run_id}, has_journal=False)


def test_marts_stay_where_a_journal_has_none_to_put_in_their_place(warehouse: Warehouse) -> None:
    publish(opened(warehouse), warehouse, staged(warehouse, 1))
    second = staged(warehouse, 2)
    warehouse.next_marts.unlink()
    publish(opened(warehouse), warehouse, second)
    assert (seen(warehouse).rows, seen(warehouse).marts) == (rows(1, 2), "marts of 1")


# --- What a killed run leaves behind


def test_what_was_staged_and_never_published_is_dropped(warehouse: Warehouse) -> None:
    publish(opened(warehouse), warehouse, first := staged(warehouse, 1))
    left = [staged(warehouse, 2), staged(warehouse, 3)]
    left[1].state = "failed"
    warehouse.save(left[1])
    with capture_logs() as told:
        clean_up(opened(warehouse), warehouse)
    assert seen(warehouse) == Seen(rows(1), "marts of 1", {first.run_id: "published"}, set(), has_journal=False)
    assert [path.name for path in warehouse.runs.iterdir()] == [first.run_id]
    dropped = [(line["log_level"], line["run"]) for line in told]
    assert dropped == [("warning", left[0].run_id), ("warning", left[1].run_id)]


def test_the_newest_published_runs_are_remembered(warehouse: Warehouse) -> None:
    made = [warehouse.new_run(DAY, NEXT, "in") for _ in range(KEPT_RUNS + 3)]
    for run in made[1:]:
        run.state = "published"
        warehouse.save(run)
    clean_up(opened(warehouse), warehouse)
    assert [run.run_id for run in warehouse.all_runs()] == [run.run_id for run in made[3:]]
    with capture_logs() as told:
        clean_up(opened(warehouse), warehouse)
    assert len(warehouse.all_runs()) == KEPT_RUNS
    assert told == []


def test_a_run_after_a_killed_one_starts_from_what_is_published(warehouse: Warehouse) -> None:
    publish(opened(warehouse), warehouse, staged(warehouse, 1))
    staged(warehouse, 2)
    clean_up(opened(warehouse), warehouse)
    publish(opened(warehouse), warehouse, third := staged(warehouse, 3))
    assert seen(warehouse).rows == rows(1, 3)
    assert seen(warehouse).states[third.run_id] == "published"
