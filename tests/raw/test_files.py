from __future__ import annotations

import gzip
import os
import pickle
from datetime import date
from pathlib import Path

import fsspec
import pytest
from pyarrow.fs import FileSystem, FileType, LocalFileSystem
from raw_files import DAY, STREAM, folder_of, put

from jobs.errors import InputError, NoInputError
from jobs.raw.files import Input, discover, find_input, open_input
from jobs.raw.reader import read_files


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
    assert found.ignored == ()


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
    source = open_input(tmp_path)
    found = discover(source, [DAY])
    assert [hour for _, hour in found.arrived] == [1, 2, 3]
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
