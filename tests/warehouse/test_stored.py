"""A warehouse at an address, used from machines that share nothing else: what one was killed in, another finishes.

The objects lie in a folder, the tables beside them; the lease is a stand-in, which `test_lease.py` has the real one of.
"""

from __future__ import annotations

import contextlib
import json
import pickle
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from lake_cases import DAYS, TABLE
from pyarrow.fs import LocalFileSystem
from pyiceberg.expressions import AlwaysTrue
from structlog.testing import capture_logs

from jobs import contracts
from jobs.commands.cut_off import finish_cut_off, of_one_publish
from jobs.errors import LockedError, NoInputError, UsageError, WarehouseError
from jobs.exits import Ending, run_to_the_end
from jobs.schemas import arrow_schema
from jobs.settings import Settings, load_settings
from jobs.settings.sections import PrivacySettings
from jobs.steps.audit import Audited, audit_marts
from jobs.steps.job import engine_errors, recovered_tables
from jobs.warehouse import compact
from jobs.warehouse import purge as purging
from jobs.warehouse import stored as module
from jobs.warehouse import work as working
from jobs.warehouse.catalog import open_catalog
from jobs.warehouse.diagnostics import log_of_today, logs, tracebacks
from jobs.warehouse.manifest import Backfill, Run
from jobs.warehouse.orphans import remove
from jobs.warehouse.publish import clean_up, publish, recover
from jobs.warehouse.receipts import KEEP_UNTIL, Occasion
from jobs.warehouse.runs import Warehouse
from jobs.warehouse.salt import key_of
from jobs.warehouse.store import Store
from jobs.warehouse.stored import POINTER, StoredWarehouse
from jobs.warehouse.tables import Tables
from jobs.warehouse.work import WorkFolder

DAY, NEXT = DAYS[0], DAYS[1]


class Killed(BaseException):
    """Like the end of a process: nothing catches it."""


class Turn:
    """A lease that one machine has at a time, until it is taken away."""

    holder_now: Turn | None = None

    @contextlib.contextmanager
    def held(self, wait_seconds: float) -> Iterator[None]:
        if Turn.holder_now not in (None, self):
            raise LockedError("another")
        Turn.holder_now = self
        yield
        Turn.holder_now = None

    def require(self) -> None:
        return

    def check(self) -> None:
        if Turn.holder_now is not self:
            raise LockedError("The lock of the warehouse was lost.")

    renew = check

    def holder(self) -> str | None:
        return None


class World:
    """An address, a catalog, and machines with disks of their own."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.properties = {"type": "sql", "uri": f"sqlite:///{place}/catalog.db", "warehouse": f"file://{place}/lake"}
        self.open: list[tuple[Any, StoredWarehouse]] = []

    def machine(self, name: str) -> StoredWarehouse:
        """A command on a machine, which knows what is stored; its disk may be empty."""
        found = StoredWarehouse(self.store, WorkFolder(self.place / name), Turn())
        found.attach()
        return found

    @property
    def store(self) -> Store:
        return Store("test://there", LocalFileSystem(), f"{self.place}/there")

    def lock(self, warehouse: StoredWarehouse) -> Tables:
        """Begin to write, as a command does that may be killed: nothing runs at its end."""
        turn = warehouse.lock()
        turn.__enter__()
        self.open.append((turn, warehouse))
        return self.tables()

    def die(self) -> None:
        """The lease of whoever was killed lapses."""
        Turn.holder_now = None

    def tables(self) -> Tables:
        tables = Tables(open_catalog(self.properties))
        tables.ensure_tables()
        return tables

    def staged(self, warehouse: Warehouse, number: int) -> Run:
        """A run that is ready to be published: a row of a table, and marts."""
        run = warehouse.new_run(DAY, NEXT, "in")
        run.done = ["ingest", "estimates", "marts"]
        (warehouse.reference(run.run_id) / "wikis.csv").write_text(f"wikis of {number}")
        warehouse.save(run)
        tables = self.tables()
        tables.branch(TABLE, run.run_id)
        schema = arrow_schema(contracts.table(TABLE).columns)
        row = {field.name: {"event_date": DAY, "n_lines": number}.get(field.name) for field in schema}
        tables.table(TABLE).append(pa.Table.from_pylist([row], schema=schema), branch=run.run_id)
        warehouse.next_marts.parent.mkdir(exist_ok=True)
        warehouse.next_marts.write_text(f"marts of {number}")
        return run

    def published(self, warehouse: StoredWarehouse, number: int) -> Run:
        with warehouse.lock():
            publish(self.tables(), warehouse, run := self.staged(warehouse, number))
        return run

    def seen(self) -> tuple[list[int], str | None, dict[str, str]]:
        """What a reader of another machine finds: rows, marts, states of runs."""
        reader = self.machine("reader")
        rows = self.tables().arrow_days(TABLE, [DAY])["n_lines"].to_pylist()
        marts = reader.marts.read_text() if reader.marts.exists() else None
        states = {run.run_id: run.state for run in reader.all_runs()}
        reader.close()
        return sorted(rows), marts, states


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(contracts, "TABLES", {TABLE: contracts.TABLES[TABLE]})
    monkeypatch.setattr(Turn, "holder_now", None)
    return World(tmp_path)


def test_a_day_here_and_a_day_there(world: World) -> None:
    first = world.published(world.machine("a"), 1)
    assert world.seen() == ([1], "marts of 1", {first.run_id: "published"})
    other = world.machine("b")
    assert (other.reference(first.run_id) / "wikis.csv").read_text() == "wikis of 1"
    second = world.published(other, 2)
    assert second.number == first.number + 1
    assert world.seen() == ([1, 2], "marts of 2", {first.run_id: "published", second.run_id: "published"})
    assert world.store.get("publish.json") is None
    told = json.loads(world.store.get(POINTER) or b"")
    assert (told["run_id"], told["size"]) == (second.run_id, len("marts of 2"))


def test_a_manifest_is_put_after_what_it_speaks_of_and_the_journal_last(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine, put_file, told = world.machine("a"), Store.put_file, []
    monkeypatch.setattr(Store, "put_file", lambda self, path, file: (told.append(path), put_file(self, path, file)))
    world.lock(machine)
    folder = machine.folder("run_1")
    machine.reference("run_1").mkdir(parents=True)
    for file in (machine.journal, folder / "run.json", machine.reference("run_1") / "wikis.csv", folder / "zeta.csv"):
        file.write_text("new")
    machine.sync()
    assert sorted(told[:2]) == ["runs/run_1/reference/wikis.csv", "runs/run_1/zeta.csv"]
    assert told[2:] == ["runs/run_1/run.json", "publish.json"]
    machine.sync()
    assert len(told) == 4, "what did not change is not put again"


# --- Killed on the way


def _kill(*_: object, **__: object) -> None:
    raise Killed


def while_handing_over(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(StoredWarehouse, "hand_over", _kill)


def before_the_journal_is_stored(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(StoredWarehouse, "sync", _kill)


def after_the_journal(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Tables, "publish", _kill)


def after_the_tables(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(StoredWarehouse, "replace_marts", _kill)


def after_the_pointer(patch: pytest.MonkeyPatch) -> None:
    replace = StoredWarehouse.replace_marts
    patch.setattr(StoredWarehouse, "replace_marts", lambda *arguments: (replace(*arguments), _kill()))


def before_the_journal_is_removed(patch: pytest.MonkeyPatch) -> None:
    save = StoredWarehouse.save
    patch.setattr(StoredWarehouse, "save", lambda *arguments: (save(*arguments), _kill()))


def killed(world: World, moment: Callable[[pytest.MonkeyPatch], None]) -> Run:
    """Publish a second run on a machine that is killed at a moment and gone for good."""
    gone = world.machine("gone")
    world.lock(gone)
    run = world.staged(gone, 2)
    with pytest.MonkeyPatch.context() as patch:
        moment(patch)
        with pytest.raises(Killed):
            publish(world.tables(), gone, run)
    world.die()
    return run


@pytest.mark.parametrize(
    ("moment", "rows", "marts"),
    [
        (after_the_journal, [1], 1),
        (after_the_tables, [1, 2], 1),
        (after_the_pointer, [1, 2], 2),
        (before_the_journal_is_removed, [1, 2], 2),
    ],
)
def test_a_publish_killed_after_the_journal_is_finished_elsewhere(
    world: World, moment: Callable[[pytest.MonkeyPatch], None], rows: list[int], marts: int
) -> None:
    first = world.published(world.machine("a"), 1)
    second = killed(world, moment)
    assert world.seen()[:2] == (rows, f"marts of {marts}"), "journal, tables, marts"
    other = world.machine("b")
    assert other.journal.exists()
    with other.lock():
        recover(world.tables(), other)
        recover(world.tables(), other)
    assert other.marts.read_text() == "marts of 2"
    assert world.seen() == ([1, 2], "marts of 2", {first.run_id: "published", second.run_id: "published"})
    assert world.store.get("publish.json") is None


@pytest.mark.parametrize("moment", [while_handing_over, before_the_journal_is_stored])
def test_one_killed_before_the_journal_is_dropped_elsewhere(
    world: World, moment: Callable[[pytest.MonkeyPatch], None]
) -> None:
    first = world.published(world.machine("a"), 1)
    second = killed(world, moment)
    assert world.seen() == ([1], "marts of 1", {first.run_id: "published", second.run_id: "open"})
    other = world.machine("b")
    tables = world.lock(other)
    recover(tables, other)
    clean_up(tables, other)
    third = other.new_run(DAY, NEXT, "in")
    assert third.number > second.number, "the one that is gone may still stage on a branch of its name"
    assert world.seen() == ([1], "marts of 1", {first.run_id: "published", third.run_id: "open"})


# --- The lock was lost


@pytest.mark.parametrize("moment", ["hand_over", "sync"])
def test_who_lost_the_lock_publishes_nothing(world: World, moment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first = world.published(world.machine("a"), 1)
    stopped = world.machine("stopped")
    world.lock(stopped)
    run = world.staged(stopped, 2)
    action = getattr(StoredWarehouse, moment)

    def stopped_for_long(*arguments: object) -> object:
        done = action(*arguments)
        Turn.holder_now = Turn()
        return done

    monkeypatch.setattr(StoredWarehouse, moment, stopped_for_long)
    with pytest.raises(LockedError, match="was lost"):
        publish(world.tables(), stopped, run)
    assert world.seen()[:2] == ([1], "marts of 1")
    assert world.seen()[2][first.run_id] == "published"


def test_who_lost_the_lock_deletes_nothing_that_another_may_have_staged(world: World) -> None:
    world.published(world.machine("a"), 1)
    world.published(world.machine("a"), 2)
    world.lock(stopped := world.machine("stopped"))
    tables = world.tables()
    tables.check_held = stopped.check_held
    rows = AlwaysTrue()
    plan = purging.TablePlan(TABLE, rows, is_due=True)
    group = compact.small_files(tables, TABLE, datetime.now(UTC) + timedelta(days=40))
    assert group
    world.staged(world.machine("b"), 3)
    Turn.holder_now = Turn()
    before = {path for path in world.place.rglob("lake/**/*.*") if path.parent.name != "data"}
    occasion = Occasion(DAY, DAY, KEEP_UNTIL)
    for act in (
        lambda: tables.expire(TABLE, datetime.now(UTC)), tables.discard, lambda: remove(tables, TABLE, []),
        lambda: compact.compact(tables, TABLE, group), lambda: compact.merge_manifests(tables, TABLE),
        lambda: purging.delete_rows(tables, plan, occasion), lambda: purging.forget_history(tables, plan),
        lambda: purging.carry_over(tables, plan, tables.snapshot(TABLE, None)),
    ):  # fmt: skip
        tables.table(TABLE).refresh()
        with pytest.raises(LockedError, match="was lost"):
            act()
    assert {path for path in world.place.rglob("lake/**/*.*") if "metadata.json" in path.name} <= before
    assert world.seen()[:2] == ([1, 2], "marts of 2")


def test_purge_and_maintain_ask_whether_they_hold_the_lock(world: World) -> None:
    settings = load_settings(None, tuple(f"catalog.{key}={value}" for key, value in world.properties.items()))[0]
    machine = world.machine("a")
    with machine.lock():
        assert recovered_tables(settings, machine).check_held == machine.check_held


def test_who_loses_the_lock_while_handing_over_writes_no_journal(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.lock(stopped := world.machine("stopped"))
    run, put_file = world.staged(stopped, 2), Store.put_file

    def takes_long(store: Store, path: str, file: Path) -> None:
        put_file(store, path, file)
        Turn.holder_now = Turn()

    monkeypatch.setattr(Store, "put_file", takes_long)
    with pytest.raises(LockedError, match="was lost"):
        publish(world.tables(), stopped, run)
    assert world.store.get("publish.json") is None


def test_the_journal_of_a_run_that_lost_the_lock_and_was_dropped_is_dropped(world: World) -> None:
    world.published(world.machine("a"), 1)
    late = world.staged(stopped := world.machine("stopped"), 2)
    third = world.published(world.machine("b"), 3)
    other = world.machine("c")
    world.lock(other)
    clean_up(world.tables(), other)
    world.die()
    world.store.put("publish.json", json.dumps({"run_id": late.run_id, "marts": {}}).encode())
    with capture_logs() as told, stopped.lock():
        recover(world.tables(), stopped)
    assert [line["log_level"] for line in told] == ["warning"]
    assert world.seen()[1] == "marts of 3"
    assert third.run_id in world.seen()[2]
    assert world.store.get("publish.json") is None


def test_nothing_is_written_through_without_the_lock(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = world.machine("a")
    world.lock(machine)
    run = machine.new_run(DAY, NEXT, "in")
    monkeypatch.setattr(Turn, "require", Turn.check)
    world.die()
    run.state = "failed"
    with pytest.raises(LockedError):
        machine.save(run)
    assert world.seen()[2] == {run.run_id: "open"}


def test_a_machine_that_is_stopped_while_it_writes_through_puts_no_manifest(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine, put_file = world.machine("a"), Store.put_file
    world.lock(machine)
    monkeypatch.setattr(Turn, "require", Turn.check)

    def takes_long(store: Store, path: str, file: Path) -> None:
        put_file(store, path, file)
        if path.endswith("wikis.csv"):
            world.die()

    monkeypatch.setattr(Store, "put_file", takes_long)
    with pytest.raises(LockedError):
        world.staged(machine, 2)
    put = {one.path.rpartition("/")[2]: one.path for one in world.store.listed("runs")}
    assert put.keys() == {"wikis.csv", "run.json"}
    assert json.loads(world.store.get(put["run.json"]) or b"")["done"] == [], "as it was before"


@pytest.mark.parametrize("is_backfill", [False, True])
def test_a_run_that_was_dropped_and_written_again_is_dropped(world: World, is_backfill: bool) -> None:
    stopped = world.machine("stopped")
    world.lock(stopped)
    late = world.staged(stopped, 1)
    late.backfill = Backfill("late data", "code", datetime.now(UTC)) if is_backfill else None
    stopped.save(late)
    manifest = f"runs/{late.run_id}/run.json"
    written = world.store.get(manifest) or b""
    world.die()
    other = world.machine("b")
    clean_up(world.lock(other), other)
    newest = world.staged(other, 2)
    world.die()
    world.store.put(manifest, written)  # as a machine does that was stopped while it wrote
    with world.machine("c").lock():
        pass
    assert world.seen()[2] == {newest.run_id: "open"} | ({late.run_id: "dropped"} if is_backfill else {})


# --- Readers


def test_a_reader_has_the_old_marts_or_the_new_ones(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.published(world.machine("a"), 1)
    reader, get_file = StoredWarehouse(world.store, WorkFolder(world.place / "b"), None), Store.get_file

    def replaced_meanwhile(store: Store, path: str, file: Path) -> str | None:
        monkeypatch.setattr(Store, "get_file", get_file)
        world.published(world.machine("a"), 2)
        for one in world.store.listed("marts"):
            if path == one.path:
                world.store.delete(path)  # as if others had published since, too
        return get_file(store, path, file)

    monkeypatch.setattr(Store, "get_file", replaced_meanwhile)
    reader.attach()
    assert reader.marts.read_text() == "marts of 2"


def test_marts_that_are_not_what_the_pointer_says_are_not_read(world: World) -> None:
    world.published(world.machine("a"), 1)
    (name,) = [one.path for one in world.store.listed("marts") if one.path != POINTER]
    world.store.put(name, b"half")
    with pytest.raises(WarehouseError, match="damaged") as told:
        StoredWarehouse(world.store, WorkFolder(world.place / "b"), None).attach()
    assert told.value.where == f"test://there/{POINTER}"
    with capture_logs() as log:
        writer = world.machine("c")
    assert [line["log_level"] for line in log] == ["warning"]
    assert writer.marts_are_lost()
    world.published(writer, 2)
    assert world.seen()[1] == "marts of 2", "the next run mends it"


@pytest.mark.parametrize("pointer", [b"", b"{", b"[]", b"{}"])
def test_a_pointer_that_cannot_be_read_stops_readers_only(world: World, pointer: bytes) -> None:
    world.published(world.machine("a"), 1)
    world.store.put(POINTER, pointer)
    with pytest.raises(WarehouseError, match="damaged"):
        StoredWarehouse(world.store, WorkFolder(world.place / "b"), None).attach()
    with capture_logs() as log:
        writer = world.machine("c")
    assert [line["log_level"] for line in log] == ["warning"]
    world.published(writer, 2)
    assert world.seen()[1] == "marts of 2"


def test_old_marts_go(world: World) -> None:
    for number in range(module.KEPT_MARTS + 2):
        world.published(world.machine("a"), number)
    assert len(world.store.listed("marts")) == module.KEPT_MARTS + 1
    assert world.seen()[1] == f"marts of {module.KEPT_MARTS + 1}"
    assert len(list((world.place / "a" / "marts").iterdir())) == working.KEPT_MARTS


def test_a_reader_leaves_a_publish_to_whoever_is_at_it(world: World) -> None:
    world.published(world.machine("a"), 1)
    killed(world, after_the_tables)
    Turn.holder_now = Turn()
    reader = world.machine("b")
    settings = Settings(catalog=world.properties)
    with capture_logs() as told:
        finish_cut_off(settings, reader)
    assert [line["why"] for line in told] == ["another"]
    assert reader.marts.read_text() == "marts of 1"
    world.die()
    finish_cut_off(settings, reader)
    assert reader.marts.read_text() == "marts of 2"


def test_who_reads_tables_too_waits_for_a_publish_or_is_told(world: World) -> None:
    world.published(world.machine("a"), 1)
    killed(world, after_the_tables)
    Turn.holder_now = Turn()
    reader, waited = world.machine("b"), []
    reader.lock_wait_seconds, held = 9, Turn.held
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Turn, "held", lambda self, seconds: (waited.append(seconds), held(self, seconds))[1])
        finish_cut_off(Settings(catalog=world.properties), reader)
        with pytest.raises(LockedError):
            of_one_publish(Settings(catalog=world.properties), reader, lambda: pytest.fail("half old, half new"))
    assert waited == [0, 9], "who reads the marts alone waits for nobody"


@pytest.mark.parametrize("times", [0, 1, 2])
def test_marts_and_tables_are_read_again_if_a_publish_came_between(world: World, times: int) -> None:
    world.published(world.machine("a"), 1)
    reader, read = world.machine("b"), []

    def look() -> str:
        found = (reader.marts.read_text(), sorted(world.tables().arrow_days(TABLE, [DAY])["n_lines"].to_pylist()))
        if len(read) < times:
            world.published(world.machine("a"), 2 + len(read))
        read.append(found)
        return found

    if times < 2:
        marts, rows = of_one_publish(Settings(catalog=world.properties), reader, look)
        assert (marts, rows) == (f"marts of {times + 1}", list(range(1, times + 2)))
    else:
        with pytest.raises(LockedError, match="published while this was read"):
            of_one_publish(Settings(catalog=world.properties), reader, look)
    assert len(read) == min(times + 1, 2)


def test_a_publish_that_has_begun_meanwhile_is_finished_and_read(world: World) -> None:
    world.published(world.machine("a"), 1)
    reader, read = world.machine("b"), []

    def look() -> str:
        read.append(reader.marts.read_text())
        if len(read) == 1:
            killed(world, after_the_tables)
        return read[-1]

    assert of_one_publish(Settings(catalog=world.properties), reader, look) == "marts of 2"


# --- The folder of a command


def test_what_names_a_file_names_one_that_is_there_afterwards(world: World) -> None:
    machine = world.machine("a")
    log = log_of_today(machine)
    log.write_text("of Spark")
    full = OSError("No space left on device")
    with pytest.raises(WarehouseError) as disk, engine_errors(machine):
        raise full
    assert disk.value.where == f"{machine.path}", "the bucket is not full"
    with pytest.raises(WarehouseError, match="out of reach") as bucket, engine_errors(machine):
        raise WarehouseError("Permission denied, out of reach", where="test://there")
    assert bucket.value.where == "test://there"
    asked = Audited([DAY], world.staged(machine, 1), is_staged=False)
    with pytest.raises(NoInputError) as marts:
        audit_marts(Settings(), machine, asked)
    assert marts.value.where == f"test://there/{POINTER}"
    machine.close()
    assert log.exists()
    assert logs(world.machine("a")) == [log]


def test_what_a_killed_command_left_on_its_machine_goes(world: World) -> None:
    gone, living = world.machine("a"), world.machine("a")
    (gone.path / "scratch").mkdir()
    gone.work._lock.close()  # as its process ends
    world.machine("a")
    assert not gone.path.exists()
    assert living.path.exists()
    living.close()
    assert not living.path.exists()


def test_marts_that_a_killed_command_was_fetching_go_with_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.published(world.machine("a"), 1)
    monkeypatch.setattr(working.shutil, "rmtree", lambda *_, **__: None)  # a killed process cleans nothing up
    monkeypatch.setattr(Store, "get_file", _kill)
    gone = StoredWarehouse(world.store, WorkFolder(world.place / "b"), None)
    with pytest.raises(Killed):
        gone.attach()
    monkeypatch.undo()
    assert list((world.place / "b" / "marts").iterdir()) == []
    gone.work._lock.close()
    world.machine("b")
    assert not gone.path.exists()


def test_marts_that_another_command_deletes_meanwhile_are_no_trouble(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.published(machine := world.machine("a"), 1)
    gone = world.place / "a" / "marts" / "gone"
    monkeypatch.setattr(Path, "iterdir", lambda self, listed=Path.iterdir: iter([gone, *listed(self)]))
    machine.work._forget_marts()


def test_a_command_in_another_process_works_in_the_folder(world: World) -> None:
    machine = world.machine("a")
    there = pickle.loads(pickle.dumps(machine))
    assert (type(there), there.path) == (Warehouse, machine.path)


def test_messages_name_the_address(world: World) -> None:
    machine = world.machine("a")
    assert machine.said(machine.folder("run_1") / "gate_raw.csv") == "test://there/runs/run_1/gate_raw.csv"
    assert machine.said(machine.marts) == "test://there/marts/current.json"
    assert "--warehouse test://there" in machine.report_command()
    with pytest.raises(UsageError) as told:
        machine.staged_run(DAY, NEXT, "ingest")
    assert "--warehouse test://there" in told.value.next_step
    assert told.value.where == "test://there/runs"


def test_the_report_leads_to_the_newest(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = world.machine("a")
    tables = world.lock(machine)
    assert tables
    for number in range(4):

        class Clock(datetime):
            @classmethod
            def now(cls, tz=None):
                return datetime(2026, 3, 19, tzinfo=UTC) + timedelta(hours=number)  # noqa: B023

        monkeypatch.setattr(module, "datetime", Clock)
        machine.report.mkdir(exist_ok=True)
        (machine.report / "index.html").write_text(f"report {number}")
        machine.keep_report()
    index = (world.store.get("report/index.html") or b"").decode()
    assert "20260319T030000Z/index.html" in index
    assert world.store.get("report/20260319T030000Z/index.html") == b"report 3"
    assert {one.path.split("/")[1] for one in world.store.listed("report")} == {
        "index.html", "20260319T030000Z", "20260319T020000Z"
    }  # fmt: skip


def test_tracebacks_of_this_user_lie_among_temporary_files(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary, machine = tmp_path / "temporary", world.machine("a")
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    ending = Ending()
    assert run_to_the_end(lambda: 1 / 0, ending) == 70
    (temporary / "error-20260319T000000-1.txt").write_text("of another program")
    (temporary / "error-of-somebody.txt").write_text("pdmetrics somebody's")
    ours = tracebacks(machine)
    assert [path.read_text().startswith("pdmetrics ") for path in ours] == [True]
    assert ours[0].name not in ("error-20260319T000000-1.txt", "error-of-somebody.txt")
    assert tracebacks(Warehouse(tmp_path / "folder")) == [], "in a folder they lie beside the tables"


# --- The salt


def test_no_salt_is_made_beside_the_tables(world: World, tmp_path: Path) -> None:
    machine = world.machine("a")
    for privacy, where in ((PrivacySettings(), "[privacy] salt"), (PrivacySettings(salt_file=tmp_path / "no"), "no")):
        with pytest.raises(WarehouseError, match="takes its salt from elsewhere") as told:
            key_of(machine, privacy)
        assert where in told.value.where
    assert not (tmp_path / "no").exists()
    (tmp_path / "salt").write_text("k" * 64)
    assert key_of(machine, PrivacySettings(salt_file=tmp_path / "salt")) == "k" * 64
    assert key_of(machine, PrivacySettings(salt="s" * 32)) == "s" * 32
