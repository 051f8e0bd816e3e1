"""A salt that was lost or changed is refused before anybody is hashed with it, and no new one is made beside facts."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.table import Table

from jobs import contracts
from jobs.errors import UsageError, WarehouseError
from jobs.schemas import arrow_schema
from jobs.settings.sections import PrivacySettings
from jobs.warehouse.home import metadata_locations, open_home
from jobs.warehouse.relocate import adopt, relocate
from jobs.warehouse.runs import Warehouse
from jobs.warehouse.salt import FINGERPRINT, MARKED, check_salt, fingerprint, salt_of
from jobs.warehouse.tables import MAIN, Tables

DAY = date(2026, 3, 19)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake without rows, to be copied: to make its tables takes a second."""
    path = tmp_path_factory.mktemp("made") / "warehouse"
    path.mkdir()
    tables_of(path)
    return path


@pytest.fixture
def warehouse(made: Path, tmp_path: Path) -> Warehouse:
    path = tmp_path / "warehouse"
    shutil.copytree(made, path)
    relocate(path)
    return Warehouse(path)


@pytest.fixture
def tables(warehouse: Warehouse) -> Tables:
    return tables_of(warehouse.path)


def tables_of(path: Path) -> Tables:
    tables = Tables(open_home({}, path)[0])
    tables.ensure_tables()
    return tables


def add_row(table: Table, branch: str = MAIN) -> None:
    """Put a row into a table that holds a user's hash."""
    schema = arrow_schema(contracts.table(table.name()[-1]).columns)
    given = {"event_date": DAY, "wiki_db": "testwiki", "user_hash": "aa"}
    row = {name: given.get(name) for name in schema.names}
    plain = pa.schema([field.with_nullable(True) for field in schema])
    if branch != MAIN:
        table.manage_snapshots().create_branch(table.refs()[MAIN].snapshot_id, branch).commit()
    table.append(pa.Table.from_pylist([row], schema=plain), branch=branch)


def refused(tables: Tables, warehouse: Warehouse, salt_file: Path | None = None) -> WarehouseError:
    with pytest.raises(WarehouseError) as found:
        salt_of(tables, warehouse, PrivacySettings(salt_file=salt_file))
    assert found.value.exit_code == 2
    assert "restore it from a backup" in found.value.next_step
    assert "--warehouse" in found.value.next_step
    return found.value


def test_a_fingerprint_tells_salts_apart_and_reveals_none() -> None:
    assert fingerprint("a") != fingerprint("b")
    assert len(fingerprint("a")) == 16
    # echo -n 'pdmetrics salt fingerprint' | openssl dgst -sha256 -hmac a
    assert fingerprint("a") == "185c9abcb08f27a8"


def test_the_first_to_hash_makes_the_salt_and_leaves_its_fingerprint(tables: Tables, warehouse: Warehouse) -> None:
    assert FINGERPRINT not in tables.table(MARKED).properties
    salt = salt_of(tables, warehouse, PrivacySettings())
    assert warehouse.salt(None) == salt
    assert tables_of(warehouse.path).table(MARKED).properties[FINGERPRINT] == fingerprint(salt)
    add_row(tables.table(MARKED))
    assert salt_of(tables_of(warehouse.path), warehouse, PrivacySettings()) == salt


def test_a_lost_salt_is_refused_and_none_is_made(tables: Tables, warehouse: Warehouse) -> None:
    salt = salt_of(tables, warehouse, PrivacySettings())
    path = warehouse.path / "salt"
    path.unlink()
    assert refused(tables_of(warehouse.path), warehouse).where == str(path)
    assert not path.exists()
    path.write_text(salt)
    assert salt_of(tables, warehouse, PrivacySettings()) == salt, "a backup mends it"


@pytest.mark.parametrize("name", ["events", "user_days"])
@pytest.mark.parametrize("branch", [MAIN, "run_1"])
def test_facts_of_before_the_fingerprint_need_their_salt(
    tables: Tables, warehouse: Warehouse, name: str, branch: str
) -> None:
    add_row(tables.table(name), branch)
    refused(tables, warehouse)
    if branch != MAIN:
        tables.table(name).manage_snapshots().remove_branch(branch).commit()
        refused(tables, warehouse)
    assert not (warehouse.path / "salt").exists()


def test_a_salt_of_before_the_fingerprint_is_noted(tables: Tables, warehouse: Warehouse) -> None:
    salt = warehouse.salt(None)
    add_row(tables.table("user_days"))
    assert salt_of(tables, warehouse, PrivacySettings()) == salt
    (warehouse.path / "salt").write_text("another")
    refused(tables, warehouse)


def test_rows_of_a_snapshot_without_a_count_are_looked_for(tables: Tables, warehouse: Warehouse) -> None:
    table = tables.table("events")
    check_salt({"events": table}, warehouse, PrivacySettings())
    add_row(table)
    for snapshot in table.metadata.snapshots:
        del snapshot.summary.additional_properties["total-records"]  # Iceberg asks of no writer to count
    with pytest.raises(WarehouseError, match="is not there"):
        check_salt({"events": table}, warehouse, PrivacySettings())


def test_a_changed_salt_is_refused_with_both_fingerprints(tables: Tables, warehouse: Warehouse) -> None:
    salt = salt_of(tables, warehouse, PrivacySettings())
    (warehouse.path / "salt").write_text("cooking-salt")
    error = refused(tables_of(warehouse.path), warehouse)
    assert fingerprint(salt) in error.what
    assert fingerprint("cooking-salt") in error.what
    assert str(warehouse.path / "salt") in error.where
    assert salt not in str(error)
    assert "cooking" not in str(error)


def test_another_salt_file_is_refused(tables: Tables, warehouse: Warehouse, tmp_path: Path) -> None:
    salt = salt_of(tables, warehouse, PrivacySettings())
    other = tmp_path / "elsewhere" / "salt"
    assert refused(tables, warehouse, other).where == str(other)
    assert not other.parent.exists()
    other.parent.mkdir()
    other.write_text("another")
    refused(tables, warehouse, other)
    other.write_text(f"{salt}\n")
    assert salt_of(tables, warehouse, PrivacySettings(salt_file=other)) == salt, "the same key may move"


def test_a_second_warehouse_on_the_same_tables_needs_the_same_salt(
    tables: Tables, warehouse: Warehouse, tmp_path: Path
) -> None:
    salt = salt_of(tables, warehouse, PrivacySettings())
    second = Warehouse(tmp_path / "second")
    refused(tables_of(warehouse.path), second)
    assert not second.path.exists()
    second.path.mkdir()
    (second.path / "salt").write_text("another")
    refused(tables_of(warehouse.path), second)
    shutil.copy(warehouse.path / "salt", second.path / "salt")
    assert salt_of(tables_of(warehouse.path), second, PrivacySettings()) == salt


@pytest.mark.parametrize("moment", ["salt", "transaction"])
def test_of_two_that_begin_at_once_one_is_refused(
    tables: Tables, warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    second, theirs = Warehouse(tmp_path / "second"), tables_of(warehouse.path)

    def the_other_first(salt_file: Path | None) -> str:
        monkeypatch.undo()
        salt_of(theirs, second, PrivacySettings())
        return warehouse.salt(salt_file)

    def conflict(table: Table) -> None:
        monkeypatch.undo()
        salt_of(theirs, second, PrivacySettings())
        raise CommitFailedException(table.name())

    if moment == "salt":
        monkeypatch.setattr(warehouse, "salt", the_other_first)
    else:
        monkeypatch.setattr(Table, "transaction", conflict)
    refused(tables, warehouse)
    assert salt_of(theirs, second, PrivacySettings()) == second.salt(None)


def test_trouble_of_the_catalog_is_not_taken_for_a_fingerprint(
    tables: Tables, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    def conflict(table: Table) -> None:
        raise CommitFailedException(table.name())

    monkeypatch.setattr(Table, "transaction", conflict)
    with pytest.raises(CommitFailedException):
        salt_of(tables, warehouse, PrivacySettings())


def test_a_salt_that_cannot_be_read_is_told(tables: Tables, warehouse: Warehouse, tmp_path: Path) -> None:
    with pytest.raises(WarehouseError, match="cannot be read: Is a directory"):
        salt_of(tables, warehouse, PrivacySettings(salt_file=tmp_path))
    (tmp_path / "salt").write_bytes(b"\xff\xfe")
    with pytest.raises(WarehouseError, match="cannot be read: it is not ASCII"):
        salt_of(tables, warehouse, PrivacySettings(salt_file=tmp_path / "salt"))


def test_a_moved_lake_keeps_the_fingerprint(tables: Tables, warehouse: Warehouse, tmp_path: Path) -> None:
    salt = salt_of(tables, warehouse, PrivacySettings())
    moved = Warehouse(tmp_path / "moved")
    warehouse.path.rename(moved.path)
    relocate(moved.path)
    assert tables_of(moved.path).table(MARKED).properties[FINGERPRINT] == fingerprint(salt)
    (moved.path / "salt").unlink()
    refused(tables_of(moved.path), moved)


def test_an_adopted_lake_keeps_the_fingerprint(tables: Tables, warehouse: Warehouse) -> None:
    salt = salt_of(tables, warehouse, PrivacySettings())
    for name, location in metadata_locations(warehouse.path).items():  # as the first version's catalog has them
        folder = warehouse.path / "lake" / "pd" / name / "metadata"
        shutil.copy(location.removeprefix("file://"), folder / "v1.metadata.json")
        (folder / "version-hint.text").write_text("1")
    (warehouse.path / "catalog.db").unlink()
    adopt(warehouse.path)
    assert tables_of(warehouse.path).table(MARKED).properties[FINGERPRINT] == fingerprint(salt)
    (warehouse.path / "salt").write_text("another")
    refused(tables_of(warehouse.path), warehouse)


def test_a_salt_of_the_settings_is_used_and_compared(tables: Tables, warehouse: Warehouse) -> None:
    given = PrivacySettings(salt="k" * 32)
    assert salt_of(tables, warehouse, given) == "k" * 32
    assert not warehouse.salt_path(None).exists()
    with pytest.raises(WarehouseError, match="not the salt") as told:
        salt_of(tables, warehouse, PrivacySettings(salt="l" * 32))
    assert "[privacy] salt" in told.value.where
    assert "l" * 32 not in str(told.value)
    with pytest.raises(UsageError, match="two salts"):
        salt_of(tables, warehouse, PrivacySettings(salt="k" * 32, salt_file=warehouse.path / "salt"))
