"""Which files of a dump the asked days need, and that they are all there."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import fsspec
import pytest
import structlog
from dump_rows import put, row

from jobs.dumps.files import find_dumps
from jobs.errors import InputError, NoInputError, PdmetricsError, UsageError
from jobs.raw.place import open_input

DAY = date(2026, 3, 15)


def found(root: Path, first: date = DAY, last: date = DAY, wikis: list[str] | None = None) -> list[str]:
    return [file.bucket for file in find_dumps(open_input(root), "2026-03", wikis, [(first, last)])]


def refused(root: Path, kind: type[PdmetricsError], **asked: object) -> str:
    with pytest.raises(PdmetricsError) as caught:
        found(root, **asked)
    assert type(caught.value) is kind
    return str(caught.value)


@pytest.mark.parametrize(
    ("buckets", "first", "last", "expected"),
    [
        (["2026-01", "2026-02", "2026-03"], date(2026, 3, 1), date(2026, 3, 28), ["2026-03"]),
        (["2025-12", "2026-01", "2026-02"], date(2026, 1, 31), date(2026, 2, 27), ["2026-01", "2026-02"]),
        (["2025-12", "2026-01"], date(2025, 12, 31), date(2026, 1, 1), ["2025-12", "2026-01"]),
        (["2025", "2026"], date(2026, 1, 1), date(2026, 1, 28), ["2026"]),
        (["2025", "2026"], date(2025, 12, 31), date(2026, 1, 27), ["2025", "2026"]),
        (["all-time"], date(2003, 1, 1), date(2026, 3, 31), ["all-time"]),
    ],
)
def test_only_buckets_that_can_hold_the_days_are_found(tmp_path: Path, buckets, first, last, expected) -> None:
    for bucket in buckets:
        put(tmp_path, [row()], bucket=bucket)
    assert found(tmp_path, first, last) == expected


def test_files_between_windows_are_not_needed(tmp_path: Path) -> None:
    for bucket in ("2025-12", "2026-03"):
        put(tmp_path, [row()], bucket=bucket)
    windows = [(date(2025, 12, 18), date(2025, 12, 31)), (date(2026, 3, 18), date(2026, 3, 31))]
    files = find_dumps(open_input(tmp_path), "2026-03", None, windows)
    assert [file.bucket for file in files] == ["2025-12", "2026-03"]


def test_what_is_known_of_a_file(tmp_path: Path) -> None:
    for wiki, bucket in (("trwiki", "2025"), ("trwiki", "2026"), ("enwiki", "2026-02"), ("aawiki", "all-time"),
                         ("enwiki", "2026-03")):  # fmt: skip
        path = put(tmp_path, [row()], wiki=wiki, bucket=bucket)
    files = find_dumps(open_input(tmp_path), "2026-03", None, [(date(2026, 2, 20), date(2026, 2, 28))])
    assert [(f.wiki_db, f.bucket, f.first, f.last, f.is_newest) for f in files] == [
        ("aawiki", "all-time", date(2001, 1, 1), date(2026, 3, 31), True),
        ("enwiki", "2026-02", date(2026, 2, 1), date(2026, 2, 28), False),
        ("trwiki", "2026", date(2026, 1, 1), date(2026, 3, 31), True),
    ]
    assert files[1].name == "2026-03/enwiki/2026-03.enwiki.2026-02.tsv.bz2"
    assert {f.n_bytes for f in files} == {path.stat().st_size}
    assert [f.wiki_db for f in find_dumps(open_input(tmp_path), "2026-03", ["trwiki", "trwiki"], [(DAY, DAY)])] == [
        "trwiki"
    ]


@pytest.mark.parametrize("bucket", ["2026-02", "2026-04", "2025", "2027"])
def test_a_bucket_that_is_missing_is_named(tmp_path: Path, bucket: str) -> None:
    put(tmp_path, [row()], bucket=bucket)
    awaited = "2026-03" if "-" in bucket else "2026"
    if bucket in ("2026-04", "2027"):  # later than the snapshot: nothing to go by
        awaited = "<bucket>"
    assert f"2026-03/trwiki/2026-03.trwiki.{awaited}.tsv.bz2" in refused(tmp_path, NoInputError)


def test_a_bucket_that_is_being_written_is_not_there_yet(tmp_path: Path) -> None:
    put(tmp_path, [row()], bucket="2026-02")
    put(tmp_path, content=b"", bucket="2026-03")
    assert "2026-03.trwiki.2026-03.tsv.bz2" in refused(tmp_path, NoInputError)
    assert found(tmp_path, date(2026, 2, 1), date(2026, 2, 28)) == ["2026-02"]  # which does not need it


def test_what_is_not_there_at_all(tmp_path: Path) -> None:
    assert "no such directory" in refused(tmp_path / "nowhere", InputError)
    assert f"{tmp_path}/2026-03" in refused(tmp_path, NoInputError)
    (tmp_path / "2026-03").mkdir()
    assert "no wiki" in refused(tmp_path, NoInputError)
    (tmp_path / "2026-03" / "trwiki").mkdir()
    assert "trwiki/2026-03.trwiki.<bucket>.tsv.bz2" in refused(tmp_path, NoInputError)
    for wiki in ("aawiki", "enwiki", "idwiki", "simplewiki"):
        put(tmp_path, [row()], wiki=wiki)
    told = refused(tmp_path, UsageError, wikis=["thwiki", "dewiki", "enwiki"])
    assert "no wiki dewiki, thwiki." in told
    assert "there are: aawiki, enwiki, idwiki, simplewiki, trwiki" in told
    told = refused(tmp_path, UsageError, wikis=["enwiki,idwiki"])
    assert "give it once for each wiki: --wiki enwiki --wiki idwiki" in told
    assert "there are: aawiki, enwiki" in refused(tmp_path, UsageError, wikis=["enwiki,xxwiki"])
    put(tmp_path, [row()], wiki="zuwiki")
    assert "trwiki and 1 more" in refused(tmp_path, UsageError, wikis=["dewiki"])


def test_where_a_snapshot_is_not_there_those_are_named_that_are(tmp_path: Path) -> None:
    assert "there are" not in refused(tmp_path, NoInputError)
    (tmp_path / "2026-13").mkdir()
    (tmp_path / "2026-05").touch()
    for snapshot in ("2025-12", "2026-02"):
        put(tmp_path, [row()], snapshot=snapshot)
    assert "there are: 2025-12, 2026-02" in refused(tmp_path, NoInputError)
    for year in range(2010, 2020):
        (tmp_path / f"{year}-01").mkdir()
    told = refused(tmp_path, NoInputError)
    assert "there are: 2017-01, 2018-01, 2019-01, 2025-12, 2026-02 and 7 older" in told


def test_a_window_before_the_first_file_is_not_only_to_be_waited_for(tmp_path: Path) -> None:
    put(tmp_path, [row()], bucket="2026-03")
    told = refused(tmp_path, NoInputError, first=date(2026, 2, 20))
    assert "The dumps of trwiki begin with 2026-03" in told
    assert "2026-03.trwiki.2026-02.tsv.bz2" in told
    assert "wait" not in told


@pytest.mark.parametrize("snapshot", ["2026-13", "2026-3", "2026", "all", "2026-03-01", "", "../x"])
def test_a_snapshot_is_a_month(tmp_path: Path, snapshot: str) -> None:
    with pytest.raises(UsageError, match="name a month"):
        find_dumps(open_input(tmp_path), snapshot, None, [(DAY, DAY)])


def test_days_after_the_month_of_the_snapshot_are_refused_before_anything_is_looked_at(tmp_path: Path) -> None:
    told = refused(tmp_path / "nowhere", UsageError, last=date(2026, 4, 1))
    assert "2026-03-31 is the last possible day" in told
    put(tmp_path, [row()], bucket="all-time")
    assert found(tmp_path, last=date(2026, 3, 31)) == ["all-time"]


@pytest.mark.parametrize("other", ["2026", "all-time"])
def test_buckets_of_two_kinds_would_count_twice(tmp_path: Path, other: str) -> None:
    for bucket in ("2026-03", other):
        put(tmp_path, [row()], bucket=bucket)
    assert f"cut in different ways: {', '.join(sorted(['2026-03', other]))}." in refused(tmp_path, InputError)


def test_what_is_no_dump_is_told_and_passed_over(tmp_path: Path) -> None:
    folder = put(tmp_path, [row()], bucket="2026-03").parent
    names = ("2026-03.enwiki.2026-03.tsv.bz2", "2026-03.trwiki.2026-03.tsv.bz2.part",
             "2026-03.trwiki.2026-03.tsv.bz2.tmp", "2026-03.trwiki.2026-04.tsv.bz2",
             "2026-03.trwiki.2026-3.tsv.bz2", "2026-02.trwiki.2026-02.tsv.bz2", "notes.txt")  # fmt: skip
    for name in (*names, ".hidden.tsv.bz2", "_SUCCESS"):
        (folder / name).write_bytes(b"x")
    (folder / "2026-03.trwiki.2026-02.tsv.bz2").mkdir()
    (folder / "2026-03.trwiki.2026-01.tsv.bz2").symlink_to(folder / "gone")
    (tmp_path / "2026-03" / "lost+found").mkdir()
    (tmp_path / "2026-03" / "index.html").write_bytes(b"x")
    with structlog.testing.capture_logs() as logs:
        assert found(tmp_path) == ["2026-03"]
    told = [line["path"] for line in logs if "path" in line]
    assert len(told) == 5
    assert logs[-1]["count"] == len(names) + 4 - 5
    assert {"2026-03/lost+found", "2026-03/index.html"} <= set(told)
    assert {line["log_level"] for line in logs} == {"warning"}


def test_a_history_at_an_address(tmp_path: Path) -> None:
    path = put(tmp_path, [row()], bucket="2026-03")
    memory = fsspec.filesystem("memory")
    name = "2026-03/trwiki/2026-03.trwiki.2026-03.tsv.bz2"
    memory.pipe_file(f"/a-history/{name}", path.read_bytes())
    files = find_dumps(open_input("memory://a-history"), "2026-03", None, [(DAY, DAY)])
    assert [(file.name, file.n_bytes) for file in files] == [(name, path.stat().st_size)]
    with pytest.raises(NoInputError, match="snapshot 2026-02"):
        find_dumps(open_input("memory://a-history"), "2026-02", None, [(date(2026, 2, 1), date(2026, 2, 1))])


@pytest.mark.parametrize("level", ["", "history/2026-03"])
def test_a_history_that_is_a_level_off_is_named(tmp_path: Path, level: str) -> None:
    (tmp_path / "history" / "2026-03" / "enwiki").mkdir(parents=True)
    assert f"--history {tmp_path / 'history'}" in refused(tmp_path / level, InputError)
