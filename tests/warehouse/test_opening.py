"""Which warehouse a command opens, and that one over another's tables is refused."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import duckdb
import pytest
from rich.console import Console

from jobs.commands.context import Context
from jobs.commands.doctor import examine_place, take_over
from jobs.errors import LockedError, UsageError, WarehouseError
from jobs.settings import Settings, load_settings
from jobs.warehouse.lease_table import move
from jobs.warehouse.opening import open_warehouse, settings_for
from jobs.warehouse.runs import Warehouse
from jobs.warehouse.store import digest_of, open_store
from jobs.warehouse.stored import POINTER
from pdmetrics import marts


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A catalog that lies beside no warehouse."""
    catalog = {"uri": f"sqlite:///{tmp_path}/catalog.db", "warehouse": f"file://{tmp_path}/lake"}
    return load_settings(overrides=[f"catalog.{key}={value}" for key, value in catalog.items()])[0]


def lock(place: Path | str, settings: Settings) -> Warehouse:
    found = open_warehouse(place, settings_for(place, settings))
    with found.lock():
        pass
    return found


def test_a_catalog_belongs_to_one_folder_until_it_is_moved(tmp_path: Path, settings: Settings) -> None:
    first, other = tmp_path / "first", tmp_path / "other"
    for _ in range(2):
        lock(first, settings)
    with pytest.raises(WarehouseError, match=f"belong to the warehouse {first}, not to {other}"):
        lock(other, settings)
    with pytest.raises(WarehouseError, match=f"belong to the warehouse {first}, not to memory://"):
        lock(f"memory://{tmp_path.name}/pd", settings)
    told = StringIO()
    for _ in range(2):
        take_over(Console(file=told, width=500), settings, open_warehouse(other, settings), adopt=False)
    said = told.getvalue().splitlines()
    assert said == [
        f"Its tables were those of {first}; they are those of {other} now.",
        "Nothing to do: it is in order.",
    ]
    lock(other, settings)
    with pytest.raises(WarehouseError, match=f"belong to the warehouse {other}"):
        lock(first, settings)


def test_a_warehouse_is_not_taken_away_while_a_command_writes(tmp_path: Path, settings: Settings) -> None:
    lock(tmp_path / "first", settings)
    other = Warehouse(tmp_path / "other")
    with other.lock(), pytest.raises(LockedError):
        take_over(Console(file=StringIO()), settings, other, adopt=False)
    with pytest.raises(WarehouseError, match="first"):
        lock(tmp_path / "other", settings)


def test_the_own_catalog_of_a_folder_is_nobody_elses(tmp_path: Path) -> None:
    own = load_settings(overrides=[f"catalog.uri=sqlite:///{tmp_path}/w/catalog.db"])[0]
    for settings in (Settings(), own):
        lock(tmp_path / "w", settings)
    assert not (tmp_path / "w" / "catalog.db").exists()


def examined(place: Path | str, settings: Settings) -> tuple[int, str]:
    told = StringIO()
    sources = {(name, key): "flag" for name, section in settings for key in section.model_dump()}
    return examine_place(Context(settings, sources, place, Console(file=told, width=500))), told.getvalue()


def test_doctor_says_that_the_tables_are_anothers(tmp_path: Path, settings: Settings) -> None:
    lock(tmp_path / "first", settings)
    code, told = examined(tmp_path / "other", settings)
    assert code == 1
    assert f"belong to the warehouse {tmp_path}/first, not to {tmp_path}/other" in told


def test_doctor_tells_of_an_address_that_cannot_be_opened_and_of_the_rest() -> None:
    code, told = examined("s3://bucket/pd", Settings())
    assert code == 1
    assert "needs a catalog that every machine reaches" in told
    assert "python" in told


def test_marts_at_an_address_are_read_by_its_name_alone(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, file = f"memory://{tmp_path.name}/pd", tmp_path / "built.duckdb"
    with duckdb.connect(file) as connection:
        connection.execute("create schema marts; create table marts.fct_metric_values as select 7 as n")
    store = open_store(address)
    store.put_file("marts/run_1.duckdb", file)
    store.put(POINTER, json.dumps({"run_id": "run_1", "file": "run_1.duckdb", "sha256": digest_of(file)}).encode())
    monkeypatch.setenv("XDG_CACHE_HOME", f"{tmp_path}/cache")
    monkeypatch.setenv("PDMETRICS_WAREHOUSE", address)
    assert marts.sql("select n from fct_metric_values")["n"].tolist() == [7]
    shared = Context(settings, {}, address, Console())
    assert shared.settings.catalog.warehouse == settings.catalog.warehouse
    assert shared.warehouse.marts.read_bytes() == file.read_bytes()
    shared.close()
    assert not shared.unread.path.exists(), "a command leaves nothing"
    told = examined(address, settings)[1]
    assert f"{address}: reached" in told
    assert f"{address}: published" in told


def test_nothing_is_opened_before_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("jobs.commands.context.open_warehouse", opened)
    shared = Context(Settings(), {}, "s3://bucket/pd", Console())
    shared.close()
    with pytest.raises(UsageError, match="needs a catalog"):
        _ = shared.settings


def test_where_no_warehouse_was_noted_this_one_is(tmp_path: Path, settings: Settings) -> None:
    from jobs.warehouse.catalog import open_catalog
    from jobs.warehouse.lease_table import PLACE, TABLE, table_of

    catalog = open_catalog({"type": "sql", **settings.catalog.properties()})
    with table_of(catalog, "there").transaction() as transaction:
        transaction.remove_properties(PLACE)
    assert table_of(catalog, "here").properties[PLACE] == "here"
    assert move(catalog, "here") is None
    assert catalog.load_table(TABLE).properties[PLACE] == "here"
