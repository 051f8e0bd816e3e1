from __future__ import annotations

import gzip
import os
import pickle
import shutil
import time
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import fsspec
import pytest
from pyarrow.fs import FileInfo, FileSystem, FileType, LocalFileSystem
from raw_files import DAY, STREAM, folder_of, put

from jobs.errors import InputError, NoInputError
from jobs.raw.files import Input, discover, find_input, open_input
from jobs.raw.reader import read_files
from jobs.raw.strays import tell_strays


def test_discover_lists_exactly_the_asked_days(tmp_path: Path) -> None:
    put(tmp_path, 5, "a.json.gz", gzip.compress(b"{}\n"))
    put(tmp_path, 5, "b.json", b"{}\n")
    put(tmp_path, 6, "c.parquet", b"x", day=date(2026, 3, 10))
    put(tmp_path, 6, "c.json", b"{}", day=date(2026, 3, 11))
    found = discover(open_input(tmp_path), [date(2026, 3, 10), DAY])
    base = f"raw/{STREAM}/year=2026/month=3"
    assert [file.name for file in found.files] == [
        f"{base}/day=10/hour=6/c.parquet",
        f"{base}/day=9/hour=5/a.json.gz",
        f"{base}/day=9/hour=5/b.json",
    ]
    assert [file.path for file in found.files] == [f"{tmp_path}/{file.name}" for file in found.files]
    assert [file.n_bytes for file in found.files] == [Path(file.path).stat().st_size for file in found.files]
    assert {(file.day, file.hour) for file in found.files} == set(found.arrived)
    assert found.empty_days == ()


def test_an_empty_file_makes_an_hour_arrive_and_a_hidden_one_does_not(tmp_path: Path) -> None:
    put(tmp_path, 0, "empty.json")
    put(tmp_path, 1, "_SUCCESS")
    put(tmp_path, 2, ".part.json.crc")
    put(tmp_path, 2, "_part.json", b"{}")
    put(tmp_path, 3, "notes.txt", b"x")
    found = discover(open_input(tmp_path), [DAY])
    assert found.arrived == ((DAY, 0),)
    assert found.missing == tuple((DAY, hour) for hour in range(1, 24))
    assert found.ignored == (f"{tmp_path}/{folder_of(3)}/notes.txt",)
    assert list(read_files(open_input(tmp_path), found.files)) == []


def test_only_what_lies_in_an_hour_is_a_file_of_events(tmp_path: Path) -> None:
    put(tmp_path, 4, "a.json", b"{}")
    base = tmp_path / folder_of(4)
    for odd in (base / "deeper", base.parent / "hour=04", base.parent / "hour=24", base.parent / "hour=x"):
        odd.mkdir()
        (odd / "b.json").write_bytes(b"{}")
    (base.parent / "c.json").write_bytes(b"{}")
    (base / "folder.json").mkdir()
    put(tmp_path, 4, "hidden.json", b"{}", stream="_hidden")
    (tmp_path / "raw" / "file-among-streams").write_bytes(b"")
    found = discover(open_input(tmp_path), [DAY])
    assert [file.name.split("/")[-1] for file in found.files] == ["a.json"]
    told = {path.removeprefix(f"{base.parent}/") for path in found.ignored}
    assert told == {"hour=4/deeper", "hour=4/folder.json", "hour=04", "hour=24", "hour=x", "c.json"}


def strays(root: Path, day: date = DAY) -> list[str]:
    """What is passed over and told, relative to the input."""
    return [path.removeprefix(f"{root}/") for path in discover(open_input(root), [day]).ignored]


BASE = f"raw/{STREAM}/year=2026/month=3"


@pytest.mark.parametrize(
    ("path", "told"),
    [
        (f"{BASE}/day=9/hour=99/a.json.gz", f"{BASE}/day=9/hour=99"),
        (f"{BASE}/day=9/hour=07/a.json.gz", f"{BASE}/day=9/hour=07"),
        (f"{BASE}/day=9/Hour=5/a.json.gz", f"{BASE}/day=9/Hour=5"),
        (f"{BASE}/day=9/hour=5/events.json.gz/part", f"{BASE}/day=9/hour=5/events.json.gz"),
        (f"{BASE}/day=9/hour=5/a.csv", f"{BASE}/day=9/hour=5/a.csv"),
        (f"{BASE}/day=9/hour=6", f"{BASE}/day=9/hour=6"),
        (f"{BASE}/day=9/a.json", f"{BASE}/day=9/a.json"),
        (f"{BASE}/day=09/hour=5/a.json", f"{BASE}/day=09"),
        (f"{BASE}/Day=9/hour=5/a.json", f"{BASE}/Day=9"),
        (f"{BASE}/2026-03-09/a.json", f"{BASE}/2026-03-09"),
        (f"{BASE}/a.json.gz", f"{BASE}/a.json.gz"),
        (f"raw/{STREAM}/year=2026/month=03/day=9/hour=5/a.json", f"raw/{STREAM}/year=2026/month=03"),
        (f"raw/{STREAM}/20260309.json.gz", f"raw/{STREAM}/20260309.json.gz"),
        (f"raw/{STREAM}/2026/3/9/5/a.json", f"raw/{STREAM}/2026"),
        ("raw/year=2026/month=3/day=9/hour=5/a.json", "raw/year=2026"),
    ],
)
def test_what_may_be_of_the_day_and_is_not_found_is_told_once(tmp_path: Path, path: str, told: str) -> None:
    put(tmp_path, 4, "a.json", b"{}")
    for name in (path, f"{path}2") if "/part" in path else (path,):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"{}")
    assert strays(tmp_path) == [told]
    assert len(discover(open_input(tmp_path), [DAY]).files) == 1
    shutil.rmtree(tmp_path / BASE / "day=9" / "hour=4")
    with pytest.raises(NoInputError) as raised:
        find_input(open_input(tmp_path), [DAY])
    assert f"There is no input for 2026-03-09 where it is looked for, but there is {told}." in str(raised.value)
    assert "expected is raw/<stream>/year=2026/month=3/" in raised.value.next_step


def test_what_is_no_concern_is_passed_over_in_silence(tmp_path: Path) -> None:
    put(tmp_path, 4, "a.json", b"{}")
    put(tmp_path, 4, "a.json", b"{}", day=date(2026, 3, 19))
    put(tmp_path, 4, "a.json", b"{}", day=date(2026, 9, 3))
    put(tmp_path, 4, "a.json", b"{}", day=date(2025, 3, 9))
    quiet = [
        "day=9/_SUCCESS", "day=9/hour=4/_SUCCESS", "day=9/hour=4/.a.json.crc", "day=9/hour=4/a.json.crc",
        "day=9/_temporary/0/a.json", "day=9/hour=4/_temporary/0/a.json", "day=08/a.json", "day=19/hour=99/a.json",
        "_SUCCESS", ".hidden/a.json", "2026-03-10.json.gz", "notes.txt",
    ]  # fmt: skip
    for name in quiet:
        path = tmp_path / BASE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"{}")
    (tmp_path / BASE.replace("month=3", "month=09")).mkdir()
    (tmp_path / BASE.replace("year=2026", "year=02025")).mkdir(parents=True)
    assert strays(tmp_path) == []
    assert strays(tmp_path, date(2026, 3, 8)) == [f"{BASE}/day=08"]


def test_of_other_days_only_names_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many days and hours there are: each asked day once, each folder above once, nothing below other days."""
    for day in range(1, 29):
        put(tmp_path, 4, "a.json", b"{}", day=date(2026, 3, day))
    asked: list[tuple[str, bool]] = []
    listed = Input.listed

    def counted(self: Input, folder: str, *, recursive: bool = False) -> list[FileInfo]:
        asked.append((folder.removeprefix(f"{tmp_path}/raw"), recursive))
        return listed(self, folder, recursive=recursive)

    monkeypatch.setattr(Input, "listed", counted)
    discover(open_input(tmp_path), [DAY, date(2026, 3, 10)])
    month = f"/{STREAM}/year=2026/month=3"
    assert sorted(asked) == sorted(
        [("", False), (f"/{STREAM}", False), (f"/{STREAM}/year=2026", False), (month, False),
         (f"{month}/day=9", True), (f"{month}/day=10", True)]
    )  # fmt: skip


def test_a_few_are_named_and_the_others_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [f"/in/raw/{number}" for number in range(7)]
    tell_strays(paths[:5])
    assert "more" not in "".join(capsys.readouterr())
    tell_strays(paths)
    text = "".join(capsys.readouterr())
    assert [path in text for path in paths] == [True] * 5 + [False] * 2
    assert "more of these" in text
    assert "count=2" in text
    assert text.count("month=3/day=19/hour=20") == 5
    for number in range(7):
        put(tmp_path, 30 + number, "a.json")
    with pytest.raises(NoInputError, match=r"hour=30.*hour=34 and 2 more\."):
        find_input(open_input(tmp_path), [DAY])


def test_a_folder_inside_of_the_input_is_told_from_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "world", 4, "a.json", b"{}")
    (tmp_path / "world" / "raw" / "other").mkdir()
    monkeypatch.chdir(tmp_path)
    for place, above in (
        ("world/raw", "world"), ("world/raw/", "world"), (f"world/raw/{STREAM}", "world"),
        (f"world/{BASE}", "world"), (f"{tmp_path}/world/raw", f"{tmp_path}/world"),
        ((tmp_path / "world" / "raw").as_uri(), (tmp_path / "world").as_uri()),
    ):  # fmt: skip
        with pytest.raises(InputError) as raised:
            discover(open_input(place), [DAY])
        assert raised.value.next_step == f"name the folder above it: --input {above}"
    for place in (".", "world/raw/other"):
        with pytest.raises(InputError) as raised:
            discover(open_input(place), [DAY])
        assert "--input wants a directory with raw/" in raised.value.next_step
        assert "docs/input.md, section 1" in raised.value.next_step
    monkeypatch.chdir(tmp_path / "world")
    with pytest.raises(InputError, match=r"--input \.$"):
        discover(open_input("raw"), [DAY])
    monkeypatch.chdir(tmp_path / "world" / "raw")
    with pytest.raises(InputError, match=f"--input {tmp_path}/world$"):
        discover(open_input("."), [DAY])


class OutOfReach(LocalFileSystem):
    """A store that does not answer."""

    def get_file_info(self, asked: object) -> object:
        raise OSError("curlCode: 7, Could not connect to server")


def test_a_store_out_of_reach_is_an_error_that_says_what_to_check(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = SimpleNamespace(from_uri=lambda uri: (OutOfReach(), "bucket/input"))
    monkeypatch.setattr("jobs.addresses.FileSystem", answer)
    source = open_input("s3://bucket/input")
    monkeypatch.setattr(Input, "is_local", False)
    for look in (lambda: discover(source, [DAY]), lambda: source.listed("bucket/input")):
        with pytest.raises(InputError, match="Could not connect") as raised:
            look()
        assert "the network and the credentials" in raised.value.next_step

    def refused(uri: str) -> object:
        raise OSError("When resolving region for bucket 'bucket'")

    answer.from_uri = refused
    with pytest.raises(InputError, match="resolving region") as raised:
        discover(open_input("s3://bucket/input"), [DAY])
    assert "the network and the credentials" in raised.value.next_step


def test_a_server_that_refuses_is_given_up_within_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "word")
    began = time.monotonic()
    with pytest.raises(InputError, match="cannot be reached") as raised:
        discover(open_input("s3://bucket/input?scheme=http&endpoint_override=127.0.0.1:9"), [DAY])
    assert time.monotonic() - began < 30
    assert "check the address" in raised.value.next_step


@pytest.mark.parametrize(
    ("address", "opened"),
    [
        ("gs://bucket/input", "gs://bucket/input?retry_limit_seconds=20"),
        ("gs://bucket/input?scheme=http", "gs://bucket/input?scheme=http&retry_limit_seconds=20"),
        ("gs://bucket/input?retry_limit_seconds=3", "gs://bucket/input?retry_limit_seconds=3"),
        ("s3://bucket/input", "s3://bucket/input"),
    ],
)
def test_retries_have_a_limit(address: str, opened: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def from_uri(uri: str) -> tuple[FileSystem, str]:
        asked.append(uri)
        return LocalFileSystem(), "bucket/input"

    monkeypatch.setattr("jobs.addresses.FileSystem", SimpleNamespace(from_uri=from_uri))
    assert open_input(address).root == "bucket/input"
    assert asked == [opened]


def test_missing_hours_are_those_of_any_stream_with_input_that_day(tmp_path: Path) -> None:
    for hour in range(24):
        put(tmp_path, hour, "a.json", stream="first")
    for hour in range(23):
        put(tmp_path, hour, "a.json", stream="second")
    put(tmp_path, 4, "a.json", stream="third", day=date(2026, 3, 10))
    found = discover(open_input(tmp_path), [DAY])
    assert found.missing == ((DAY, 23),)
    assert len(found.arrived) == 24  # the first stream's hour 23 is here, the second's is not


def test_a_day_without_input_is_named_and_has_no_missing_hours(tmp_path: Path) -> None:
    put(tmp_path, 0, "a.json")
    found = find_input(open_input(tmp_path), [DAY, date(2026, 3, 10)])
    assert found.empty_days == (date(2026, 3, 10),)
    assert {day for day, _ in found.missing} == {DAY}
    with pytest.raises(NoInputError, match="no input for 2026-03-10"):
        find_input(open_input(tmp_path), [date(2026, 3, 10)])


def test_it_says_which_directory_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such input directory"):
        discover(open_input(tmp_path / "nowhere"), [DAY])
    with pytest.raises(InputError, match="no raw events"):
        discover(open_input(tmp_path), [DAY])


def test_links_are_followed_and_one_that_leads_nowhere_is_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    real = put(tmp_path, 1, "a.json", b"{}\n{}")
    (tmp_path / folder_of(2)).symlink_to(real.parent)
    (tmp_path / folder_of(3)).mkdir()
    (tmp_path / folder_of(3) / "gone.json.gz").symlink_to(tmp_path / "nowhere")
    (tmp_path / folder_of(3) / "notes").symlink_to(tmp_path / "nowhere")
    (tmp_path / folder_of(4)).symlink_to(tmp_path / "nowhere")
    source = open_input(tmp_path)
    found = discover(source, [DAY])
    assert [hour for _, hour in found.arrived] == [1, 2, 3]
    assert found.ignored == (f"{tmp_path}/{folder_of(3)}/notes", f"{tmp_path}/{folder_of(4)}")
    rows = [row for batch in read_files(source, found.files) for row in batch.to_pylist()]
    assert [(row["event_hour"], row["is_unreadable"]) for row in rows] == [
        (1, False), (1, False), (2, False), (2, False), (3, True),
    ]  # fmt: skip


def test_what_is_no_file_is_not_opened(tmp_path: Path) -> None:
    put(tmp_path, 1, "a.json", b"{}")
    os.mkfifo(tmp_path / folder_of(1) / "pipe.json")  # to read it would wait for ever
    found = discover(open_input(tmp_path), [DAY])
    assert len(found.files) == 1
    assert [path.split("/")[-1] for path in found.ignored] == ["pipe.json"]


def test_a_folder_that_cannot_be_listed_is_an_error_of_the_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Closed(LocalFileSystem):
        def get_file_info(self, asked: object) -> object:
            if not isinstance(asked, str) and "day=" in asked.base_dir:
                raise PermissionError(13, "Permission denied")
            return super().get_file_info(asked)

    put(tmp_path, 1, "a.json", b"{}")
    monkeypatch.setattr(Input, "filesystem", Closed())
    with pytest.raises(InputError, match=r"cannot be listed.*Permission denied"):
        discover(open_input(tmp_path), [DAY])


def test_a_file_system_in_memory_is_an_input_like_a_directory(tmp_path: Path) -> None:
    contents = {1: ("a.json.gz", gzip.compress(b'{"action": "x"}\n{')), 2: ("b.json", b"{}"), 3: ("c.json", b"")}
    memory = fsspec.filesystem("memory")
    for hour, (name, content) in contents.items():
        put(tmp_path, hour, name, content)
        memory.pipe(f"/in put/{folder_of(hour)}/{name}", content)
    local, remote = open_input(tmp_path), open_input("memory://in put")
    found = discover(remote, [DAY])
    assert [file.name for file in found.files] == [file.name for file in discover(local, [DAY]).files]
    tables = [[b.to_pylist() for b in read_files(s, discover(s, [DAY]).files)] for s in (local, remote)]
    assert tables[0] == tables[1]
    assert len(tables[0]) == 2
    gone = found.files[0]
    memory.rm(gone.path)
    assert [batch["is_unreadable"].to_pylist() for batch in read_files(remote, [gone])] == [[True]]
    with pytest.raises(InputError, match="no such input directory"):
        discover(open_input("memory://elsewhere"), [DAY])


def test_an_input_travels_by_its_address(tmp_path: Path) -> None:
    source = open_input(tmp_path)
    assert source.is_folder()
    again = pickle.loads(pickle.dumps(source))
    assert again == source
    assert again.root == str(tmp_path)


def test_an_address_that_nobody_knows_is_an_error_of_the_input() -> None:
    with pytest.raises(InputError, match="no file system for gopher"):
        discover(open_input("gopher://somewhere"), [DAY])


def test_an_address_of_a_local_directory(tmp_path: Path) -> None:
    put(tmp_path, 1, "a.json", b"{}")
    assert FileSystem.from_uri(tmp_path.as_uri())[0].get_file_info(str(tmp_path)).type == FileType.Directory
    assert len(discover(open_input(tmp_path.as_uri()), [DAY]).files) == 1


@pytest.mark.parametrize("address", ["s3://AKIA:very/secret@bucket/in", "s3://AKIA:verysecret@bucket/in"])
def test_an_address_with_a_key_in_it_is_refused_and_not_shown(address: str) -> None:
    with pytest.raises(InputError) as refused:
        open_input(address)
    told = f"{refused.value.what} {refused.value.where} {refused.value.next_step}"
    assert "verysecret" not in told
    assert "very/secret" not in told
    assert "AKIA" not in told
    assert "AWS_SECRET_ACCESS_KEY" in told


@pytest.mark.parametrize("address", ["s3://bucket/in", "hdfs://user@host:8020/in", "file:///tmp/a:b@c"])
def test_an_address_without_a_key_is_taken(address: str) -> None:
    assert open_input(address).uri == address
