"""What is past its time, or one user's, is in no file of a warehouse after a purge, wherever the purge was killed."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyiceberg.manifest import ManifestEntry, ManifestEntryStatus
from pyiceberg.table.snapshots import Operation
from pyiceberg.table.update.snapshot import _FastAppendFiles
from rich.console import Console

from jobs import contracts
from jobs.commands.purge import _tell
from jobs.errors import LockedError, UsageError, WarehouseError
from jobs.schemas import arrow_schema
from jobs.settings import Settings, load_settings
from jobs.steps import purge as steps
from jobs.steps.purge import User
from jobs.warehouse import purge as acts
from jobs.warehouse.forget import own_lines, user_hash
from jobs.warehouse.home import open_home
from jobs.warehouse.live_manifests import drop_deleted_entries, has_deleted_entries
from jobs.warehouse.manifest import Backfill
from jobs.warehouse.purge import has_branches
from jobs.warehouse.receipts import PERSONAL, purged_days, receipts
from jobs.warehouse.refused import LINES
from jobs.warehouse.runs import Warehouse
from jobs.warehouse.tables import Tables, within
from jobs.warehouse.undo import partitions
from tests.inside import files_with, needles_of

ALL = dict(contracts.TABLES)
DAYS = [date(2026, 3, 16) + timedelta(days=n) for n in range(3)]
SALT, WIKI = "c0ffee", "testwiki"
ANNA, BERT = 7_700_000_001, 7_700_000_002
HASHES = {user: user_hash(SALT, WIKI, user) for user in (ANNA, BERT)}
NUMBERS = {ANNA: 6_148_914_691_236_517_205, BERT: 3_074_457_345_618_258_602}  # of sessions and lines
USER_TABLES = ("events", "duplicates", "user_days", "user_link_days")
FIRST_GOES = DAYS[0] + timedelta(days=90)  # as of this day the events of the first day go, and no others


def settings() -> Settings:
    return load_settings(None, ())[0]


def line(user: int, wiki: str = WIKI) -> str:
    return json.dumps({"mediawiki": {"database": wiki}, "performer": {"id": user, "name": f"Name of {user}"}})


def filled(name: str, rows: list[dict[str, Any]]) -> pa.Table:
    """Rows of a table of which only some columns are given."""
    schema = pa.schema([field.with_nullable(True) for field in arrow_schema(contracts.table(name).columns)])
    return pa.Table.from_pylist([{name: row.get(name) for name in schema.names} for row in rows], schema=schema)


def of_day(day: date, number: int) -> dict[str, list[dict[str, Any]]]:
    """Rows of a day in each table; `number` tells the versions of a day apart."""
    users = [
        {
            "event_date": day, "wiki_db": WIKI, "user_hash": HASHES[user], "session_hash": NUMBERS[user] + number,
            "line_hash": NUMBERS[user] + number, "meta_id": f"{user} of {day}, {number}",
        }
        for user in (ANNA, BERT)
    ]  # fmt: skip
    lines = [
        {"event_date": day, "file": "f", "reason": "bot", "line": text, "line_hash": NUMBERS[ANNA] + number + place}
        for place, text in enumerate((line(ANNA), line(BERT), f'{{"performer": {{"id": {ANNA}, "na', "<html>"))
    ]
    log = [{"event_date": day, "event_hour": 0, "fate": "kept", "n_lines": 4}]
    rows = dict.fromkeys((*USER_TABLES, "unit_link_days", "baseline_daily"), users)
    return {**rows, LINES: lines, "ingest_log": log}


def tables_of(path: Path) -> Tables:
    tables = Tables(open_home({}, path)[0])
    tables.ensure_tables()
    return tables


class Site:
    """A warehouse of three days, the first of which was run twice; each test gets it as it was."""

    def __init__(self, folder: Path) -> None:
        self.path, self._copy = folder / "warehouse", folder / "copy"
        self.path.mkdir()
        (self.path / "salt").write_text(SALT)
        tables = tables_of(self.path)
        for number, day in enumerate((*DAYS, DAYS[0])):
            for name, rows in of_day(day, number * 10).items():
                tables.table(name).overwrite(filled(name, rows), within("event_date", [day]))
        shutil.copytree(self.path, self._copy)

    def restore(self) -> Warehouse:
        shutil.rmtree(self.path)
        shutil.copytree(self._copy, self.path)
        return Warehouse(self.path)


@pytest.fixture(scope="module", autouse=True)
def _few_tables() -> Iterator[None]:
    """Tables without users have nothing to do here but a few, and take a second to make."""
    few = (*PERSONAL, "ingest_log", "baseline_daily", "purges")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(contracts, "TABLES", {name: contracts.table(name) for name in few})
        yield


@pytest.fixture(scope="module")
def site(_few_tables: None, tmp_path_factory: pytest.TempPathFactory) -> Site:
    return Site(tmp_path_factory.mktemp("purge"))


@pytest.fixture
def warehouse(site: Site) -> Warehouse:
    return site.restore()


def rows_left(warehouse: Warehouse) -> dict[str, list[tuple[str, str]]]:
    """Days and users of each table, as published."""
    tables = tables_of(warehouse.path)
    found = {}
    for name in PERSONAL:
        table = tables.table(name).scan().to_arrow()
        second = next(column for column in ("user_hash", "line", "session_hash") if column in table.column_names)
        found[name] = sorted(
            zip(map(str, table["event_date"].to_pylist()), map(str, table[second].to_pylist()), strict=True)
        )
    return found


def purge(warehouse: Warehouse, as_of: date = FIRST_GOES, user: User | None = None) -> Any:
    return steps.purge(settings(), warehouse, as_of, user)


def test_every_table_with_personal_data_has_a_time() -> None:
    kept = {name: table.keep for name, table in ALL.items() if table.keep is not None}
    assert set(kept) == set(PERSONAL) == set(of_day(DAYS[0], 0)) - {"baseline_daily", "ingest_log"}
    assert set(kept.values()) == {"events", "user_days"}
    assert {name for name in kept if kept[name] == "user_days"} == {"user_days", "user_link_days", "unit_link_days"}


def test_no_column_of_any_table_holds_a_name_or_an_id_of_the_input() -> None:
    columns = {column for name, table in ALL.items() if name != LINES for column in table.columns}
    assert not {column for column in columns if "performer" in column or column.endswith(("user_id", "_name"))} - {
        "instrument_name", "element_friendly_name", "table_name",
    }  # fmt: skip
    users = {column for column in columns if column.startswith("user")}
    assert users == {"user_hash"}


@pytest.mark.parametrize(
    ("age", "gone"),
    [
        (89, set()),
        (90, {"events", "duplicates", "quarantine"}),
        (124, {"events", "duplicates", "quarantine"}),
        (125, {"events", "duplicates", "quarantine", "user_days", "user_link_days", "unit_link_days"}),
    ],
)
def test_a_day_goes_when_it_is_as_old_as_it_is_kept(age: int, gone: set[str]) -> None:
    last = steps.last_days(settings(), DAYS[0] + timedelta(days=age))
    assert {name for name, day in last.items() if day >= DAYS[0]} == gone


@pytest.mark.parametrize("flag", ["privacy.events_keep_days=8", "privacy.user_days_keep_days=93"])
def test_less_than_todays_runs_need_is_refused(flag: str) -> None:
    with pytest.raises(UsageError, match="Runs of today need"):
        steps.last_days(load_settings(None, (flag,))[0], FIRST_GOES)


def test_a_day_to_come_is_refused() -> None:
    with pytest.raises(UsageError, match="is to come"):
        steps.last_days(settings(), datetime.now(UTC).date() + timedelta(days=1))


def of_first_day() -> set[bytes]:
    """What stands in rows of the first day alone: events of both of its versions, and refused lines."""
    texts = [f"{user} of {DAYS[0]}, {n}" for user in (ANNA, BERT) for n in (0, 30)]
    numbers = [NUMBERS[ANNA] + n + place for n in (0, 30) for place in range(4)]
    return needles_of(*texts, *numbers)


def test_what_is_past_its_time_is_in_no_file(warehouse: Warehouse) -> None:
    before, files = rows_left(warehouse), files_with(warehouse.path / "lake/pd/events", of_first_day())
    assert {Path(file).suffix for file in files} == {".parquet", ".avro"}, "the search finds what is there"
    purge(warehouse)
    for name in ("events", "duplicates", LINES):
        assert files_with(warehouse.path / "lake/pd" / name, of_first_day()) == {}
        before[name] = [row for row in before[name] if row[0] != str(DAYS[0])]
    assert rows_left(warehouse) == before
    found = receipts(tables_of(warehouse.path))
    assert [(one.table_name, one.event_date, one.n_rows, one.n_files) for one in found] == [
        ("duplicates", DAYS[0], 2, 1), ("events", DAYS[0], 2, 1), ("quarantine", DAYS[0], 4, 1),
    ]  # fmt: skip
    assert {(one.cause, one.as_of_date) for one in found} == {("keep_until", FIRST_GOES)}
    assert all(one.n_bytes > 1000 for one in found)
    assert purge(warehouse)[0].is_empty, "there is nothing left to do"


def test_a_dry_run_changes_nothing(warehouse: Warehouse) -> None:
    before = {path: path.stat().st_mtime_ns for path in warehouse.path.rglob("*") if path.is_file()}
    found = steps.plan(settings(), warehouse, FIRST_GOES, None)
    assert found is not None
    assert {one.name: sum(due.n_rows for due in one.going) for one in found.tables if one.going} == {
        "events": 2, "duplicates": 2, "quarantine": 4,
    }  # fmt: skip
    assert before == {path: path.stat().st_mtime_ns for path in warehouse.path.rglob("*") if path.is_file()}


def test_where_nothing_was_ever_ingested_there_is_nothing_to_purge(tmp_path: Path) -> None:
    assert steps.purge(settings(), Warehouse(tmp_path / "none"), FIRST_GOES, None) is None
    assert not (tmp_path / "none").exists()


def test_a_user_is_forgotten_in_every_file_and_nobody_else(warehouse: Warehouse) -> None:
    before = rows_left(warehouse)
    own = needles_of(HASHES[ANNA], ANNA, f"Name of {ANNA}")
    assert files_with(warehouse.path, own)
    plan, *_ = purge(warehouse, user=User(wiki_db=WIKI, user_id=ANNA))
    assert (plan.lines.n_untold, plan.lines.untold_until) == (3, DAYS[-1])
    assert files_with(warehouse.path, own) == {}
    assert {name: [row for row in rows if HASHES[ANNA] not in row[1] and str(ANNA) not in row[1]] for name, rows
            in before.items()} == rows_left(warehouse)  # fmt: skip
    found = receipts(tables_of(warehouse.path))
    assert {one.cause for one in found} == {"user_request"}
    assert sorted((one.table_name, one.event_date, one.n_rows) for one in found) == sorted(
        [(name, day, 1) for name in USER_TABLES for day in DAYS] + [(LINES, day, 2) for day in DAYS]
    )
    assert not files_with(warehouse.path / "lake/pd/purges", needles_of(*HASHES.values(), ANNA, BERT))


def contents(warehouse: Warehouse) -> set[tuple[str, int]]:
    lock = warehouse.lock_file
    return {(str(path), path.stat().st_size) for path in warehouse.path.rglob("*") if path.is_file() and path != lock}


@pytest.mark.parametrize("act", [steps.plan, steps.purge])
def test_a_wiki_that_no_table_knows_is_refused(warehouse: Warehouse, act: Callable[..., Any]) -> None:
    before = contents(warehouse)
    with pytest.raises(UsageError, match="No table knows the wiki testwikii") as told:
        act(settings(), warehouse, FIRST_GOES, User(wiki_db="testwikii", user_id=ANNA))
    assert WIKI in told.value.next_step
    assert contents(warehouse) == before


def test_a_user_without_a_row_costs_no_history_unless_it_is_asked_for(warehouse: Warehouse) -> None:
    tables = tables_of(warehouse.path)
    run = warehouse.new_run(DAYS[2], DAYS[2] + timedelta(days=1), "input")
    tables.branch("events", run.run_id)
    before = contents(warehouse)
    nobody = User(wiki_db=WIKI, user_id=ANNA - 1)
    plan, n_files, _ = purge(warehouse, user=nobody)
    assert (plan.keeps_history, plan.tables, n_files) == (True, [], 0)
    assert contents(warehouse) == before
    assert told(plan).startswith("No published row is this user's. Older versions of the tables")
    plan, n_files, _ = purge(warehouse, user=dataclasses.replace(nobody, goes_with_history=True))
    assert (plan.keeps_history, n_files > 4) == (False, True)
    assert not has_branches(tables_of(warehouse.path))
    assert told(plan).startswith("No published row is this user's.\nThe history of events")
    assert purge(warehouse, user=nobody)[0].keeps_history is False, "there is none left"


def told(plan: steps.Plan) -> str:
    text = StringIO()
    _tell(Console(file=text, width=100), plan, "went", FIRST_GOES)
    return text.getvalue()


def test_a_user_whom_a_table_has_in_its_history_alone_goes_there_though_the_purge_was_killed(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [{"event_date": day, "file": "f", "reason": "bot", "line": line(BERT), "line_hash": 1} for day in DAYS]
    tables_of(warehouse.path).table(LINES).overwrite(filled(LINES, rows))
    with monkeypatch.context() as patched:
        patched.setattr(steps, "forget_history", then_killed(steps, "forget_history", 4, after=True))
        with pytest.raises(Killed):
            purge(warehouse, user=User(hashed=HASHES[ANNA]))
    purge(warehouse, user=User(hashed=HASHES[ANNA]))
    assert files_with(warehouse.path / "lake", needles_of(HASHES[ANNA], f"Name of {ANNA}")) == {}


def test_a_dry_run_leaves_files_that_a_command_may_be_about_to_commit(warehouse: Warehouse) -> None:
    for age, name in ((0, "new"), (2, "old")):
        file = warehouse.path / "lake/pd/events/data" / f"{name}.parquet"
        file.write_bytes(b"rows")
        os.utime(file, ((datetime.now(UTC) - timedelta(days=age)).timestamp(),) * 2)
    for user in (None, User(hashed=HASHES[ANNA])):
        plan = steps.plan(settings(), warehouse, FIRST_GOES, user)
        orphans = [Path(file.path).name for one in plan.tables for file in one.orphans]
        assert [name for name in orphans if "parquet" in name] == ["old.parquet"]
    purge(warehouse)
    assert not list((warehouse.path / "lake/pd/events/data").glob("*.parquet"))


def files_of(warehouse: Warehouse, snapshot_id: int) -> dict[date, frozenset[str]]:
    return dict(partitions(tables_of(warehouse.path), "events", snapshot_id))


def test_what_a_backfill_replaced_stays_but_for_what_is_past_its_time(warehouse: Warehouse) -> None:
    """The last version of the first day is a backfill; so is that of another day, of which the first version stays."""
    table = tables_of(warehouse.path).table("events")
    table.overwrite(filled("events", of_day(DAYS[1], 50)["events"]), within("event_date", [DAYS[1]]))
    now = table.current_snapshot().snapshot_id
    before = next(one for one in table.metadata.snapshots if len(files_of(warehouse, one.snapshot_id)) == 3)
    run = warehouse.new_run(DAYS[0], DAYS[2], "input")
    run.state = "published"
    run.backfill = Backfill("why", "", datetime.now(UTC), snapshots={"events": [before.snapshot_id, now]})
    warehouse.save(run)
    was = [files_of(warehouse, one) for one in (before.snapshot_id, now)]
    assert was[0][DAYS[1]] != was[1][DAYS[1]]
    for n_gone in (1, 2):
        purge(warehouse, FIRST_GOES + timedelta(days=n_gone - 1))
        snapshots = warehouse.all_runs()[-1].backfill.snapshots["events"]
        assert [files_of(warehouse, one) for one in snapshots] == [
            {day: files for day, files in one.items() if day not in DAYS[:n_gone]} for one in was
        ]
        assert files_with(warehouse.path / "lake/pd/events", of_first_day()) == {}
    purge(warehouse, user=User(hashed=HASHES[ANNA]))
    assert files_with(warehouse.path / "lake/pd/events", needles_of(HASHES[ANNA])) == {}
    with pytest.raises(WarehouseError, match="it was purged"):
        files_of(warehouse, snapshots[0])


class Killed(BaseException):
    """What no handler of the code catches."""


def then_killed(module: Any, name: str, calls: int, *, after: bool) -> Callable[..., Any]:
    """Return a function that is killed at its nth call, before it begins or after it is done."""
    function, count = getattr(module, name), iter(range(1, 100))

    def doing(*arguments: Any, **named: Any) -> Any:
        is_last = next(count) == calls
        if is_last and not after:
            raise Killed
        result = function(*arguments, **named)
        if is_last:
            raise Killed
        return result

    return doing


@pytest.mark.parametrize(
    ("module", "name", "calls", "after", "user"),
    [
        (steps, "delete_rows", 2, True, None),
        (steps, "write_receipts", 1, True, None),
        (acts, "unreferenced", 8, False, None),
        (acts, "drop_deleted_entries", 2, True, User(hashed=HASHES[ANNA])),
    ],
)
def test_a_killed_purge_is_repeated(
    site: Site, monkeypatch: pytest.MonkeyPatch, module: Any, name: str, calls: int, after: bool, user: User | None
) -> None:
    expected = _undisturbed(site, user)
    warehouse = site.restore()
    with monkeypatch.context() as patched:
        patched.setattr(module, name, then_killed(module, name, calls, after=after))
        with pytest.raises(Killed):
            purge(warehouse, user=user)
    _require_told(warehouse, expected[1])
    purge(warehouse, user=user)
    assert (rows_left(warehouse), receipts(tables_of(warehouse.path))) == expected
    own = of_first_day() if user is None else needles_of(HASHES[ANNA])
    for table in ("events", "duplicates", LINES):
        assert files_with(warehouse.path / "lake/pd" / table, own) == {}


def _require_told(warehouse: Warehouse, expected: list[Any]) -> None:
    """What is gone is told at once, and stays told however long the purge is not repeated."""
    tables = tables_of(warehouse.path)
    told = receipts(tables)
    assert told
    assert set(told) <= set(expected)
    days = {one.event_date for one in told if one.cause == "keep_until"}
    assert purged_days(tables, PERSONAL) == days
    for name in ("events", "duplicates") if days else ():
        newest = filled(name, of_day(DAYS[2], 20)[name])
        tables.table(name).overwrite(newest, within("event_date", DAYS[2:]))  # as a later run does
        tables.expire(name, datetime.now(UTC) + timedelta(days=40))
    assert receipts(tables_of(warehouse.path)) == told


_UNDISTURBED: dict[User | None, Any] = {}


def _undisturbed(site: Site, user: User | None) -> Any:
    if user not in _UNDISTURBED:
        warehouse = site.restore()
        purge(warehouse, user=user)
        _UNDISTURBED[user] = rows_left(warehouse), receipts(tables_of(warehouse.path))
    return _UNDISTURBED[user]


def test_a_run_that_waits_for_its_next_step_comes_first_and_one_that_nobody_waits_for_goes(
    warehouse: Warehouse,
) -> None:
    tables = tables_of(warehouse.path)
    run = warehouse.new_run(DAYS[2], DAYS[2] + timedelta(days=1), "input")
    tables.branch("events", run.run_id)
    run.done, run.claimed_until = ["ingest"], datetime.now(UTC) + timedelta(hours=1)
    warehouse.save(run)
    with pytest.raises(LockedError):
        purge(warehouse)
    assert has_branches(tables_of(warehouse.path))
    warehouse.save(dataclasses.replace(run, claimed_until=None))
    purge(warehouse)
    assert not has_branches(tables_of(warehouse.path))
    assert files_with(warehouse.path / "lake/pd/events", of_first_day()) == {}


def test_tracebacks_and_logs_go_in_their_time_and_at_once_with_a_user(warehouse: Warehouse) -> None:
    def left(old: str, fresh: str) -> set[str]:
        for name, day in ((old, DAYS[0]), (fresh, DAYS[1])):
            (warehouse.path / name).write_text("Traceback")
            os.utime(warehouse.path / name, (datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp(),) * 2)
        return {path.name for path in warehouse.path.iterdir() if path.suffix in (".txt", ".log")}

    assert len(left("error-1.txt", "error-2.txt") | left("spark-2026-03-16.log", "spark-2026-03-17.log")) == 4
    (warehouse.path / "spark.log").write_text("of an earlier version, with lines of any age")
    purge(warehouse)
    assert left("error-2.txt", "error-2.txt") == {"error-2.txt", "spark-2026-03-17.log"}
    left("error-2.txt", "error-2.txt")
    purge(warehouse, user=User(hashed=HASHES[BERT]))
    assert {path.name for path in warehouse.path.iterdir() if path.suffix in (".txt", ".log")} == set()


@pytest.mark.parametrize(
    ("text", "is_own", "is_untold"),
    [
        (line(ANNA), True, False),
        (line(BERT), False, False),
        (line(ANNA, "otherwiki"), False, False),
        (json.dumps({"performer": {"id": ANNA}}), True, False),  # of whatever wiki there is
        (json.dumps({"performer": {"id": BERT, "name": "B"}}), False, True),
        (json.dumps({"performer": {"id": f"{ANNA}"}, "mediawiki": {"database": WIKI}}), True, False),
        (json.dumps({"performer": {"is_logged_in": False}}), False, False),
        (json.dumps({"performer": {"name": "somebody"}}), False, True),
        (json.dumps(line(ANNA)), True, False),  # JSON within JSON
        ("<html>502</html>", False, True),
        (None, False, False),
    ],
)
def test_whose_a_refused_line_is(warehouse: Warehouse, text: str | None, is_own: bool, is_untold: bool) -> None:
    tables = tables_of(warehouse.path)
    row = {"event_date": DAYS[0], "file": "f", "reason": "r", "line": text, "line_hash": 1}
    tables.table(LINES).overwrite(filled(LINES, [row]))
    found = own_lines(tables, SALT, HASHES[ANNA], lambda done, total: None)
    assert (len(found.line_hashes), found.n_untold) == (is_own, is_untold)


class _AsSparkDoes(_FastAppendFiles):
    """A snapshot whose manifests hold live and deleted entries side by side."""

    def _existing_manifests(self) -> list[Any]:
        manifests = super()._existing_manifests()
        with self.new_manifest_writer(spec=self.spec(manifests[0].partition_spec_id)) as writer:
            for place, entry in enumerate(entry for one in manifests for entry in self.fetch_manifest_entry(one)):
                copied = ManifestEntry.from_args(
                    status=ManifestEntryStatus.DELETED if place == 0 else ManifestEntryStatus.EXISTING,
                    snapshot_id=self.snapshot_id, sequence_number=entry.sequence_number,
                    file_sequence_number=entry.file_sequence_number, data_file=entry.data_file,
                )  # fmt: skip
                writer.add_entry(copied)
        return [writer.to_manifest_file()]


def test_entries_of_deleted_files_go_also_where_they_stand_beside_live_ones(warehouse: Warehouse) -> None:
    table = tables_of(warehouse.path).table("events")
    with table.transaction() as transaction:
        _AsSparkDoes(Operation.APPEND, transaction, table.io).commit()
    left = sorted(task.file.file_path for task in table.scan().plan_files())
    assert len(left) == 2
    assert has_deleted_entries(table, table.current_snapshot())
    assert drop_deleted_entries(table)
    assert not has_deleted_entries(table, table.current_snapshot())
    assert sorted(task.file.file_path for task in table.scan().plan_files()) == left
    assert not drop_deleted_entries(table)
