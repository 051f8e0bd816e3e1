"""Staging, publishing and dropping, as a run does them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pyarrow.parquet as pq
import pytest
from lake_cases import DAYS, TABLE, found, rows

from jobs import contracts
from jobs.columns import BIGINT, DATE
from jobs.errors import WarehouseError
from jobs.warehouse import lake as lake_module
from jobs.warehouse import tables as tables_module
from jobs.warehouse.catalog import ensure_tables
from jobs.warehouse.frames import frame_of
from jobs.warehouse.tables import MAIN

pytestmark = pytest.mark.on_spark


def test_what_is_staged_is_seen_by_its_run_only(lake):
    lake.stage(TABLE, rows(lake.spark, 1), "run_1", DAYS)
    assert found(lake) == {}
    assert found(lake, "run_1") == dict.fromkeys(DAYS, 1)
    assert lake.publish("run_1") == [TABLE]
    assert found(lake) == dict.fromkeys(DAYS, 1)
    assert set(lake.refs(TABLE)) == {MAIN}


def test_only_the_named_partitions_are_replaced(lake):
    lake.stage(TABLE, rows(lake.spark, 1), "run_1", DAYS)
    lake.publish("run_1")
    lake.stage(TABLE, rows(lake.spark, 2, DAYS[:1]), "run_2", DAYS[:2])
    assert found(lake, "run_2") == {DAYS[0]: 2, DAYS[2]: 1}
    assert found(lake) == dict.fromkeys(DAYS, 1)


def test_a_stage_repeated_gives_the_same_rows(lake):
    for _ in range(2):
        lake.stage(TABLE, rows(lake.spark, 1), "run_1", DAYS)
    assert lake.read(TABLE, "run_1").count() == len(DAYS)


def test_days_and_spans_are_read_from_their_files_alone(lake):
    lake.stage(TABLE, rows(lake.spark, 1), "run_1", DAYS)
    lake.publish("run_1")
    assert lake.days(TABLE) == DAYS
    assert {row.event_date for row in lake.read_days(TABLE, [DAYS[0], DAYS[2]]).collect()} == {DAYS[0], DAYS[2]}
    assert {row.event_date for row in lake.read_between(TABLE, DAYS[1], DAYS[2]).collect()} == {DAYS[1]}
    assert lake.read_days(TABLE, []).count() == lake.read_between(TABLE, DAYS[1], DAYS[1]).count() == 0
    assert lake.arrow_days(TABLE, DAYS[:1])["n_lines"].to_pylist() == [1]


def test_nested_values_nulls_and_early_dates_come_back(lake):
    session = {"session_hash": 1, "session_fraction": 0.5, "n_loads": 1, "n_pageviews": 1, "n_review_pageviews": 0}
    day = date(1969, 12, 31)
    row = (day, "idwiki", "abc", "i", "session", 1.0, 1, 1, 1, 1, 0, 0, [1, None], None, [session, None])
    lake.stage("user_days", frame_of(lake.spark, [row], contracts.table("user_days").columns), "run_1", [day])
    back = lake.read("user_days", "run_1").collect()[0]
    assert back.event_date == day
    assert back.n_pageviews_at == [1, None]
    assert back.n_review_pageviews_at is None
    assert back.sessions[0].asDict() == session
    assert back.sessions[1] is None


def test_a_pandas_frame_is_staged_alike(lake):
    frame = pd.DataFrame(
        {"event_date": DAYS, "event_hour": 4, "fate": "kept", "reason": [None, "clock_skew", None], "n_lines": 3}
    )
    lake.stage_pandas(TABLE, frame, "run_1", DAYS)
    assert found(lake, "run_1") == dict.fromkeys(DAYS, 3)
    assert lake.read(TABLE, "run_1").where("reason is null").count() == 2


def test_no_days_are_no_rows_and_replace_nothing(lake):
    lake.stage(TABLE, rows(lake.spark, 1), "run_1", DAYS)
    lake.stage(TABLE, rows(lake.spark, 2), "run_1", [])
    assert found(lake, "run_1") == dict.fromkeys(DAYS, 1)
    assert lake.arrow_days(TABLE, [], "run_1").num_rows == 0


def test_a_lake_on_another_machine_is_read_and_written_past_the_engine(lake, monkeypatch):
    monkeypatch.setattr(lake_module, "local_path", lambda location: None)
    lake.stage(TABLE, rows(lake.spark, 1), "run_1", DAYS)
    lake.stage(TABLE, rows(lake.spark, 2, DAYS[:1]), "run_1", DAYS[:1])
    assert found(lake, "run_1") == {DAYS[0]: 2, DAYS[1]: 1, DAYS[2]: 1}


def test_tables_of_another_machine_are_copied_for_the_marts(lake, warehouse, monkeypatch):
    lake.stage(TABLE, rows(lake.spark, 1), "run_1", DAYS)
    here = lake.staged_tables("run_1", warehouse / "copies")[TABLE]
    assert here.metadata.name.endswith(".metadata.json")
    monkeypatch.setattr(tables_module, "local_path", lambda location: None)
    there = lake.staged_tables("run_1", warehouse / "copies")
    assert pq.read_table(there[TABLE].metadata)["n_lines"].to_pylist() == [1, 1, 1]
    assert there["events"].metadata is None, "no mart may read a table with users"


def test_a_frame_of_another_shape_is_refused(lake):
    with pytest.raises(TypeError, match="the contract says"):
        lake.stage(TABLE, rows(lake.spark, 1).drop("reason"), "run_1", DAYS)


def test_a_publish_cut_off_between_two_tables_is_finished(lake, monkeypatch):
    for name in (TABLE, "quarantine"):
        lake.stage(name, lake.read(name), "run_1", DAYS)
    lake.stage(TABLE, rows(lake.spark, 1), "run_1", DAYS)
    monkeypatch.setattr(lake, "expire", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        lake.publish("run_1")
    monkeypatch.undo()
    published = [name for name in (TABLE, "quarantine") if "run_1" not in lake.refs(name)]
    assert len(published) == 1, "the kill fell between the two commits"
    lake.publish("run_1")
    assert found(lake) == dict.fromkeys(DAYS, 1)
    assert all("run_1" not in lake.refs(name) for name in contracts.TABLES)


def test_a_branch_that_lacks_what_is_published_is_refused(lake):
    lake.stage(TABLE, rows(lake.spark, 1), "run_1", DAYS)
    lake.stage(TABLE, rows(lake.spark, 2), "run_2", DAYS)
    lake.publish("run_1")
    with pytest.raises(WarehouseError, match="published by somebody else"):
        lake.publish("run_2")
    assert found(lake) == dict.fromkeys(DAYS, 1)


def test_unfinished_runs_are_dropped(lake):
    lake.stage(TABLE, rows(lake.spark, 1), "run_1", DAYS)
    assert lake.discard() == ["run_1"]
    assert set(lake.refs(TABLE)) == {MAIN}
    assert found(lake) == {}


def test_old_snapshots_leave_the_history_and_heads_stay(lake):
    for number in (1, 2, 3):
        lake.stage(TABLE, rows(lake.spark, number), f"run_{number}", DAYS)
        lake.publish(f"run_{number}")
    lake.stage(TABLE, rows(lake.spark, 4), "run_4", DAYS)
    lake.expire(TABLE, datetime.now(UTC) + timedelta(minutes=1))
    left = {snapshot.snapshot_id for snapshot in lake.table(TABLE).metadata.snapshots}
    assert left >= set(lake.refs(TABLE).values())
    assert len(left) <= 3, "two heads, and the step between them"
    assert found(lake) == dict.fromkeys(DAYS, 3)
    assert found(lake, "run_4") == dict.fromkeys(DAYS, 4)
    lake.publish("run_4")
    assert found(lake) == dict.fromkeys(DAYS, 4)


def _with_columns(monkeypatch, columns):
    changed = replace(contracts.TABLES[TABLE], columns=columns)
    monkeypatch.setitem(contracts.TABLES, TABLE, changed)


def test_a_new_column_is_added_to_an_older_table(lake, monkeypatch):
    lake.stage(TABLE, rows(lake.spark, 1), "run_1", DAYS)
    lake.publish("run_1")
    _with_columns(monkeypatch, {**contracts.TABLES[TABLE].columns, "n_bytes": BIGINT})
    lake.ensure_tables()
    assert [row.n_bytes for row in lake.read(TABLE).collect()] == [None] * len(DAYS)
    assert lake.arrow_days(TABLE, DAYS)["n_bytes"].to_pylist() == [None] * len(DAYS)
    n_snapshots = len(lake.table(TABLE).metadata.snapshots)
    lake.ensure_tables()
    table = lake.table(TABLE)
    assert len(table.metadata.snapshots) == n_snapshots, "there is nothing more to add"
    assert table.snapshot_by_name(MAIN).schema_id == table.schema().schema_id, "who reads by snapshot sees it too"


def test_a_run_staged_before_a_column_was_added_can_still_be_published(lake, monkeypatch):
    lake.stage(TABLE, rows(lake.spark, 1), "run_1", DAYS)
    lake.publish("run_1")
    lake.stage(TABLE, rows(lake.spark, 2), "run_2", DAYS)
    _with_columns(monkeypatch, {**contracts.TABLES[TABLE].columns, "n_bytes": BIGINT})
    lake.ensure_tables()
    for run_id, n_lines in ((None, 1), ("run_2", 2)):
        assert lake.arrow_days(TABLE, DAYS, run_id)["n_bytes"].to_pylist() == [None] * len(DAYS)
        assert found(lake, run_id) == dict.fromkeys(DAYS, n_lines)
    lake.publish("run_2")
    lake.ensure_tables()
    assert found(lake) == dict.fromkeys(DAYS, 2)
    table = lake.table(TABLE)
    assert table.snapshot_by_name(MAIN).schema_id == table.schema().schema_id


@pytest.mark.parametrize(
    "columns", [{"event_date": DATE, "n_lines": BIGINT}, {"event_date": DATE, "event_hour": BIGINT}]
)
def test_other_changes_of_columns_are_refused(lake, monkeypatch, columns):
    _with_columns(monkeypatch, columns)
    with pytest.raises(WarehouseError, match="differs from what this version writes"):
        ensure_tables(lake.catalog)


def test_spans_have_no_holes():
    days = [date(2026, 3, day) for day in (1, 2, 3, 5, 2)]
    assert tables_module.spans(days) == [(days[0], days[2]), (days[3], days[3])]
