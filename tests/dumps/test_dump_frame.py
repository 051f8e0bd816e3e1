"""Dumps as frames: the same on either engine, with a fate for each row of each file."""

from __future__ import annotations

import multiprocessing
import threading
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from dump_rows import put, row

from jobs.dumps import parquet
from jobs.dumps.columns import OLD_COLUMNS
from jobs.dumps.files import find_dumps
from jobs.dumps.frame import Dumps, read_dumps
from jobs.dumps.parquet import Progress, write_revisions
from jobs.dumps.rows import FILES, REVISIONS
from jobs.engine.session import Engine
from jobs.errors import InputError, NoInputError, WarehouseError
from jobs.raw.place import open_input
from jobs.schemas import spark_schema

FIRST, LAST = date(2026, 3, 4), date(2026, 3, 31)
SPANS = [(FIRST, LAST)]


def read(engine: Engine, root: Path, *, progress: Progress | None = None) -> Dumps:
    history = open_input(root)
    files = find_dumps(history, "2026-03", None, SPANS)
    return read_dumps(engine, history, files, SPANS, workers=2, progress=progress)


def put_three(root: Path) -> None:
    put(root, [row(), row(event_entity="page"), row(event_user_id="8", event_timestamp="2026-03-31 23:59:59.9")])
    put(root, [row(OLD_COLUMNS, wiki_db="enwiki"), row(OLD_COLUMNS, wiki_db="enwiki", event_user_id="x")],
        wiki="enwiki", bucket="2026-03")  # fmt: skip
    put(root, [row(wiki_db="aawiki", event_entity="page", event_timestamp="2009-03-10 21:58:45.0")],
        wiki="aawiki", bucket="all-time")  # fmt: skip


@pytest.mark.spark
@pytest.mark.on_spark
def test_revisions_and_fates_of_several_files(engine: Engine, tmp_path: Path) -> None:
    put_three(tmp_path)
    told: list[tuple[int, int]] = []
    found = read(engine, tmp_path, progress=lambda *counts: told.append(counts))
    assert found.revisions.schema == spark_schema(REVISIONS)
    seen = found.revisions.selectExpr("wiki_db", "user_id", "cast(event_time as string)", "is_cross_wiki", "is_bot_now")
    assert sorted(tuple(kept) for kept in seen.collect()) == [
        ("enwiki", 7, "2026-03-10 21:58:45", None, False),
        ("trwiki", 7, "2026-03-10 21:58:45", True, False),
        ("trwiki", 8, "2026-03-31 23:59:59.9", True, False),
    ]
    assert found.files.columns.tolist() == list(FILES)
    en, tr = "2026-03/enwiki/2026-03.enwiki.2026-03.tsv.bz2", "2026-03/trwiki/2026-03.trwiki.2026.tsv.bz2"
    aa = "2026-03/aawiki/2026-03.aawiki.all-time.tsv.bz2"
    of_aa = [date(2009, 3, 10), date(2009, 3, 10), LAST, 1.0, 0]
    of_en, of_tr = ([day, date(2026, 3, 10), LAST, *pace] for day, *pace in
                    ((date(2026, 3, 10), 1.0, 0), (date(2026, 3, 31), 1 / 21, 20)))  # fmt: skip
    assert found.files.astype(object).where(found.files.notna(), None).to_numpy().tolist() == [
        ["aawiki", aa, "kept", None, 0, None, *of_aa],
        ["aawiki", aa, "out_of_scope", "other_event", 1, 1, *of_aa],
        ["enwiki", en, "kept", None, 1, 1, *of_en],
        ["enwiki", en, "quarantined", "malformed:event_user_id", 1, 2, *of_en],
        ["trwiki", tr, "kept", None, 2, 1, *of_tr],
        ["trwiki", tr, "out_of_scope", "other_event", 1, 2, *of_tr],
    ]
    assert told[-1] == (3, 3)


@pytest.mark.spark
@pytest.mark.on_spark
def test_no_files_and_no_revisions_are_empty_frames(engine: Engine, tmp_path: Path) -> None:
    put(tmp_path, [row(event_entity="page")])
    found = read(engine, tmp_path)
    assert found.revisions.count() == 0
    assert found.files["fate"].tolist() == ["kept", "out_of_scope"]
    nothing = read_dumps(engine, open_input(tmp_path), [], SPANS, workers=2)
    assert nothing.revisions.schema == spark_schema(REVISIONS)
    assert nothing.revisions.count() == len(nothing.files) == 0
    assert nothing.files.columns.tolist() == list(FILES)


@pytest.mark.spark
@pytest.mark.on_spark
def test_an_error_keeps_its_parts_on_either_engine(engine: Engine, tmp_path: Path) -> None:
    put_three(tmp_path)
    put(tmp_path, [row(wiki_db="enwiki"), b"x"], wiki="enwiki", bucket="2026-03")
    with pytest.raises(InputError, match="has 1 column, where the first row of its file has 78") as caught:
        read(engine, tmp_path)
    assert caught.value.where == f"{tmp_path}/2026-03/enwiki/2026-03.enwiki.2026-03.tsv.bz2, line 2"
    assert caught.value.next_step
    put(tmp_path, content=b"BZ", wiki="enwiki", bucket="2026-03")
    with pytest.raises(NoInputError, match="is cut off"):
        read(engine, tmp_path)


def test_worker_processes_give_what_one_process_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_three(tmp_path)
    history, seen = open_input(tmp_path), []
    files = find_dumps(history, "2026-03", None, SPANS)
    for bound in (parquet.WORTH_A_POOL, 0):
        monkeypatch.setattr(parquet, "WORTH_A_POOL", bound)
        folder, told = tmp_path / f"out{bound}", []
        folder.mkdir()
        rows = write_revisions(history, files, folder, SPANS, 2, lambda *n, told=told: told.append(n))
        assert told == [(1, 3), (2, 3), (3, 3)]
        seen.append((sorted(rows, key=str), [pq.read_table(path).to_pylist() for path in sorted(folder.iterdir())]))
    assert seen[0] == seen[1]
    assert [len(rows) for rows in seen[0][1]] == [0, 1, 2]
    assert multiprocessing.active_children() == []


def test_row_groups_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.dumps.blocks.BLOCK", 1)
    monkeypatch.setattr("jobs.dumps.blocks._PIECE", 1000)
    monkeypatch.setattr(parquet, "ROW_GROUP", 40)
    put(tmp_path, [row()] * 100)
    history = open_input(tmp_path)
    write_revisions(history, find_dumps(history, "2026-03", None, SPANS), tmp_path, SPANS, 1, None)
    found = pq.read_metadata(tmp_path / "00000.parquet")
    assert (found.num_rows, found.num_row_groups) == (100, 3)


def test_a_killed_reader_is_a_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "WORTH_A_POOL", 0)
    put_three(tmp_path)
    history, is_over = open_input(tmp_path), threading.Event()
    files = find_dumps(history, "2026-03", None, SPANS)

    def kill() -> None:
        while not is_over.wait(0.01):  # long before they have imported anything
            for child in multiprocessing.active_children():
                child.kill()

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        with pytest.raises(WarehouseError, match="want of memory"):
            write_revisions(history, files, tmp_path, SPANS, 2, None)
    finally:
        is_over.set()
        killer.join()
    assert multiprocessing.active_children() == []
