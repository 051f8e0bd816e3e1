from __future__ import annotations

import datetime as dt
import errno
import gzip
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow.fs import LocalFileSystem
from raw_files import DAY, KINDS, REFINED, put, put_damaged, put_parquet

from jobs.errors import InputError
from jobs.raw import reader
from jobs.raw.files import Input, discover, open_input
from jobs.raw.reader import BATCH_LINES, PARSED, read_files


def read(root: Path) -> list[dict[str, Any]]:
    source = open_input(root)
    batches = list(read_files(source, discover(source, [DAY]).files))
    assert all(batch.schema == PARSED for batch in batches)
    assert all(0 < batch.num_rows <= BATCH_LINES for batch in batches)
    return [row for batch in batches for row in batch.to_pylist()]


def lines_of(root: Path, content: bytes, name: str = "a.json") -> list[str]:
    put(root, 5, name, content)
    return [row["line"] for row in read(root)]


def test_every_kind_is_read_once_with_its_place(tmp_path: Path) -> None:
    root = tmp_path / "raw" / "in put"  # a name that looks like the layout, and a blank
    put(root, 5, "a b+c%41[1].json.gz", gzip.compress(b'{"a":1}\r\n\n{"a":2}'))
    put(root, 6, "plain.json", '{"é":"ü"}\n'.encode())
    put(root, 7, "empty.json.gz")
    put(root, 7, "empty.parquet")
    put(root, 8, "no-lines.json.gz", gzip.compress(b""))
    put(root, 9, "not-asked.json", b"{}", day=dt.date(2026, 3, 12))
    put_parquet(root, 10, "refined.parquet", [REFINED])
    put_parquet(root, 11, "other-schema.parquet", [{"_schema": "s", "performer": {"id": "text"}}])
    rows = read(root)
    assert {row["event_date"] for row in rows} == {DAY}
    assert [(row["file"].rsplit("/", 1)[-1], row["event_hour"], row["line"]) for row in rows] == [
        ("refined.parquet", 10, rows[0]["line"]),
        ("other-schema.parquet", 11, '{"$schema":"s","performer":{"id":"text"}}'),
        ("a b+c%41[1].json.gz", 5, '{"a":1}\r'),
        ("a b+c%41[1].json.gz", 5, ""),
        ("a b+c%41[1].json.gz", 5, '{"a":2}'),
        ("plain.json", 6, '{"é":"ü"}'),
    ]
    assert {row["file"] for row in rows} <= {file.name for file in discover(open_input(root), [DAY]).files}
    assert json.loads(rows[0]["line"]) == {
        "meta": {"dt": "2026-03-09T05:00:01.000Z", "id": "m1"},
        "action": "pageview",
        "performer": {"id": 7},
        "$schema": "/analytics/product_metrics/web/base/2.0.0",
        "is_wmf_domain": True,
    }
    assert (rows[0]["meta_id"], rows[0]["user_id"], rows[0]["schema_uri"]) == ("m1", 7, REFINED["_schema"])
    assert [row["wrong_types"] for row in rows[:3]] == [None, ["performer.id"], None]
    assert [row["is_malformed"] for row in rows] == [False, False, False, True, False, False]
    assert not any(row["is_unreadable"] for row in rows)


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"a\nb", ["a", "b"]), (b"a\nb\n", ["a", "b"]), (b"a\n\n", ["a", ""]), (b"\n", [""]), (b"\n\n\n", [""] * 3),
        (b"a\r\nb\rc", ["a\r", "b\rc"]), (b"a\0b\n\0", ["a\0b", "\0"]), (b"\xff\xfe", ["\ufffd\ufffd"]),
        ("a\u2028b\u0085c\n".encode(), ["a\u2028b\u0085c"]),
        (b"\xef\xbb\xbf{}\n\xef\xbb\xbf{}", ["{}", "\ufeff{}"]), (b"\xef\xbb\xbf", []),
    ],
)  # fmt: skip
def test_what_is_a_line(tmp_path: Path, content: bytes, lines: list[str]) -> None:
    assert lines_of(tmp_path, content) == lines


def test_members_of_a_gzip_file_are_read_one_after_another(tmp_path: Path) -> None:
    content = gzip.compress(b'{"a"') + gzip.compress(b":1}\n{}") + gzip.compress(b"") + b"\0" * 100
    assert lines_of(tmp_path, content, "a.json.gz") == ['{"a":1}', "{}"]


def test_lines_across_chunks_and_batches(tmp_path: Path) -> None:
    lines = [b"%d" % number * (number % 50) for number in range(100_000)] + [b"x" * (10 << 20), b"y"]
    found = lines_of(tmp_path, b"\n".join(lines), "a.json.gz"[:6])
    assert found == [line.decode() for line in lines]


def test_nothing_but_line_feeds_comes_in_batches_too(tmp_path: Path) -> None:
    assert lines_of(tmp_path, b"\n" * 100_000) == [""] * 100_000


def test_a_line_of_ten_megabytes_is_read_and_one_without_end_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = b'{"meta":{"id":"m1"},"x":"' + b"a" * (10 << 20) + b'"}'
    put(tmp_path, 5, "long.json.gz", gzip.compress(b"{}\n" + long + b"\n{}", 1))
    rows = read(tmp_path)
    assert [row["meta_id"] for row in rows] == [None, "m1", None]
    assert rows[1]["line"] == long.decode()
    monkeypatch.setattr(reader, "MAX_LINE", 9 << 20)
    assert [(row["is_unreadable"], row["line"]) for row in read(tmp_path)] == [(True, None)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_file_is_one_row_and_its_lines_are_not_used(tmp_path: Path, kind: str) -> None:
    put(tmp_path, 2, "good.json.gz", gzip.compress(b"{}\n{}"))
    bad = put_damaged(tmp_path, kind)
    put(tmp_path, 4, "good.json.gz", gzip.compress(b"{}"))
    rows = read(tmp_path)
    assert [(row["event_hour"], row["is_unreadable"]) for row in rows] == [
        (2, False), (2, False), (3, True), (4, False),
    ]  # fmt: skip
    marker = {name: value for name, value in rows[2].items() if value is not None}
    assert marker == {
        "file": f"{bad.relative_to(tmp_path)}", "event_date": DAY, "event_hour": 3, "is_unreadable": True,
        "is_malformed": False,
    }  # fmt: skip


def test_a_large_damaged_file_is_held_back_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "HELD_BYTES", 1 << 20)
    lines = b"\n".join(b'{"action": "%d"}' % number for number in range(100_000))
    data = gzip.compress(lines)
    put(tmp_path, 2, "good.json.gz", data)
    put(tmp_path, 3, "bad.json.gz", data[:-1])
    source = open_input(tmp_path)
    rows = list(read_files(source, discover(source, [DAY]).files, tmp_path))
    assert pa.Table.from_batches(rows[:-1])["action"].to_pylist() == [str(number) for number in range(100_000)]
    assert rows[-1]["is_unreadable"].to_pylist() == [True]
    assert [path.name for path in tmp_path.iterdir()] == ["raw"]


def test_a_file_that_went_away_is_unreadable(tmp_path: Path) -> None:
    source = open_input(tmp_path)
    paths = [
        put(tmp_path, 1, "a.json", b"{}"),
        put(tmp_path, 1, "b.json.gz", b"x"),
        put(tmp_path, 1, "c.parquet", b"x"),
    ]
    files = discover(source, [DAY]).files
    for path in paths:
        path.unlink()
    assert [batch["is_unreadable"].to_pylist() for batch in read_files(source, files)] == [[True]] * 3


@pytest.mark.parametrize("name", ["a.json", "b.json.gz", "c.parquet"])
def test_a_file_that_may_not_be_read_is_a_file_that_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    class Closed(LocalFileSystem):
        def open_input_stream(self, path: str, **_: object) -> Any:
            raise PermissionError(errno.EACCES, "Permission denied", path)

        open_input_file = open_input_stream

    put(tmp_path, 1, name, b"{}")
    monkeypatch.setattr(Input, "filesystem", Closed())
    assert [(row["event_hour"], row["is_unreadable"]) for row in read(tmp_path)] == [(1, True)]


def test_a_store_that_goes_out_of_reach_is_an_error_of_the_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object, **__: object) -> Any:
        raise OSError("curlCode: 7, Could not connect to server")

    put(tmp_path, 1, "a.json", b"{}")
    monkeypatch.setattr(reader, "_opened", gone)
    monkeypatch.setattr(Input, "is_local", False)
    with pytest.raises(InputError, match=r"cannot be reached: curlCode: 7"):
        read(tmp_path)


def test_our_own_trouble_is_not_the_fault_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, 1, "a.json", b"{}\n" * 50_000)

    def no_files_left(*_: object) -> Any:
        raise OSError(errno.EMFILE, "Too many open files")

    def no_room(*_: object, **__: object) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(reader, "_opened", no_files_left)
        with pytest.raises(OSError, match="Too many open files"):
            read(tmp_path)
    monkeypatch.setattr(reader, "HELD_BYTES", 1)
    monkeypatch.setattr("tempfile.TemporaryFile", no_room)
    with pytest.raises(OSError, match="No space left"):
        read(tmp_path)


def test_odd_types_of_parquet_become_the_json_they_came_from(tmp_path: Path) -> None:
    path = put(tmp_path, 5, "a.parquet")
    at = dt.datetime(2026, 3, 9, 5, 0, 1, 250_123)
    paris = pa.array([at.replace(tzinfo=dt.UTC)], pa.timestamp("us", "Europe/Paris"))
    columns = {
        "meta": pa.array([{"dt": at, "id": None}]),
        "dt": paris,
        "nanos": pa.array([at], pa.timestamp("ns")),
        "date": pa.array([dt.date(2026, 1, 2)]),
        "decimal": pa.array([Decimal("1.50")]),
        "binary": pa.array([b"ab"]),
        "map": pa.array([[("k", 1), ("n", None)]], pa.map_(pa.string(), pa.int64())),
        "list": pa.array([[{"a": 1, "b": None}, None]]),
        "empty": pa.array([{"q": None}]),
        "number": pa.array([1.0]),
        "text": pa.array(['é/"\n\u2028']),
        "time": pa.array([dt.time(1, 2)]),
        "large": pa.array([2**64 - 1], pa.uint64()),
    }
    pq.write_table(pa.table(columns), path)
    (row,) = read(tmp_path)
    assert json.loads(row["line"]) == {
        "meta": {"dt": "2026-03-09T05:00:01.250"}, "dt": "2026-03-09T05:00:01.250Z",
        "nanos": "2026-03-09T05:00:01.250", "date": "2026-01-02", "decimal": 1.5, "binary": "YWI=", "map": {"k": 1},
        "list": [{"a": 1}, None], "empty": {}, "number": 1.0, "text": 'é/"\n\u2028', "time": "01:02:00",
        "large": 2**64 - 1,
    }  # fmt: skip
    assert '"decimal":1.50' in row["line"]
    assert (row["meta_dt"], row["client_dt"]) == ("2026-03-09T05:00:01.250", "2026-03-09T05:00:01.250Z")


def test_a_parquet_file_with_texts_or_times_that_are_none_cannot_be_read(tmp_path: Path) -> None:
    text = pa.Array.from_buffers(pa.string(), 1, pa.array([b"\xff"]).buffers())
    time = pa.array([2**62], pa.timestamp("us"))
    for hour, column in ((5, text), (6, time)):
        pq.write_table(pa.table({"action": column}), put(tmp_path, hour, "a.parquet"))
    assert [row["is_unreadable"] for row in read(tmp_path)] == [True, True]


def test_a_parquet_file_without_rows_has_no_lines(tmp_path: Path) -> None:
    pq.write_table(pa.table({"action": pa.array([], pa.string())}), put(tmp_path, 5, "a.parquet"))
    assert read(tmp_path) == []
