"""Hours that arrived after their day was published: what counts as one, and who is told."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pandas as pd
import pytest
from rich.console import Console
from structlog.testing import capture_logs

from jobs.commands import run_late as command
from jobs.commands.run_late import Late, run_late
from jobs.errors import GateError, InputError, UsageError
from jobs.raw.files import open_input
from jobs.settings import load_settings
from jobs.steps import late_hours
from jobs.steps.late_hours import CAUSE, NOT_RUN, LateDay, days_not_run, late_days, notice_late_hours, put_back_days
from jobs.steps.late_refused import note_refused, refused_hours
from jobs.warehouse.manifest import STEPS, Backfill
from jobs.warehouse.runs import LATE_REFUSED_FILE, Warehouse
from jobs.warehouse.tables import Tables

DAY = date(2026, 3, 19)
PUBLISHED = ["ingest", "estimates", "marts"]


def later(n: int) -> date:
    return DAY + timedelta(n)


class Log:
    """The published log of fates: whole days, but for the hours that are missing, of which some came in part."""

    def __init__(
        self,
        n_days: int,
        missing: dict[date, Sequence[int]],
        in_part: Sequence[tuple[date, int]] = (),
        never_run: Sequence[int] = (),
    ):
        self.published = [later(n) for n in range(n_days) if n not in never_run]
        hours = [(day, hour) for day in self.published for hour in range(24)]
        lost = {(day, hour) for day, gone in missing.items() for hour in gone}
        self.rows = [(*at, "missing_hour") for at in hours if at in lost]
        self.rows += [(*at, "kept") for at in hours if at not in lost or at in in_part]

    def days(self, _: str) -> list[date]:
        return self.published

    def day_frame(self, _: str, days: Sequence[date], only: dict[str, Sequence[str]]) -> pd.DataFrame:
        rows = [row for row in self.rows if row[0] in days and row[2] in only["fate"]]
        return pd.DataFrame(rows, columns=["event_date", "event_hour", "fate"])


@pytest.fixture
def world(tmp_path: Path) -> Path:
    (tmp_path / "in" / "raw" / "stream").mkdir(parents=True)
    return tmp_path / "in"


def arrive(world: Path, day: date, hours: Sequence[int] = range(24), stream: str = "stream") -> None:
    for hour in hours:
        folder = world / f"raw/{stream}/year={day.year}/month={day.month}/day={day.day}/hour={hour}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "a.json").touch()


def found(log: Log, world: Path, look_back: int = 35, but: Sequence[date] = ()) -> list[LateDay]:
    return late_days(cast(Tables, log), open_input(world), look_back, but=but)


def test_an_hour_that_came_is_late_and_one_that_still_lacks_is_not(world: Path) -> None:
    log = Log(3, {DAY: [5, 6], later(1): [7]})
    arrive(world, DAY, [hour for hour in range(24) if hour != 6])
    arrive(world, later(1), [hour for hour in range(24) if hour != 7])
    assert found(log, world) == [LateDay(DAY, (5,))]


def test_a_day_without_any_input_is_late_once_it_has_some(world: Path) -> None:
    log = Log(2, {DAY: range(24)})
    assert found(log, world) == []
    arrive(world, DAY, [3, 4])
    assert found(log, world) == [LateDay(DAY, (3, 4))]


def test_an_hour_that_came_in_part_is_late_once_all_its_streams_are_there(world: Path) -> None:
    log = Log(2, {DAY: [5]}, in_part=[(DAY, 5)])
    arrive(world, DAY)
    arrive(world, DAY, [hour for hour in range(24) if hour != 5], "another")
    assert found(log, world) == []
    arrive(world, DAY, [5], "another")
    assert found(log, world) == [LateDay(DAY, (5,))]


def test_an_hour_of_which_nothing_was_there_is_late_with_the_first_stream(world: Path) -> None:
    log = Log(2, {DAY: [5]})
    arrive(world, DAY)
    arrive(world, DAY, [hour for hour in range(24) if hour != 5], "another")
    assert found(log, world) == [LateDay(DAY, (5,))]


def test_days_are_counted_back_from_the_newest_published_one(world: Path) -> None:
    log = Log(4, {DAY: [5], later(1): [5]})
    arrive(world, DAY)
    arrive(world, later(1))
    assert [late.day for late in found(log, world, look_back=4)] == [DAY, later(1)]
    assert [late.day for late in found(log, world, look_back=3)] == [later(1)]


def test_what_is_read_anyway_is_no_news_and_only_days_that_lack_an_hour_are_listed(
    world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed: list[date] = []
    real = late_hours.discover
    monkeypatch.setattr(late_hours, "discover", lambda source, days: listed.extend(days) or real(source, days))
    log = Log(5, {DAY: [5], later(1): [5]})
    arrive(world, DAY)
    arrive(world, later(1))
    assert [late.day for late in found(log, world, but=[later(1), later(2)])] == [DAY]
    assert listed == [DAY]
    listed.clear()
    assert found(log, world, but=[DAY, later(1)]) == found(Log(5, {}), world) == []
    assert listed == []


# --- A run that ingests tells


def job_of(log: Log, world: Path) -> Any:
    run = SimpleNamespace(input_dir=str(world), days=[later(3)])
    place = Warehouse(world.parent / "w")
    return SimpleNamespace(lake=log, run=run, settings=load_settings(None)[0], warehouse=place)


@pytest.fixture(autouse=True)
def nothing_is_purged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(late_hours, "require_kept", need_what_was_purged([]))


def test_a_run_tells_with_an_alarm_a_day_and_the_command(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raised: list[Any] = []
    monkeypatch.setattr(late_hours, "raise_alarms", lambda settings, path, alarms, place: raised.extend(alarms))
    arrive(world, DAY)
    arrive(world, later(2))
    arrive(world, later(3))  # which the run reads
    with capture_logs() as logged:
        notice_late_hours(job_of(Log(4, {DAY: [5, 6], later(2): [7], later(3): [8]}), world))
    assert [(alarm.cause, alarm.severity, alarm.day, alarm.title) for alarm in raised] == [
        (CAUSE, "warning", DAY, "2 hours of 2026-03-19 (5, 6) arrived after the day was published"),
        (CAUSE, "warning", later(2), "1 hour of 2026-03-21 (7) arrived after the day was published"),
    ]
    command = f"pdmetrics --warehouse {world.parent / 'w'} run --late --input {world}"
    assert all(alarm.body == f"run {command}" for alarm in raised)
    assert logged[-1]["next"] == command
    assert logged[-1]["log_level"] == "warning"


def test_a_run_tells_of_days_between_published_ones_that_were_never_run(
    world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raised: list[Any] = []
    monkeypatch.setattr(late_hours, "raise_alarms", lambda settings, path, alarms, place: raised.extend(alarms))
    for n in (1, 2, 3, 7):
        arrive(world, later(n))
    log = Log(6, {}, never_run=(0, 2, 3, 4))  # nothing came of the last, and the first is older than what is published
    notice_late_hours(job_of(log, world))  # which runs the third
    assert [(alarm.cause, alarm.severity, alarm.day, alarm.title) for alarm in raised] == [
        (NOT_RUN, "warning", later(2), "2026-03-21 has input and was never run")
    ]
    place = world.parent / "w"
    assert raised[0].body == f"run pdmetrics --warehouse {place} run --date 2026-03-21 --input {world}"
    source = open_input(world)
    assert days_not_run(cast(Tables, log), source, 4) == [later(2), later(3)]
    assert days_not_run(cast(Tables, log), source, 3) == [later(3)]
    assert days_not_run(cast(Tables, Log(0, {})), source, 4) == []


def test_a_run_tells_nothing_of_what_cannot_be_taken_in(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raised: list[Any] = []
    monkeypatch.setattr(late_hours, "raise_alarms", lambda settings, path, alarms, place: raised.extend(alarms))
    monkeypatch.setattr(late_hours, "require_kept", need_what_was_purged([DAY, later(1)]))
    for n in (0, 1, 2):
        arrive(world, later(n))
    with capture_logs() as logged:
        notice_late_hours(job_of(Log(4, {DAY: [5], later(2): [7]}, never_run=(1,)), world))
    assert [alarm.day for alarm in raised] == [later(2)]
    assert [entry["hours"] for entry in logged if "why" in entry] == [
        "1 hour of 2026-03-19 (5)",
        "2026-03-20, which was never run",
    ]


def test_where_nothing_came_nothing_is_said(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(late_hours, "raise_alarms", lambda *_: pytest.fail("an alarm without a cause"))
    with capture_logs() as logged:
        notice_late_hours(job_of(Log(4, {DAY: [5]}), world))
    assert logged == []


def test_an_input_that_cannot_be_listed_is_a_warning_and_no_end(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_: object) -> None:
        raise InputError("cannot be listed", where="there")

    monkeypatch.setattr(late_hours, "discover", refuses)
    with capture_logs() as logged:
        notice_late_hours(job_of(Log(4, {DAY: [5]}), world))
    assert [(entry["log_level"], entry["why"]) for entry in logged] == [("warning", "cannot be listed")]


# --- run --late


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[tuple[date, date]]:
    """The days of the runs that the command makes; each fails that has the fourth."""
    days: list[tuple[date, date]] = []

    def run_steps(console: object, settings: object, warehouse: object, asked: Any, other: object) -> None:
        assert asked.is_late
        days.append((asked.start, asked.end))
        if asked.start <= later(3) < asked.end:
            raise GateError("the gate said no")

    monkeypatch.setattr(command, "run_steps", run_steps)
    return days


def need_what_was_purged(purged: Sequence[date]) -> Callable[..., None]:
    def require_kept(tables: object, settings: object, asked: Sequence[date]) -> None:
        if set(asked) & set(purged):
            raise UsageError("it was purged")

    return require_kept


def run(
    world: Path,
    log: Log | None,
    monkeypatch: pytest.MonkeyPatch,
    steps: Sequence[str] = STEPS,
    purged: Sequence[date] = (),
) -> str:
    monkeypatch.setattr(command, "tables_if_any", lambda *_: log)
    monkeypatch.setattr(late_hours, "require_kept", need_what_was_purged(purged))
    monkeypatch.setattr("jobs.steps.companion.companion", contextlib.nullcontext)
    console = Console(record=True, width=200)
    settings = load_settings(None)[0]
    run_late(console, settings, Warehouse(world.parent / "w"), Late(str(world), steps))
    return console.export_text()


def test_days_that_follow_each_other_are_one_run_and_the_oldest_is_first(
    world: Path, monkeypatch: pytest.MonkeyPatch, ran: list[tuple[date, date]]
) -> None:
    for n in (0, 1, 5):
        arrive(world, later(n))
    told = run(world, Log(8, {later(5): [0], later(1): [4], DAY: [2, 3]}), monkeypatch)
    assert ran == [(DAY, later(2)), (later(5), later(6))]
    assert "Arrived late: 2 hours of 2026-03-19 (2, 3); 1 hour of 2026-03-20 (4)." in told
    assert "Arrived late: 1 hour of 2026-03-24 (0)." in told


def rollback(warehouse: Warehouse, undoes: str) -> str:
    run = warehouse.new_run(DAY, later(1), "in")
    run.state = "published"
    run.backfill = Backfill("undo", "digest", datetime.now(UTC), undoes=undoes)
    warehouse.save(run)
    return run.run_id


def test_what_a_rollback_took_out_stays_out_until_that_is_undone(
    world: Path, monkeypatch: pytest.MonkeyPatch, ran: list[tuple[date, date]]
) -> None:
    for n in (0, 5):
        arrive(world, later(n))
    log, warehouse = Log(8, {later(5): [0], DAY: [2, 3]}), Warehouse(world.parent / "w")
    raised: list[Any] = []
    monkeypatch.setattr(late_hours, "raise_alarms", lambda settings, path, alarms, place: raised.extend(alarms))
    taken_out = rollback(warehouse, "run_of_a_backfill")
    with capture_logs() as logged:
        run(world, log, monkeypatch)
    assert logged[0]["next"] == f"to take it in all the same, run {DAY} by name"
    notice_late_hours(job_of(log, world))
    assert (ran, [alarm.day for alarm in raised]) == ([(later(5), later(6))], [later(5)])
    taken_in = rollback(warehouse, taken_out)
    assert put_back_days(warehouse) == set()
    rollback(warehouse, taken_in)
    assert put_back_days(warehouse) == {DAY}
    again = warehouse.new_run(DAY, later(1), "in")
    again.state = "published"
    warehouse.save(again)
    assert put_back_days(warehouse) == set(), "it was read since"


def test_a_gate_that_fails_does_not_keep_later_days_out(
    world: Path, monkeypatch: pytest.MonkeyPatch, ran: list[tuple[date, date]]
) -> None:
    arrive(world, later(3))
    arrive(world, later(5))
    with capture_logs() as logged, pytest.raises(GateError, match="said no"):
        run(world, Log(8, {later(3): [0], later(5): [0]}), monkeypatch)
    assert ran == [(later(3), later(4)), (later(5), later(6))]
    assert [(entry["log_level"], entry["hours"]) for entry in logged] == [("error", "1 hour of 2026-03-22 (0)")]


def test_many_days_are_runs_of_a_week(
    world: Path, monkeypatch: pytest.MonkeyPatch, ran: list[tuple[date, date]]
) -> None:
    for n in range(4, 20):
        arrive(world, later(n))
    run(world, Log(21, {later(n): [0] for n in range(4, 20)}), monkeypatch)
    assert ran == [(later(4), later(11)), (later(11), later(18)), (later(18), later(20))]


def test_days_of_a_run_that_a_gate_stopped_are_run_one_by_one_and_the_one_at_fault_once_until_more_arrives(
    world: Path, monkeypatch: pytest.MonkeyPatch, ran: list[tuple[date, date]]
) -> None:
    log = Log(8, {later(n): [0, 1] for n in (2, 3, 4)})
    for n in (2, 3, 4):
        arrive(world, later(n), [0])
    with pytest.raises(GateError, match="said no"):
        run(world, log, monkeypatch)
    assert ran == [(later(2), later(5)), *((later(n), later(n + 1)) for n in (2, 3, 4))]
    ran.clear()
    log = Log(8, {later(3): [0, 1]})
    with capture_logs() as logged:
        assert "none can be taken in" in run(world, log, monkeypatch)
    assert ran == []
    assert [(entry["log_level"], entry["hours"]) for entry in logged] == [("warning", "1 hour of 2026-03-22 (0)")]
    assert "then run 2026-03-22 by name" in logged[0]["next"]
    arrive(world, later(3), [1])
    with pytest.raises(GateError, match="said no"):
        run(world, log, monkeypatch)
    assert ran == [(later(3), later(4))]


def test_what_a_gate_refused_is_forgotten_once_it_is_not_late_any_more_and_a_damaged_file_is_told(
    tmp_path: Path,
) -> None:
    warehouse = Warehouse(tmp_path)
    note_refused(warehouse, {DAY: (3,), later(1): (4,)}, [DAY, later(1)])
    note_refused(warehouse, {later(2): (5,)}, [later(1), later(2)])
    assert refused_hours(warehouse) == {later(1): [4], later(2): [5]}
    (tmp_path / LATE_REFUSED_FILE).write_text("[1")
    with capture_logs() as logged:
        assert refused_hours(warehouse) == {}
    assert [entry["log_level"] for entry in logged] == ["warning"]


@pytest.mark.parametrize("log", [None, Log(8, {}), Log(8, {DAY: [3]})])
def test_where_none_has_arrived_it_says_so(
    world: Path, monkeypatch: pytest.MonkeyPatch, ran: list[tuple[date, date]], log: Log | None
) -> None:
    assert "No late hour has arrived." in run(world, log, monkeypatch)
    assert ran == []


@pytest.mark.parametrize("steps", [["ingest"], ["ingest", "estimates"], ["marts", "report"], ["report"]])
def test_steps_that_do_not_read_and_publish_are_refused(
    world: Path, monkeypatch: pytest.MonkeyPatch, ran: list[tuple[date, date]], steps: list[str]
) -> None:
    with pytest.raises(UsageError, match="read and published"):
        run(world, Log(8, {}), monkeypatch, steps)
    assert "No late hour" in run(world, Log(8, {}), monkeypatch, PUBLISHED)


def test_a_day_that_needs_what_was_purged_is_told_and_keeps_no_other_out(
    world: Path, monkeypatch: pytest.MonkeyPatch, ran: list[tuple[date, date]]
) -> None:
    arrive(world, DAY)
    arrive(world, later(1))
    log = Log(8, {DAY: [0], later(1): [0]})
    with capture_logs() as logged:
        run(world, log, monkeypatch, purged=[DAY])
    assert ran == [(later(1), later(2))]
    assert [(entry["log_level"], entry["why"]) for entry in logged] == [("warning", "it was purged")]
    assert "none can be taken in" in run(world, log, monkeypatch, purged=[DAY, later(1)])
