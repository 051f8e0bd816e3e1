"""Runs whose steps are commands of their own, and runs that begin at once: who waits for whom. Real tables only."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pyarrow as pa
import pytest
from rich.console import Console
from structlog.testing import capture_logs

import jobs.commands.run
import jobs.steps.estimates
import jobs.steps.ingest
import jobs.steps.marts
import jobs.warehouse.publish
from jobs import contracts
from jobs.commands.run import Asked, run_steps
from jobs.errors import GateError, LockedError, UsageError
from jobs.health.warehouse import warehouse_findings
from jobs.schemas import arrow_schema
from jobs.settings import load_settings
from jobs.steps.job import Job
from jobs.warehouse.home import open_home
from jobs.warehouse.publish import locked_to_begin, publish, recover
from jobs.warehouse.runs import Warehouse
from jobs.warehouse.tables import MAIN, Tables

FIRST = date(2026, 3, 19)
SECOND = FIRST + timedelta(1)
TABLE = "ingest_log"
ALL = ("ingest", "estimates", "marts")


class Killed(BaseException):
    """Like the end of a process: nothing catches it."""


def opened(warehouse: Warehouse) -> Tables:
    tables = Tables(open_home({}, warehouse.path)[0])
    tables.ensure_tables()
    return tables


@contextlib.contextmanager
def without_engine(_: object, warehouse: Warehouse, begins: tuple[date, date] | None = None) -> Iterator[Tables]:
    with warehouse.lock() if begins is None else locked_to_begin(warehouse, *begins):
        tables = opened(warehouse)
        recover(tables, warehouse)
        yield tables


def stage(job: Job) -> None:
    """Each step leaves a row on the run's branch: what a later one goes on with, and what is published."""
    schema = arrow_schema(contracts.table(TABLE).columns)
    row = {**dict.fromkeys(schema.names), "event_date": job.run.start}
    job.lake.branch(TABLE, job.run.run_id)
    job.lake.table(TABLE).append(pa.Table.from_pylist([row], schema=schema), branch=job.run.run_id)


def stage_and_publish(job: Job) -> None:
    stage(job)
    publish(job.lake, job.warehouse, job.run)
    job.run.state = "published"


class World:
    """A warehouse, and steps that stage next to nothing."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self._monkeypatch = folder, monkeypatch
        reference = SimpleNamespace(write=lambda _: None)
        monkeypatch.setattr(jobs.commands.run, "read_input", lambda *_: (reference, None))
        monkeypatch.setattr(jobs.commands.run, "open_lake", without_engine)
        monkeypatch.setattr(contracts, "TABLES", {TABLE: contracts.TABLES[TABLE]})  # one is made in a moment
        self.looked_for_late_hours: list[date] = []
        monkeypatch.setattr(
            jobs.commands.run, "notice_late_hours", lambda job: self.looked_for_late_hours.append(job.run.start)
        )
        for step, action in (("ingest", stage), ("estimates", stage), ("marts", stage_and_publish)):
            self.let(step, action)

    def let(self, step: str, action: Callable[[Job], None]) -> None:
        """Let a step be something else."""
        module, name = {
            "ingest": (jobs.steps.ingest, "ingest"),
            "estimates": (jobs.steps.estimates, "estimate"),
            "marts": (jobs.steps.marts, "make_marts"),
        }[step]
        self._monkeypatch.setattr(module, name, action)

    def warehouse(self, lock_wait_seconds: float = 0) -> Warehouse:
        return Warehouse(self.folder, lock_wait_seconds=lock_wait_seconds)

    def run(
        self,
        day: date,
        *steps: str,
        lock_wait_seconds: float = 0,
        claim_minutes: float = 120,
        is_late: bool = False,
    ) -> str:
        """Type in a run of a day, and return what it prints."""
        console = Console(record=True, width=300)
        asked = Asked(day, day + timedelta(1), str(self.folder), steps or ALL, is_late)
        settings = load_settings(None, (f"run.claim_minutes={claim_minutes}", "report.build=false"))[0]
        companion = cast(Any, SimpleNamespace(prepare=lambda _: None))
        run_steps(console, settings, self.warehouse(lock_wait_seconds), asked, companion)
        return console.export_text()

    @property
    def states(self) -> list[tuple[date, str]]:
        return [(run.start, run.state) for run in self.warehouse().all_runs()]

    @property
    def branches(self) -> set[str]:
        return set(opened(self.warehouse()).refs(TABLE)) - {MAIN}

    @property
    def published(self) -> dict[date, int]:
        """Published rows by day: one for each step of its run."""
        return Counter(opened(self.warehouse()).arrow_days(TABLE, [FIRST, SECOND])["event_date"].to_pylist())


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path / "w", monkeypatch)


def last_run(world: World) -> Any:
    return next(
        found for found in warehouse_findings(load_settings(None)[0], world.warehouse()) if found.what == "last run"
    )


def test_a_run_of_another_day_waits_for_the_run_that_is_half_way(world: World) -> None:
    world.run(FIRST, "ingest")
    for steps in (("ingest",), ALL):
        with pytest.raises(LockedError) as refused:
            world.run(SECOND, *steps)
        assert refused.value.exit_code == 75
        assert "run_20260319_20260320_1 is staged and waits for its step `estimates`, until" in refused.value.what
        assert "try again later" in refused.value.next_step
        assert "run 2026-03-19 again whole" in refused.value.next_step
    assert world.branches == {"run_20260319_20260320_1"}
    world.run(FIRST, "estimates")
    with pytest.raises(LockedError, match="waits for its step `marts`"):
        world.run(SECOND)
    assert "Published 2026-03-19" in world.run(FIRST, "marts")
    assert "Published 2026-03-20" in world.run(SECOND)
    assert world.published == {FIRST: 3, SECOND: 3}
    assert world.states == [(FIRST, "published"), (SECOND, "published")]


def is_killed(_: Job) -> None:
    raise Killed


def test_a_step_that_was_killed_finds_what_it_goes_on_with(world: World) -> None:
    world.run(FIRST, "ingest")
    world.let("estimates", is_killed)
    with pytest.raises(Killed):
        world.run(FIRST, "estimates")
    world.let("estimates", stage)
    with pytest.raises(LockedError, match="waits for its step `estimates`"):
        world.run(SECOND)
    world.run(FIRST, "estimates", "marts")
    assert world.published == {FIRST: 3}


def test_what_a_killed_step_left_is_dropped_once_its_time_is_over(world: World) -> None:
    world.run(FIRST, "ingest")
    world.let("estimates", is_killed)
    with pytest.raises(Killed):
        world.run(FIRST, "estimates", claim_minutes=0)
    world.let("estimates", stage)
    with capture_logs() as logged:
        world.run(SECOND)
    assert "dropped what an unfinished run had staged" in [entry["event"] for entry in logged]
    assert world.published == {SECOND: 3}
    with pytest.raises(UsageError, match="No staged run of 2026-03-19"):
        world.run(FIRST, "estimates")


def test_nobody_waits_for_a_run_that_was_killed_while_it_ingested(world: World) -> None:
    world.let("ingest", is_killed)
    for steps in (("ingest",), ALL):
        with pytest.raises(Killed):
            world.run(FIRST, *steps)
    world.let("ingest", stage)
    world.run(SECOND)
    assert world.published == {SECOND: 3}


@pytest.mark.parametrize("finishes", ["itself", "another"])
@pytest.mark.parametrize("moment", ["replace_marts", "sync"])
def test_a_step_that_was_killed_while_it_published_succeeds_on_retry(
    world: World, monkeypatch: pytest.MonkeyPatch, moment: str, finishes: str
) -> None:
    def is_killed_late(*_: object) -> None:
        if moment != "sync" or not world.warehouse().journal.exists():  # the last is after the journal is gone
            raise Killed

    world.run(FIRST, "ingest")
    world.run(FIRST, "estimates")
    with monkeypatch.context() as patched:
        patched.setattr(Warehouse, moment, is_killed_late)
        with pytest.raises(Killed):
            world.run(FIRST, "marts")
    if finishes == "another":
        with without_engine(None, world.warehouse(), (SECOND, SECOND + timedelta(1))):
            assert world.warehouse().all_runs()[-1].state == "published"
    assert "Published 2026-03-19" in world.run(FIRST, "marts")
    assert world.published == {FIRST: 3}
    assert world.states == [(FIRST, "published")]


def test_days_that_were_begun_again_and_dropped_are_not_taken_for_published(world: World) -> None:
    world.run(FIRST)
    world.run(FIRST, "ingest")
    world.run(FIRST, "estimates", claim_minutes=0)
    world.run(SECOND)
    with pytest.raises(UsageError, match="No staged run of 2026-03-19"):
        world.run(FIRST, "marts")
    assert "Published" in world.run(FIRST)
    assert "Published" in world.run(FIRST, "marts")


def test_trouble_after_a_publish_does_not_take_it_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(self: Warehouse) -> None:
        if not self.journal.exists():
            raise OSError("unreachable")

    world.run(FIRST, "ingest", "estimates")
    with monkeypatch.context() as patched:
        patched.setattr(Warehouse, "sync", fails)
        with pytest.raises(OSError, match="unreachable"):
            world.run(FIRST, "marts")
    assert world.states == [(FIRST, "published")]


def test_a_run_of_another_day_waits_as_long_as_is_set_and_lets_the_step_work(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs.warehouse.publish, "ASK_AGAIN_SECONDS", 0.05)
    world.run(FIRST, "ingest")
    with pytest.raises(LockedError, match="waits for its step `estimates`"):
        world.run(SECOND, lock_wait_seconds=0.2)
    failed: list[BaseException] = []

    def second() -> None:
        try:
            world.run(SECOND, lock_wait_seconds=20)
        except BaseException as error:  # told where the test sees it
            failed.append(error)

    waits = threading.Thread(target=second)
    with capture_logs() as logged:
        waits.start()
        while "waiting for a run that is half way" not in [entry["event"] for entry in logged] and waits.is_alive():
            time.sleep(0.01)
        for step in ("estimates", "marts"):
            world.run(FIRST, step, lock_wait_seconds=20)
        waits.join(30)
    assert failed == []
    assert world.published == {FIRST: 3, SECOND: 3}


def test_a_claim_that_has_lapsed_keeps_nobody_waiting(world: World) -> None:
    world.run(FIRST, "ingest", claim_minutes=0)
    with capture_logs() as logged:
        world.run(SECOND)
    dropped = [entry for entry in logged if entry["event"] == "dropped what an unfinished run had staged"]
    assert [(entry["log_level"], entry["run"]) for entry in dropped] == [("warning", "run_20260319_20260320_1")]
    assert world.published == {SECOND: 3}
    assert world.branches == set()


def test_a_run_of_the_same_days_takes_over(world: World) -> None:
    world.run(FIRST, "ingest")
    world.run(FIRST)
    assert world.published == {FIRST: 3}
    assert world.states == [(FIRST, "published")]


def test_a_run_that_a_gate_stopped_claims_nothing(world: World) -> None:
    def fails(job: Job) -> None:
        stage(job)
        raise GateError("the gate said no")

    world.let("ingest", fails)
    with pytest.raises(GateError):
        world.run(FIRST, "ingest")
    world.let("ingest", stage)
    assert [run.claimed_until for run in world.warehouse().all_runs()] == [None]
    world.run(SECOND)
    assert world.published == {SECOND: 3}


def test_a_step_that_met_other_trouble_claims_nothing_and_is_repeated(world: World) -> None:
    def fails(job: Job) -> None:
        raise OSError("No space left on device")

    world.run(FIRST, "ingest")
    world.let("estimates", fails)
    with pytest.raises(UsageError, match="No space left"):
        world.run(FIRST, "estimates")
    world.let("estimates", stage)
    assert [run.claimed_until for run in world.warehouse().all_runs()] == [None]
    world.run(FIRST, "estimates", "marts")
    assert world.published == {FIRST: 3}


def test_the_report_of_published_days_and_doctor_wait_for_nobody(world: World) -> None:
    world.run(FIRST)
    world.run(SECOND, "ingest")
    claim = world.warehouse().all_runs()[-1].claimed_until
    assert claim is not None
    assert "Published 2026-03-19" in world.run(FIRST, "report")
    found = last_run(world)
    assert found.found == (
        f"run_20260320_20260321_2 is staged and waits for its step estimates, until {claim:%H:%M} UTC"
    )
    assert "runs of other days wait for it" in found.mend
    assert not found.blocks
    world.run(SECOND, "estimates", "marts")
    assert world.published == {FIRST: 3, SECOND: 3}


def test_of_a_run_that_claims_nothing_doctor_says_that_it_is_dropped(world: World) -> None:
    world.run(FIRST, "ingest", claim_minutes=0)
    found = last_run(world)
    assert found.found == "run_20260319_20260320_1 is open after ingest"
    assert "the next run drops what it had staged" in found.mend


def test_two_whole_runs_that_begin_at_once_are_both_published(world: World) -> None:
    begun, failed = threading.Event(), []

    def slow(job: Job) -> None:
        stage(job)
        begun.set()
        time.sleep(0.7)  # in which the other asks for the lock, once more than once

    def second() -> None:
        try:
            world.run(SECOND, lock_wait_seconds=20)
        except BaseException as error:  # told where the test sees it
            failed.append(error)

    world.let("ingest", slow)
    other = threading.Thread(target=second)
    with capture_logs() as logged:
        first = threading.Thread(target=lambda: world.run(FIRST, lock_wait_seconds=20))
        first.start()
        assert begun.wait(20)
        other.start()
        first.join(30)
        other.join(30)
    assert failed == []
    assert "waiting for the command that is writing" in [entry["event"] for entry in logged]
    assert world.published == {FIRST: 3, SECOND: 3}


def test_a_run_that_may_not_wait_is_refused_by_one_that_is_writing(world: World) -> None:
    with world.warehouse().lock(), pytest.raises(LockedError, match="Another command is writing"):
        world.run(FIRST)
    assert world.states == []


def test_a_run_that_ingests_looks_for_late_hours_but_one_that_takes_them_in_does_not(world: World) -> None:
    world.run(FIRST, "ingest")
    assert world.looked_for_late_hours == [FIRST]
    world.run(FIRST, "estimates", "marts")
    world.run(FIRST, is_late=True)
    assert world.looked_for_late_hours == [FIRST]
    world.run(SECOND)
    assert world.looked_for_late_hours == [FIRST, SECOND]
