"""What a run replaced, and putting it back. Real tables, no engine."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import cast

import pyarrow as pa
import pytest

from jobs import contracts
from jobs.errors import UsageError, WarehouseError
from jobs.schemas import arrow_schema
from jobs.settings import load_settings
from jobs.steps import rollback
from jobs.steps.milestones import AUDIENCE_VALUES
from jobs.steps.rollback import METRICS, MILESTONES, Plan, begin_rollback, decided_since, make_plan
from jobs.warehouse.home import open_home
from jobs.warehouse.lake import Lake
from jobs.warehouse.manifest import Backfill, Run
from jobs.warehouse.publish import clean_up
from jobs.warehouse.runs import KEPT_RUNS, Warehouse
from jobs.warehouse.tables import MAIN, Tables, within
from jobs.warehouse.undo import (
    differing,
    heads,
    keep_reference,
    partitions,
    put_back,
    reference_before,
    replaced_by,
    set_back,
)

D1, D2, D3, D4 = (date(2026, 3, day) for day in (1, 2, 3, 4))
LOG = "ingest_log"
NOW = datetime(2026, 4, 1, tzinfo=UTC)


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    found = Warehouse(tmp_path / "warehouse")
    found.prepare()
    return found


@pytest.fixture
def tables(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> Tables:
    """A lake of few tables: all of them would take a second a test."""
    names = (LOG, METRICS, MILESTONES, AUDIENCE_VALUES)
    monkeypatch.setattr(contracts, "TABLES", {name: contracts.TABLES[name] for name in names})
    found = Tables(open_home({}, warehouse.path)[0])
    found.ensure_tables()
    return found


def stage(tables: Tables, run_id: str, days: Mapping[date, int], name: str = LOG) -> None:
    """Overwrite partitions of a run's branch, a row each."""
    contract = contracts.table(name)
    schema = arrow_schema(contract.columns)
    value = "n_lines" if name == LOG else "window_days"
    rows = [{**dict.fromkeys(schema.names), contract.partition: day, value: number} for day, number in days.items()]
    tables.branch(name, run_id)
    tables.table(name).overwrite(
        pa.Table.from_pylist(rows, schema=schema), within(contract.partition, list(days)), branch=run_id
    )


def published(tables: Tables, run_id: str, days: Mapping[date, int], name: str = LOG) -> list[int]:
    """Stage and publish; return what the table was before and after."""
    stage(tables, run_id, days, name)
    found = replaced_by(tables, run_id)[name]
    tables.publish(run_id)
    return found


def found(tables: Tables, run_id: str | None = None, name: str = LOG) -> dict[date, int]:
    rows = tables.arrow_days(name, [D1, D2, D3, D4], run_id).to_pylist()
    value = "n_lines" if name == LOG else "window_days"
    assert len({row[contracts.table(name).partition] for row in rows}) == len(rows), "a row a day"
    return {row[contracts.table(name).partition]: row[value] for row in rows}


def noted(begun: datetime = NOW, **values: object) -> Backfill:
    return Backfill("late hours", "digest", begun, **values)  # type: ignore[arg-type]


def test_partitions_come_back_by_their_files(tables: Tables) -> None:
    published(tables, "run_1", {D1: 1, D2: 2, D4: 4})
    before, after = published(tables, "run_2", {D2: 22, D3: 33})
    published(tables, "run_3", {D4: 44})
    days = differing(partitions(tables, LOG, before), partitions(tables, LOG, after))
    assert days == [D2, D3]
    n_files = len(list(Path(tables.table(LOG).location().removeprefix("file://")).rglob("*.parquet")))
    put_back(tables, LOG, before, days, "run_4")
    assert found(tables) == {D1: 1, D2: 22, D3: 33, D4: 44}, "staged is not published"
    assert found(tables, "run_4") == {D1: 1, D2: 2, D4: 44}
    tables.publish("run_4")
    assert found(tables) == {D1: 1, D2: 2, D4: 44}
    assert partitions(tables, LOG, tables.snapshot(LOG, None))[D2] == partitions(tables, LOG, before)[D2]
    now = len(list(Path(tables.table(LOG).location().removeprefix("file://")).rglob("*.parquet")))
    assert now == n_files, "no row was written"


def test_what_is_back_already_stays(tables: Tables) -> None:
    before, _ = published(tables, "run_1", {D1: 1})
    snapshot = tables.snapshot(LOG, None)
    put_back(tables, LOG, snapshot, [D1], "run_2")
    assert found(tables, "run_2") == {D1: 1}
    put_back(tables, LOG, before, [D1], "run_3")
    assert found(tables, "run_3") == {}


def test_what_left_the_history_is_told(tables: Tables) -> None:
    before, _ = published(tables, "run_1", {D1: 1})
    published(tables, "run_2", {D1: 2})
    tables.expire(LOG, datetime.now(UTC) + timedelta(minutes=1))
    with pytest.raises(WarehouseError, match="not in its history any more"):
        partitions(tables, LOG, before)


def test_what_was_published_thirty_days_ago_stays_however_old_it_is(tables: Tables) -> None:
    published(tables, "run_1", {D1: 1})
    before, _ = published(tables, "run_2", {D1: 2})
    between = datetime.fromtimestamp(tables.table(LOG).metadata.snapshot_log[-1].timestamp_ms / 1000, UTC)
    tables.expire(LOG, between)
    assert partitions(tables, LOG, before)
    assert found(tables) == {D1: 2}
    tables.expire(LOG, between + timedelta(seconds=1))
    assert tables.table(LOG).snapshot_by_id(before) is None


def test_branches_are_set_back_to_what_was_noted_of_them(tables: Tables) -> None:
    published(tables, "run_a", {D1: 1})
    stage(tables, "run_b", {D2: 2})
    noted_heads = heads(tables, "run_b")
    stage(tables, "run_b", {D2: 3, D4: 4})
    stage(tables, "run_b", {D2: 3}, METRICS)
    for _ in range(2):
        set_back(tables, "run_b", noted_heads)
        assert heads(tables, "run_b") == noted_heads
    assert found(tables, "run_b") == {D1: 1, D2: 2}
    stage(tables, "run_b", {D3: 3})
    tables.publish("run_b")
    assert found(tables) == {D1: 1, D2: 2, D3: 3}
    assert found(tables, name=METRICS) == {}


def test_a_branch_is_ahead_until_something_else_is_published(tables: Tables) -> None:
    assert not tables.is_ahead("run_1")
    stage(tables, "run_1", {D1: 1})
    assert tables.is_ahead("run_1")
    published(tables, "run_2", {D2: 2})
    assert not tables.is_ahead("run_1")


def backfilled(warehouse: Warehouse, state: str, begun: datetime, published_at: datetime | None = None) -> Run:
    run = warehouse.new_run(D1, D3, "in")
    run.state, run.published_at = state, published_at
    run.done, run.backfill = (
        ["ingest"],
        noted(begun, ingested_to=D2, heads={LOG: 3}, snapshots={LOG: [1, 2]}, removed=[D4]),
    )
    warehouse.save(run)
    return run


def test_manifests_of_backfills_are_read_as_they_were_written(warehouse: Warehouse) -> None:
    run = backfilled(warehouse, "published", NOW, NOW + timedelta(hours=1))
    assert warehouse.all_runs() == [run]
    assert run.removed == [D4]


def test_a_run_does_not_go_on_with_what_a_backfill_staged(warehouse: Warehouse) -> None:
    backfilled(warehouse, "open", datetime.now(UTC))
    with pytest.raises(UsageError, match="--steps ingest"):
        warehouse.staged_run(D1, D3, after="ingest")


def test_a_backfill_that_is_dropped_can_say_so(warehouse: Warehouse, tables: Tables) -> None:
    run = backfilled(warehouse, "open", datetime.now(UTC))
    stage(tables, run.run_id, {D1: 1})
    clean_up(tables, warehouse)
    assert [(one.run_id, one.state) for one in warehouse.all_runs()] == [(run.run_id, "dropped")]
    assert set(tables.refs(LOG)) == {MAIN}


def test_backfills_are_remembered_for_thirty_days(warehouse: Warehouse) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    old, new = now - timedelta(days=31), now - timedelta(days=29)
    kept = [backfilled(warehouse, "published", old, new), backfilled(warehouse, "dropped", new)]
    for state in ("published", "dropped", "failed", "open"):
        backfilled(warehouse, state, old, old if state == "published" else None)
    for _ in range(KEPT_RUNS):
        run = warehouse.new_run(D1, D2, "in")
        run.state = "published"
        warehouse.save(run)
    warehouse.forget_old()
    assert [run.run_id for run in warehouse.all_runs() if run.backfill] == [run.run_id for run in kept]


def test_the_csvs_from_before_are_kept(warehouse: Warehouse) -> None:
    first, run = warehouse.new_run(D1, D2, "in"), warehouse.new_run(D1, D2, "in")
    keep_reference(warehouse, run)
    assert not reference_before(warehouse, run).exists(), "nothing was published before"
    (warehouse.reference(first.run_id) / "wikis.csv").write_text("before")
    first.state = "published"
    warehouse.save(first)
    for _ in range(2):  # also after a kill
        keep_reference(warehouse, run)
    assert (reference_before(warehouse, run) / "wikis.csv").read_text() == "before"


# What a rollback does


def undone(warehouse: Warehouse, snapshots: dict[str, list[int]]) -> Run:
    run = warehouse.new_run(D2, D3, "in")
    run.state, run.changed, run.backfill = "published", [D2], noted(snapshots=snapshots)
    warehouse.save(run)
    return run


def history(tables: Tables, warehouse: Warehouse, later: Mapping[str, Mapping[date, int]]) -> Plan:
    """Three days are published, the second is backfilled; then what a later run publishes; then the plan to undo."""
    for name in (LOG, METRICS, MILESTONES):
        published(tables, "run_a", {D1: 1, D2: 1, D3: 1} if name == LOG else {D1: 1, D3: 1}, name)
    snapshots = {
        name: published(tables, f"run_{name}", days, name)
        for name, days in ((LOG, {D2: 2}), (METRICS, {D2: 2, D3: 2}), (MILESTONES, {D2: 2, D3: 2}))
    }
    run = undone(warehouse, snapshots)
    for name, days in later.items():
        published(tables, f"run_b_{name}", days, name)
    rerun = warehouse.new_run(D2, D4, "in")
    rerun.state, rerun.changed = "published", sorted(later.get(LOG, {}))
    warehouse.save(rerun)
    return make_plan(tables, warehouse, run)  # type: ignore[arg-type]


def test_all_comes_back_where_nobody_has_written_since(tables: Tables, warehouse: Warehouse) -> None:
    plan = history(tables, warehouse, {})
    assert plan.back == {LOG: [D2], METRICS: [D2, D3], MILESTONES: [D2, D3]}
    assert (plan.days, plan.again, plan.milestones, plan.removed) == ([D2], [], [], [D2])
    assert plan.as_of == [D3]


def test_what_a_later_run_made_of_it_is_computed_again(tables: Tables, warehouse: Warehouse) -> None:
    later = {LOG: {D4: 4}, METRICS: {D4: 4, D3: 3}, MILESTONES: {D3: 3, D4: 4}}
    plan = history(tables, warehouse, later)
    assert plan.back == {LOG: [D2], METRICS: [D2], MILESTONES: [D2]}
    assert (plan.again, plan.milestones, plan.removed) == ([D3, D4], [D3, D4], [D2])
    assert plan.as_of == [D3, D4]


def test_milestones_of_a_date_that_an_audience_has_too_stay(tables: Tables, warehouse: Warehouse) -> None:
    plan = history(tables, warehouse, {AUDIENCE_VALUES: {D2: 1, D4: 1}, MILESTONES: {D2: 3, D3: 3, D4: 3}})
    assert (plan.removed, plan.milestones, plan.back[MILESTONES]) == ([D2], [D2, D3, D4], [])
    assert plan.as_of == [D3], "the gate of the marts asks for metric rows of days"


def test_where_rows_are_only_taken_away_the_newest_date_left_is_judged(tables: Tables, warehouse: Warehouse) -> None:
    for name in (LOG, METRICS):
        published(tables, "run_a", {D1: 1, D2: 1}, name)
    snapshots = {name: published(tables, "run_b", {D3: 2, D4: 2}, name) for name in (LOG, METRICS)}
    plan = make_plan(tables, warehouse, undone(warehouse, snapshots))  # type: ignore[arg-type]
    assert (plan.removed, plan.again, plan.as_of) == ([D3, D4], [], [D2])


def test_milestones_of_dates_before_it_stay_though_their_files_are_others(tables: Tables, warehouse: Warehouse) -> None:
    plan = history(tables, warehouse, {MILESTONES: {D1: 1, D4: 4}})
    assert (plan.milestones, plan.back[MILESTONES], plan.as_of) == ([D4], [D2, D3], [D3])


def test_later_days_with_duplicates_decided_since_are_named(
    tables: Tables, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rollback, "DUPLICATES", LOG)
    published(tables, "run_a", {D1: 1, D2: 1, D3: 1})
    plan, lake = Plan(undone(warehouse, {LOG: published(tables, "run_b", {D2: 2})}), [D2]), cast(Lake, tables)
    assert decided_since(lake, plan, 7) == [], "what stands did not know of the lines that go"
    published(tables, "run_c", {D1: 3, D3: 3, D4: 4})
    assert decided_since(lake, plan, 7) == [D3, D4]
    assert decided_since(lake, plan, 1) == [D3]


def test_days_that_were_written_since_are_refused(tables: Tables, warehouse: Warehouse) -> None:
    with pytest.raises(UsageError, match=rf"{D2} was written again since, by run_20260302_20260304_\d"):
        history(tables, warehouse, {LOG: {D2: 9}})


def test_of_what_was_undone_already_only_the_report_is_left(tables: Tables, warehouse: Warehouse) -> None:
    published(tables, "run_a", {D1: 1}, METRICS)
    run = undone(warehouse, {METRICS: published(tables, "run_b", {D2: 2}, METRICS)})
    undoing = warehouse.new_run(D2, D3, "in")
    undoing.state, undoing.backfill = "published", noted(undoes=run.run_id)
    warehouse.save(undoing)
    assert begin_rollback(tables, warehouse, load_settings(None)[0], run.run_id, "") == (undoing, None)  # type: ignore[arg-type]


def test_a_backfill_before_which_nothing_was_published_is_not_undone(tables: Tables, warehouse: Warehouse) -> None:
    snapshots = {METRICS: published(tables, "run_1", {D2: 2}, METRICS)}
    with pytest.raises(UsageError, match="nothing would be left"):
        make_plan(tables, warehouse, undone(warehouse, snapshots))  # type: ignore[arg-type]
