"""Objects beside the tables: whole or not there, on a file system with folders and on one without."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyarrow.fs import LocalFileSystem, S3FileSystem

from jobs.errors import WarehouseError
from jobs.warehouse.store import Store, digest_of, open_store


@pytest.fixture(params=["folders", "objects"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "folders":
        return Store("test://there/", LocalFileSystem(), f"{tmp_path}/there")
    return open_store(f"memory://{tmp_path.name}/there")


def test_what_is_put_is_there_and_what_is_deleted_is_not(store: Store, tmp_path: Path) -> None:
    assert (store.get("runs/a/run.json"), store.listed("runs")) == (None, [])
    store.put("runs/a/run.json", b"old")
    store.put("runs/a/run.json", b"new!")
    store.put("publish.json", b"{}")
    assert store.get("runs/a/run.json") == b"new!"
    assert [(one.path, one.size) for one in store.listed("runs")] == [("runs/a/run.json", 4)]
    assert sorted(one.path for one in store.listed()) == ["publish.json", "runs/a/run.json"]
    for _ in range(2):
        store.delete("publish.json")
    assert store.get("publish.json") is None


def test_files_travel_with_their_digest(store: Store, tmp_path: Path) -> None:
    here, back = tmp_path / "here", tmp_path / "back"
    here.write_bytes(b"marts" * 2_000_000)  # more than one part
    store.put_file("marts/a.duckdb", here)
    digest = store.get_file("marts/a.duckdb", back)
    assert back.read_bytes() == here.read_bytes()
    assert digest == digest_of(here)
    assert store.get_file("marts/none", back) is None


class KilledError(Exception):
    """What a signal raises in the main thread."""


def test_a_put_that_is_cut_off_leaves_the_old_object(store: Store, tmp_path: Path) -> None:
    store.put("a/current.json", b"old")
    with pytest.raises(FileNotFoundError):
        store.put_file("a/current.json", tmp_path / "not there")

    def parts():
        yield b"half"
        raise KilledError

    with pytest.raises(KilledError):
        store._put("a/current.json", parts())
    assert store.get("a/current.json") == b"old"
    assert [one.path for one in store.listed()] == ["a/current.json"], "what was begun is not listed"


def test_of_a_large_put_that_is_broken_off_nothing_stays(store: Store) -> None:
    def parts():
        yield from (b"a", b"b", b"c")
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        store._put("marts/large.duckdb", parts())
    assert store.get("marts/large.duckdb") is None
    assert store.listed() == []


def test_a_signal_waits_until_an_object_is_whole(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise KilledError

    before, write = signal.signal(signal.SIGUSR1, stop), Store._put_parts

    def signalled(self: Store, full: str, parts: Iterator[bytes]) -> None:
        def slowly() -> Iterator[bytes]:
            os.kill(os.getpid(), signal.SIGUSR1)
            time.sleep(0.2)  # the main thread hears it, and is between opening and writing
            yield from parts

        write(self, full, slowly())

    monkeypatch.setattr(Store, "_put_parts", signalled)
    try:
        with pytest.raises(KilledError):
            store.put("a/current.json", b"new")
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert store.get("a/current.json") == b"new"


def test_an_address_with_a_key_is_refused_without_showing_it() -> None:
    with pytest.raises(WarehouseError, match="holds a key") as refused:
        open_store("s3://id:verysecret@bucket/w")
    assert "verysecret" not in str(refused.value)
    assert refused.value.where == "s3://***@bucket/w"


@pytest.mark.parametrize("scheme", ["hdfs", "sftp", "nowhere"])
def test_a_place_that_does_not_replace_objects_whole_is_refused(scheme: str) -> None:
    with pytest.raises(WarehouseError, match=f"cannot lie on {scheme}") as refused:
        open_store(f"{scheme}://there/w")
    assert "s3" in refused.value.next_step


def test_a_store_without_a_file_system_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.warehouse.store.SCHEMES", ("nowhere",))
    with pytest.raises(WarehouseError, match="no file system for nowhere"):
        open_store("nowhere://bucket/w")


def test_what_the_catalog_knows_of_s3_holds_for_the_store() -> None:
    told = {"s3.endpoint": "http://127.0.0.1:1", "s3.region": "here-1", "s3.access-key-id": "a"}
    store = open_store("s3://bucket/w/", {**told, "s3.secret-access-key": "b"})
    assert isinstance(store._files, S3FileSystem)
    assert (store._files.region, store._root, store.address) == ("here-1", "bucket/w", "s3://bucket/w")
