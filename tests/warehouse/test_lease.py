"""The lock over machines: one holds it, it lapses, and whoever lost it is stopped before it publishes."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pyiceberg.exceptions import CommitFailedException
from structlog.testing import capture_logs

from jobs.errors import LockedError, WarehouseError
from jobs.warehouse import lease as leases
from jobs.warehouse import processes
from jobs.warehouse.catalog import open_catalog
from jobs.warehouse.lease import CLOCKS_DIFFER, Lease, Said
from jobs.warehouse.processes import is_dead, process

Make = Callable[..., Lease]
Hold = Callable[[Lease], None]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """A lease as each machine has one: over a catalog that it opens itself."""
    properties = {"type": "sql", "uri": f"sqlite:///{tmp_path}/catalog.db", "warehouse": f"file://{tmp_path}/lake"}
    return lambda minutes=10, place="s3://bucket/pd": Lease(lambda: open_catalog(properties), minutes, place)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """Sets the clock that a lease is judged by."""

    def set_clock(by: timedelta) -> None:
        class Clock(datetime):
            @classmethod
            def now(cls, tz=None):
                return datetime.now(tz) + by

        monkeypatch.setattr(leases, "datetime", Clock)

    return set_clock


@pytest.fixture
def hold() -> Iterator[Hold]:
    """Takes a lease that is not given back, as a command does that is stopped or killed."""
    kept = []

    def take(lease: Lease) -> None:
        kept.append(lease.held(0))
        kept[-1].__enter__()

    yield take
    for one in kept:
        one.__exit__(None, None, None)


def test_one_holds_it_and_the_other_is_told_who(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "sys.argv", ["pdmetrics", "--set", "catalog.password=verysecret", "run", "--date", "2026-03-19"]
    )
    first, second = make(), make()
    assert second.holder() is None
    with first.held(0):
        with pytest.raises(LockedError, match=rf"process {os.getpid()} on .*run --date 2026-03-19") as refused:
            second.held(0).__enter__()
        assert "verysecret" not in str(refused.value)
        assert "run --date 2026-03-19" in (second.holder() or "")
    assert second.holder() is None
    with second.held(0):
        second.check()


def test_whoever_waits_gets_it(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "ASK_AGAIN_SECONDS", 0.05)
    held = make().held(0)
    held.__enter__()
    threading.Timer(0.3, lambda: held.__exit__(None, None, None)).start()
    with capture_logs() as told, make().held(20):
        pass
    assert [line["event"] for line in told].count("waiting for the command that is writing") == 1


def test_of_two_that_read_the_same_head_one_gets_it(make: Make, hold: Hold, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = make(), make()
    commit = first._commit

    def while_the_other_takes_it() -> None:
        monkeypatch.setattr(first, "_commit", commit)
        hold(second)
        commit()

    monkeypatch.setattr(first, "_commit", while_the_other_takes_it)
    with pytest.raises(LockedError):
        first.held(0).__enter__()
    second.check()


def test_it_lapses_and_the_one_who_lost_it_is_stopped(
    make: Make, hold: Hold, later: Callable[[timedelta], None]
) -> None:
    stopped, other = make(), make()
    hold(stopped)
    later(timedelta(minutes=10) + CLOCKS_DIFFER / 2)
    with pytest.raises(LockedError):
        other.held(0).__enter__()
    later(timedelta(minutes=10) + CLOCKS_DIFFER * 2)
    with capture_logs() as told, other.held(0):
        stopped.require()  # by its own clock all is well
        with pytest.raises(LockedError, match="was lost"):
            stopped.check()
        with pytest.raises(LockedError, match="was lost"):
            stopped.require()
        with pytest.raises(LockedError):
            stopped.renew()
    assert "taking over the lock of a command that is gone" in [line["event"] for line in told]


def test_who_was_stopped_for_longer_than_it_lasts_knows_by_the_clock(make: Make, hold: Hold) -> None:
    stopped = make(minutes=1e-9)
    hold(stopped)
    with pytest.raises(LockedError, match="was lost"):
        stopped.require()


def test_to_renew_begins_its_time_anew(make: Make) -> None:
    lease = make()
    with lease.held(0):
        lease._ends = lease._ends_steadily = 1e12
        lease.renew()
        assert lease._ends < 1e12
        lease.check()


def test_it_is_renewed_meanwhile(make: Make) -> None:
    lease = make(minutes=0.02)  # 1.2 seconds, renewed each 0.12
    with lease.held(0):
        threading.Event().wait(2)
        lease.check()


def test_a_commit_whose_answer_was_lost_is_no_loss(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    lease = make()
    with lease.held(0):
        commit = lease._commit

        def answers_late(**_: object) -> None:
            commit()
            raise CommitFailedException

        monkeypatch.setattr(lease, "_commit", answers_late)
        lease.renew()
        monkeypatch.setattr(lease, "_commit", commit)
        lease.check()


def test_a_process_of_this_machine_that_is_gone_holds_nothing(
    make: Make, hold: Hold, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = process()
    if not mine:
        pytest.skip("no /proc here")
    machine, _, started = mine.rsplit("/", 2)
    assert not is_dead(mine)
    assert not is_dead("")
    assert not is_dead(f"elsewhere/{mine}")
    assert is_dead(f"{machine}/{os.getpid()}/{int(started) - 1}"), "another process that had its number"
    monkeypatch.setattr(leases, "process", lambda: f"{machine}/{os.getpid()}/{int(started) - 1}")
    hold(make())
    monkeypatch.undo()
    with make().held(0):
        pass


def test_the_end_of_a_command_does_not_hang_on_a_catalog_that_does_not_answer(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "GIVE_UP_SECONDS", 0.1)
    lease = make()
    with capture_logs() as told, lease.held(0):
        lease._turn.acquire()  # as the thread that renews holds it while it waits
    assert [line["event"] for line in told] == [
        "the lock could not be given back, since the catalog does not answer; it lapses"
    ]
    with pytest.raises(LockedError):
        make().held(0).__enter__()


def test_a_process_that_is_hidden_is_not_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    if not (mine := process()):
        pytest.skip("no /proc here")
    machine, _, started = mine.rsplit("/", 2)
    ended = os.fork()
    if not ended:
        os._exit(0)
    os.waitid(os.P_PID, ended, os.WEXITED | os.WNOWAIT)
    assert is_dead(f"{machine}/{ended}/{started}"), "it has ended, and nobody has asked how"
    os.waitpid(ended, 0)
    assert is_dead(f"{machine}/{ended}/{started}")
    monkeypatch.setattr(processes, "_started", lambda _: None)
    assert is_dead(f"{machine}/{ended}/{started}"), "there is none of this number"
    assert not is_dead(mine)

    def refused(*_: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "kill", refused)
    assert not is_dead(f"{machine}/{ended}/{started}"), "another user's"


def test_the_lease_of_another_warehouse_is_not_taken(make: Make) -> None:
    with make(place="s3://bucket/pd?region=here").held(0):
        pass
    with pytest.raises(WarehouseError, match=r"belong to the warehouse s3://bucket/pd, not to s3://bucket/dp") as told:
        make(place="s3://bucket/dp").held(0).__enter__()
    assert (told.value.exit_code, told.value.next_step.count("doctor --relocate")) == (2, 1)
    with make().held(0):
        pass


def test_it_is_over_on_every_clock() -> None:
    now = datetime.now(UTC)
    said = Said("somebody", "token", now, "")
    assert not said.is_over(now + CLOCKS_DIFFER)
    assert said.is_over(now + CLOCKS_DIFFER + timedelta(seconds=1))


def test_old_snapshots_go(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "KEPT_SNAPSHOTS", 3)
    lease = make()
    for _ in range(6):
        with lease.held(0):
            pass
    assert lease._table is not None
    assert len(lease._table.metadata.snapshots) < 9
    assert len(list(tmp_path.glob("lake/pd/lease/metadata/snap-*"))) == len(lease._table.metadata.snapshots)


def test_a_catalog_that_refuses_is_told(tmp_path: Path) -> None:
    def refuses() -> None:
        raise PermissionError("no")

    with pytest.raises(WarehouseError, match="does not let the lock be taken: no"):
        Lease(refuses, 10, "s3://bucket/pd").held(0).__enter__()  # type: ignore[arg-type]
