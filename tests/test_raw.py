from __future__ import annotations

import gzip
import json
from datetime import date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from jobs import raw
from jobs.errors import InputError

DAY = date(2026, 3, 9)
STREAM = "product_metrics_web_base"
# A row as it is after Refine: names and types of shared/data/stored_rows_after_refine.json, shortened.
REFINED = {
    "meta": {"dt": "2026-03-09T05:00:01.000Z", "id": "m1", "uri": None},
    "action": "pageview",
    "performer": {"id": 7, "is_bot": None},
    "_schema": "/analytics/product_metrics/web/base/2.0.0",
    "sample": None,
    "is_wmf_domain": True,
}


def put(root: Path, hour: int, name: str, content: bytes = b"", *, day: date = DAY, stream: str = STREAM) -> Path:
    folder = root / "raw" / stream / f"year={day.year}" / f"month={day.month}" / f"day={day.day}" / f"hour={hour}"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(content)
    return path


def put_parquet(root: Path, hour: int, name: str, rows: list[dict[str, object]]) -> Path:
    path = put(root, hour, name)
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def test_discover_lists_exactly_the_asked_days(tmp_path: Path) -> None:
    put(tmp_path, 5, "a.json.gz", gzip.compress(b"{}\n"))
    put(tmp_path, 5, "b.json", b"{}\n")
    put(tmp_path, 6, "c.parquet", b"x", day=date(2026, 3, 10))
    put(tmp_path, 6, "c.json", b"{}", day=date(2026, 3, 11))
    found = raw.discover(tmp_path, [date(2026, 3, 10), DAY])
    base = f"raw/{STREAM}/year=2026/month=3"
    assert [file.name for file in found.files] == [
        f"{base}/day=10/hour=6/c.parquet",
        f"{base}/day=9/hour=5/a.json.gz",
        f"{base}/day=9/hour=5/b.json",
    ]
    assert {(file.day, file.hour) for file in found.files} == set(found.arrived)
    assert found.empty_days == ()


def test_an_empty_file_makes_an_hour_arrive_and_a_hidden_one_does_not(tmp_path: Path) -> None:
    put(tmp_path, 0, "empty.json")
    put(tmp_path, 1, "_SUCCESS")
    put(tmp_path, 2, ".part.json.crc")
    put(tmp_path, 3, "notes.txt", b"x")
    found = raw.discover(tmp_path, [DAY])
    assert found.arrived == ((DAY, 0),)
    assert found.missing == tuple((DAY, hour) for hour in range(1, 24))
    assert [path.name for path in found.ignored] == ["notes.txt"]


def test_missing_hours_are_those_of_any_stream_with_input_that_day(tmp_path: Path) -> None:
    for hour in range(24):
        put(tmp_path, hour, "a.json", stream="first")
    for hour in range(23):
        put(tmp_path, hour, "a.json", stream="second")
    put(tmp_path, 4, "a.json", stream="third", day=date(2026, 3, 10))
    found = raw.discover(tmp_path, [DAY])
    assert found.missing == ((DAY, 23),)
    assert len(found.arrived) == 24  # the first stream's hour 23 is here, the second's is not


def test_a_day_without_input_is_named_and_has_no_missing_hours(tmp_path: Path) -> None:
    put(tmp_path, 0, "a.json")
    found = raw.discover(tmp_path, [DAY, date(2026, 3, 10)])
    assert found.empty_days == (date(2026, 3, 10),)
    assert {day for day, _ in found.missing} == {DAY}


def test_discover_says_which_directory_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such input directory"):
        raw.discover(tmp_path / "nowhere", [DAY])
    with pytest.raises(InputError, match="no raw events"):
        raw.discover(tmp_path, [DAY])


@pytest.mark.spark
def test_read_lines_reads_every_kind_once_with_its_place(spark: SparkSession, tmp_path: Path) -> None:
    root = tmp_path / "raw" / "in put"  # a name that looks like the layout, and a blank
    put(root, 5, "a b+c%41[1].json.gz", gzip.compress(b'{"a":1}\r\n\n{"a":2}'))
    put(root, 6, "plain.json", '{"é":"ü"}\n'.encode())
    put(root, 7, "empty.json.gz")
    put(root, 7, "empty.parquet")
    put(root, 8, "no-lines.json.gz", gzip.compress(b""))
    put(root, 9, "not-asked.json", b"{}", day=date(2026, 3, 12))
    put_parquet(root, 10, "refined.parquet", [REFINED])
    put_parquet(root, 11, "other-schema.parquet", [{"_schema": "s", "performer": {"id": "text"}}])
    found = raw.discover(root, [DAY])
    rows = raw.read_lines(spark, found.files).collect()
    assert {row.event_date for row in rows} == {DAY}
    places = {(row.file.rsplit("/", 1)[-1], row.event_hour) for row in rows}
    assert {row.file for row in rows} <= {file.name for file in found.files}
    assert places == {
        ("a b+c%41[1].json.gz", 5), ("plain.json", 6), ("refined.parquet", 10), ("other-schema.parquet", 11),
    }  # fmt: skip
    assert sorted(row.line for row in rows if row.event_hour == 5) == ["", '{"a":1}\r', '{"a":2}']
    refined = json.loads(next(row.line for row in rows if row.event_hour == 10))
    assert refined == {
        "meta": {"dt": "2026-03-09T05:00:01.000Z", "id": "m1"},
        "action": "pageview",
        "performer": {"id": 7},
        "$schema": "/analytics/product_metrics/web/base/2.0.0",
        "is_wmf_domain": True,
    }
    assert json.loads(next(row.line for row in rows if row.event_hour == 11))["performer"] == {"id": "text"}


@pytest.mark.spark
def test_timestamps_of_parquet_become_iso_text(spark: SparkSession, tmp_path: Path) -> None:
    at = datetime(2026, 3, 9, 5, 0, 1, 250_000)
    put_parquet(tmp_path, 5, "a.parquet", [{"meta": {"dt": at}}])
    line = raw.read_lines(spark, raw.discover(tmp_path, [DAY]).files).head()
    assert line is not None
    assert json.loads(line.line)["meta"]["dt"].startswith("2026-03-09T05:00:01.250")


@pytest.mark.spark
def test_no_files_give_no_lines(spark: SparkSession, tmp_path: Path) -> None:
    put(tmp_path, 5, "empty.json")
    lines = raw.read_lines(spark, raw.discover(tmp_path, [DAY]).files)
    assert lines.columns == ["line", "file", "event_date", "event_hour"]
    assert lines.count() == 0


@pytest.mark.spark
def test_many_small_files_share_tasks(spark: SparkSession, tmp_path: Path) -> None:
    for hour in range(24):
        for part in range(4):
            put(tmp_path, hour, f"{part}.json.gz", gzip.compress(b"{}\n"))
    threshold = spark.conf.get("spark.sql.sources.parallelPartitionDiscovery.threshold")
    lines = raw.read_lines(spark, raw.discover(tmp_path, [DAY]).files)
    assert lines.rdd.getNumPartitions() <= 8
    assert lines.count() == 96
    assert spark.conf.get("spark.sql.sources.parallelPartitionDiscovery.threshold") == threshold


def _damage(root: Path, kind: str) -> Path:
    data = gzip.compress(b"\n".join(b'{"a": %d}' % number for number in range(20_000)))
    if kind == "truncated":
        return put(root, 3, "bad.json.gz", data[: len(data) // 2])
    if kind == "only the end is cut":
        return put(root, 3, "bad.json.gz", data[:-4])
    if kind == "damaged in the middle":
        return put(root, 3, "bad.json.gz", data[:5000] + bytes(64) + data[5064:])
    if kind == "no gzip":
        return put(root, 3, "bad.json.gz", b'{"a": 1}\n')
    path = put_parquet(root, 3, "bad.parquet", [{"a": number} for number in range(20_000)])
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2] if kind == "truncated parquet" else b"\0" * 500 + content[500:])
    return path


KINDS = (
    "truncated", "only the end is cut", "damaged in the middle", "no gzip", "truncated parquet", "damaged parquet",
)  # fmt: skip


@pytest.mark.spark
@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_file_fails_the_read_and_is_found(spark: SparkSession, tmp_path: Path, kind: str) -> None:
    put(tmp_path, 2, "good.json.gz", gzip.compress(b"{}\n{}"))
    bad = _damage(tmp_path, kind)
    files = raw.discover(tmp_path, [DAY]).files
    with pytest.raises(Exception) as caught:  # noqa: PT011 which type it is, is the question
        raw.read_lines(spark, files).write.format("noop").mode("overwrite").save()
    assert raw.is_unreadable_error(caught.value), repr(caught.value)[:2000]
    found = raw.find_unreadable(files)
    assert [file.path for file in found] == [bad]
    readable = [file for file in files if file not in found]
    assert raw.read_lines(spark, readable).count() == 2
    assert [tuple(row) for row in raw.file_frame(spark, found).collect()] == [(found[0].name, DAY, 3)]


def test_sound_files_are_not_suspected(tmp_path: Path) -> None:
    put(tmp_path, 1, "two-members.json.gz", gzip.compress(b"{}\n") + gzip.compress(b"{}\n"))
    put(tmp_path, 1, "plain.json", b"\xff\xfe")
    put(tmp_path, 1, "empty.json.gz")
    put_parquet(tmp_path, 1, "fine.parquet", [REFINED])
    assert raw.find_unreadable(raw.discover(tmp_path, [DAY]).files) == []


def test_a_file_that_went_away_is_unreadable(tmp_path: Path) -> None:
    path = put(tmp_path, 1, "a.json", b"{}")
    files = raw.discover(tmp_path, [DAY]).files
    path.unlink()
    assert [file.path for file in raw.find_unreadable(files)] == [path]


@pytest.mark.spark
def test_other_errors_are_not_taken_for_damaged_files(spark: SparkSession) -> None:
    with pytest.raises(Exception) as caught:  # noqa: PT011
        spark.sql("select raise_error('FAILED for another reason')").collect()
    assert not raw.is_unreadable_error(caught.value)
    assert not raw.is_unreadable_error(ValueError("FAILED_READ_FILE"))
