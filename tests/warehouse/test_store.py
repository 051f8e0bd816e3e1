"""Objects beside the tables: whole or not there, on a file system with folders and on one without."""

from __future__ import annotations

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


def test_a_put_that_is_cut_off_leaves_the_old_object(tmp_path: Path) -> None:
    store = Store("test://there", LocalFileSystem(), f"{tmp_path}/there")
    store.put("a/current.json", b"old")
    with pytest.raises(FileNotFoundError):
        store.put_file("a/current.json", tmp_path / "not there")

    class KilledError(Exception):
        pass

    def parts():
        yield b"half"
        raise KilledError

    with pytest.raises(KilledError):
        store._put("a/current.json", parts())
    assert store.get("a/current.json") == b"old"
    assert [one.path for one in store.listed()] == ["a/current.json"], "what was begun is not listed"


def test_an_address_with_a_key_is_refused_without_showing_it() -> None:
    with pytest.raises(WarehouseError, match="holds a key") as refused:
        open_store("s3://id:verysecret@bucket/w")
    assert "verysecret" not in str(refused.value)
    assert refused.value.where == "s3://***@bucket/w"


def test_an_unknown_scheme_is_told() -> None:
    with pytest.raises(WarehouseError, match="no file system for nowhere"):
        open_store("nowhere://bucket/w")


def test_what_the_catalog_knows_of_s3_holds_for_the_store() -> None:
    told = {"s3.endpoint": "http://127.0.0.1:1", "s3.region": "here-1", "s3.access-key-id": "a"}
    store = open_store("s3://bucket/w/", {**told, "s3.secret-access-key": "b"})
    assert isinstance(store._files, S3FileSystem)
    assert (store._files.region, store._root, store.address) == ("here-1", "bucket/w", "s3://bucket/w")
