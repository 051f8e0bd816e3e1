"""Which files of a table's folder nothing names, on a local disk and on object storage. No engine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from lake_cases import DAYS, TABLE
from moto.server import ThreadedMotoServer
from pyarrow.fs import FileSelector, S3FileSystem
from pyiceberg.expressions import AlwaysTrue

from jobs import contracts
from jobs.errors import WarehouseError
from jobs.schemas import arrow_schema
from jobs.warehouse import orphans
from jobs.warehouse.catalog import open_catalog
from jobs.warehouse.home import open_home
from jobs.warehouse.orphans import StoredFile, remove, unreferenced
from jobs.warehouse.tables import Tables
from jobs.warehouse.upkeep import keep_table

SCHEMA = arrow_schema(contracts.table(TABLE).columns)
BRANCH = "run_staged_1"


def opened(warehouse: Path) -> Tables:
    warehouse.mkdir(exist_ok=True)
    tables = Tables(open_home({}, warehouse)[0])
    tables.ensure_tables()
    return tables


def rows(n_lines: int) -> pa.Table:
    return pa.Table.from_pylist(
        [{"event_date": DAYS[0], "event_hour": 1, "fate": "kept", "reason": None, "n_lines": n_lines}], schema=SCHEMA
    )


def write(tables: Tables) -> None:
    """Rows that were replaced, rows that are published, rows of a branch."""
    tables.table(TABLE).append(rows(1))
    tables.table(TABLE).overwrite(rows(2), AlwaysTrue())
    tables.branch(TABLE, BRANCH)
    tables.table(TABLE).append(rows(3), branch=BRANCH)


def lines(tables: Tables, branch: str | None = None) -> list[int]:
    return sorted(tables.arrow_days(TABLE, DAYS, branch)["n_lines"].to_pylist())


@pytest.fixture(autouse=True)
def _few_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most tables have nothing to do here, and take a second to make."""
    few = {name: contracts.table(name) for name in (TABLE, "quarantine")}
    monkeypatch.setattr(contracts, "TABLES", few)


def names(files: list[StoredFile]) -> list[str]:
    return sorted(file.path.rpartition("/")[2] for file in files)


@pytest.fixture
def tables(tmp_path: Path) -> Tables:
    found = opened(tmp_path / "ein Haus, 100% ünïcode")
    write(found)
    return found


def folder_of(tables: Tables) -> Path:
    return Path(tables.table(TABLE).location().removeprefix("file://"))


def test_what_metadata_names_is_no_orphan_and_everything_else_is(tables):
    assert unreferenced(tables, TABLE, older_than=None) == []
    folder = folder_of(tables)
    (folder / "data/tail").mkdir()
    left = [
        folder / "data/tail/a b ö.parquet",
        folder / "metadata/killed-m0.avro",
        folder / "metadata/.killed-m0.avro.crc",
    ]
    kept = [folder / "metadata/version-hint.text"]
    kept += [path.with_name(f".{path.name}.crc") for path in (folder / "data").rglob("*.parquet")][:1]
    for path in (*left, *kept):
        path.write_bytes(b"1234")
    found = unreferenced(tables, TABLE, older_than=None)
    assert names(found) == sorted(path.name for path in left)
    assert {file.n_bytes for file in found} == {4}
    for _ in range(2):  # a second time all are gone already
        remove(tables, TABLE, found)
    assert not (folder / "data/tail").exists(), "a folder that became empty goes too"
    assert all(path.exists() for path in kept)
    assert (lines(tables), lines(tables, BRANCH)) == ([2], [2, 3])


def test_expired_snapshots_leave_their_files_behind(tables):
    tables.expire(TABLE, datetime.now(UTC) + timedelta(days=1))
    found = unreferenced(tables, TABLE, older_than=None)
    assert len([name for name in names(found) if name.endswith(".parquet")]) == 1, "the replaced rows"
    remove(tables, TABLE, found)
    assert unreferenced(opened_again(tables), TABLE, older_than=None) == []
    assert (lines(tables), lines(tables, BRANCH)) == ([2], [2, 3])


def opened_again(tables: Tables) -> Tables:
    return opened(folder_of(tables).parents[2])


def test_young_files_are_left_alone(tables):
    path = folder_of(tables) / "data/new.parquet"
    path.write_bytes(b"")
    yesterday = datetime.now(UTC) - timedelta(days=1)
    assert unreferenced(tables, TABLE, older_than=yesterday) == []
    os.utime(path, (0, 0))
    assert names(unreferenced(tables, TABLE, older_than=yesterday)) == ["new.parquet"]


def test_nothing_outside_of_the_folder_is_touched(tables, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "somebody's.parquet").write_bytes(b"")
    (folder_of(tables) / "data/link").symlink_to(elsewhere)
    (folder_of(tables) / "data/link.parquet").symlink_to(elsewhere / "somebody's.parquet")
    assert unreferenced(tables, TABLE, older_than=None) == []
    for path in (elsewhere / "somebody's.parquet", folder_of(tables) / "../quarantine/metadata/x.avro"):
        with pytest.raises(WarehouseError, match="is not of table"):
            remove(tables, TABLE, [StoredFile(str(path), 0)])


@pytest.mark.parametrize("inside", ["", "/inside"])
def test_two_tables_in_a_folder_are_refused(tables, inside):
    table = tables.table("quarantine")
    shared = tables.table(TABLE).location() + inside
    table.metadata = table.metadata.model_copy(update={"location": shared})
    for name in (TABLE, "quarantine"):
        with pytest.raises(WarehouseError, match="share a folder"):
            unreferenced(tables, name, older_than=None)


def test_a_file_that_is_lost_or_named_otherwise_stops_all(tables, monkeypatch):
    real = orphans._path
    monkeypatch.setattr(
        orphans,
        "_path",
        lambda location: real(location).replace("%", "%25") if location.endswith("parquet") else real(location),
    )
    with pytest.raises(WarehouseError, match="none is taken for an orphan"):
        unreferenced(tables, TABLE, older_than=None)
    monkeypatch.undo()
    manifest = tables.table(TABLE).current_snapshot().manifest_list.removeprefix("file://")
    Path(manifest).unlink()
    with pytest.raises(WarehouseError, match="none is taken for an orphan"):
        unreferenced(opened_again(tables), TABLE, older_than=None)


@pytest.fixture(scope="module")
def s3() -> Iterator[dict[str, str]]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    yield {
        "s3.endpoint": f"http://127.0.0.1:{server.get_host_and_port()[1]}", "s3.access-key-id": "a",
        "s3.secret-access-key": "b", "s3.region": "us-east-1",
    }  # fmt: skip
    server.stop()


def test_on_object_storage_it_is_the_same(s3, tmp_path):
    store = S3FileSystem(
        endpoint_override=s3["s3.endpoint"],
        access_key="a",
        secret_key="b",
        region="us-east-1",
        allow_bucket_creation=True,
    )
    store.create_dir("pd lake")
    catalog = {"type": "sql", "uri": f"sqlite:///{tmp_path}/catalog.db", "warehouse": "s3://pd lake/tables", **s3}
    tables = Tables(open_catalog(catalog))
    tables.ensure_tables()
    write(tables)
    assert unreferenced(tables, TABLE, older_than=None) == []
    with store.open_output_stream(f"pd lake/tables/pd/{TABLE}/data/event_date=2026-01-01/ö rest.parquet") as file:
        file.write(b"1234")
    found = unreferenced(tables, TABLE, older_than=None)
    assert [(name, found[0].n_bytes) for name in names(found)] == [("ö rest.parquet", 4)]
    assert unreferenced(tables, TABLE, older_than=datetime.now(UTC) - timedelta(days=1)) == []
    for _ in range(2):
        remove(tables, TABLE, found)
    left = store.get_file_info(FileSelector(f"pd lake/tables/pd/{TABLE}", recursive=True))
    assert not [info.path for info in left if "rest" in info.path]
    assert (lines(tables), lines(tables, BRANCH)) == ([2], [2, 3])
    tables.table(TABLE).append(rows(4))
    tables.discard()
    later = datetime.now(UTC) + timedelta(days=40)
    told = [list(keep_table(tables, TABLE, later, is_dry=True)), list(keep_table(tables, TABLE, later, is_dry=False))]
    assert told[0] == told[1]
    assert {one.what: (one.before, one.after) for one in told[1]}["data files in force"] == (2, 1)
    assert lines(tables) == [2, 4]
    files = store.get_file_info(FileSelector(f"pd lake/tables/pd/{TABLE}/data", recursive=True))
    assert len([info for info in files if info.path.endswith(".parquet")]) == 3, "the two small ones are of a snapshot"
