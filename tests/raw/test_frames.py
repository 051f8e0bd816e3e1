"""The lines as a frame of either engine are those of the reader, and nothing is left when reading ends early."""

from __future__ import annotations

import contextlib
import gzip
import multiprocessing
import os
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from raw_files import DAY, REFINED, put, put_damaged, put_parquet

from jobs.engine.session import Engine
from jobs.errors import WarehouseError
from jobs.raw import parquet
from jobs.raw.files import RawFile, discover, open_input
from jobs.raw.parquet import write_group
from jobs.raw.reader import PARSED, read_files
from jobs.schemas import spark_type_of
from jobs.steps.lines import hour_frame, parsed_lines

ODD_LINES = (
    b"{}", b"", b"[1]", b'{"action":"x","performer":{"id":7,"is_bot":false}}', b'{"action":5,"meta":5}', b"\xff\0",
    b'{"performer":{"name":"\\ud83d"}}', b'{"performer":{"name":"\xff"}}', b'{"x":' + b"[" * 2000 + b"]" * 2000 + b"}",
    b'{"performer":{"id":9223372036854775808}}', '{"action":"\U0001f600"}'.encode(),
)  # fmt: skip


def put_some(root: Path) -> None:
    for hour in range(6, 24):
        put(root, hour, "a.json.gz", gzip.compress(b"\n".join(ODD_LINES)))
    put(root, 5, "empty.json.gz")
    put(root, 4, "no-lines.json.gz", gzip.compress(b""))
    put_damaged(root, "truncated")
    put_parquet(root, 2, "a.parquet", [REFINED, REFINED])
    (root / "raw" / "product_metrics_web_base" / "year=2026" / "month=3" / "day=9" / "hour=1").mkdir()


def counted(rows: list[dict[str, Any]]) -> Counter[str]:
    return Counter(repr(sorted(row.items())) for row in rows)


@pytest.mark.spark
@pytest.mark.on_spark
def test_an_engine_gets_the_rows_of_the_reader(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_some(tmp_path)
    source = open_input(tmp_path)
    files = discover(source, [DAY]).files
    expected = counted([row for batch in read_files(source, files) for row in batch.to_pylist()])
    told: list[tuple[int, int]] = []
    for is_alone in (True, False):
        if not is_alone:
            monkeypatch.setattr(parquet, "WORTH_A_POOL", 1)
        lines = parsed_lines(engine, source, files, workers=2, progress=lambda *n: told.append(n))
        assert lines.schema == spark_type_of(PARSED)
        assert counted([row.asDict() for row in lines.collect()]) == expected
        if not engine.is_embedded:
            return
    assert told[0] == told[-1] == (len(files) - 1, len(files) - 1)
    assert len(told) > 2
    assert multiprocessing.active_children() == []


@pytest.mark.spark
@pytest.mark.on_spark
def test_no_lines_give_an_empty_frame(engine: Engine, tmp_path: Path) -> None:
    put(tmp_path, 5, "empty.json")
    source = open_input(tmp_path)
    for name, content in (("empty.json", b""), ("no-lines.json.gz", gzip.compress(b""))):
        put(tmp_path, 5, name, content)
        lines = parsed_lines(engine, source, discover(source, [DAY]).files, workers=2)
        assert lines.schema == spark_type_of(PARSED)
        assert lines.count() == 0
    assert hour_frame(engine.spark, []).count() == 0
    assert [tuple(row) for row in hour_frame(engine.spark, [(DAY, 3)]).collect()] == [(DAY, 3)]


def test_small_files_share_row_groups(tmp_path: Path) -> None:
    for hour in range(24):
        put(tmp_path, hour, "a.json", b"{}\n" * 100)
    source = open_input(tmp_path)
    write_group(source, discover(source, [DAY]).files, tmp_path / "out.parquet")
    found = pq.read_metadata(tmp_path / "out.parquet")
    assert (found.num_rows, found.num_row_groups) == (2400, 1)


def test_groups_are_bounded_and_hold_every_file_once() -> None:
    files = [RawFile(f"raw/s/a{n:03}.json", DAY, 0, size) for n, size in enumerate([-1, 5, 40 << 20, *[1 << 20] * 60])]
    groups = parquet._groups(files, 2)
    assert [file for group in groups for file in group] == files
    assert len(groups) >= 6
    assert all(sum(file.n_bytes for file in group) <= parquet.GROUP_BYTES for group in groups if len(group) > 2)
    assert parquet._groups(files[:2], 2) == [files[:2]]


def test_an_interrupt_leaves_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_some(tmp_path)
    monkeypatch.setattr(parquet, "WORTH_A_POOL", 1)

    def interrupt(*_: int) -> None:
        raise KeyboardInterrupt

    source = open_input(tmp_path)
    (tmp_path / "out").mkdir()
    with pytest.raises(KeyboardInterrupt):
        parquet.write_lines(source, discover(source, [DAY]).files, tmp_path / "out", 2, interrupt)
    assert multiprocessing.active_children() == []


def test_a_killed_worker_is_a_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "WORTH_A_POOL", 1)
    pipe = put(tmp_path, 1, "a.json").with_name("pipe.json")
    os.mkfifo(pipe)  # who reads it waits for ever
    files = [RawFile(str(pipe), DAY, 1, 1), RawFile(str(pipe), DAY, 1, 1)]

    def kill() -> None:
        while True:
            with contextlib.suppress(OSError):  # nobody reads yet
                os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)  # stays open, so that reading goes on
                break
            time.sleep(0.05)
        for child in multiprocessing.active_children():
            child.kill()

    killer = threading.Thread(target=kill)
    killer.start()
    (tmp_path / "out").mkdir()
    with pytest.raises(WarehouseError, match="want of memory"):
        parquet.write_lines(open_input(tmp_path), files, tmp_path / "out", 2, None)
    killer.join()
    assert multiprocessing.active_children() == []
