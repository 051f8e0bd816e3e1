"""The warehouse on disk: lock, manifests, salt."""

import json
import multiprocessing
import os
import resource
import signal
import stat
from datetime import date
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from jobs.errors import UsageError, WarehouseError
from jobs.warehouse.runs import KEPT_RUNS, Warehouse

DAY, NEXT = date(2026, 3, 19), date(2026, 3, 20)


def hold(path, ready, done):
    with Warehouse(Path(path)).lock():
        ready.set()
        done.wait(30)


def test_the_lock_names_its_holder_and_dies_with_it(tmp_path):
    context = multiprocessing.get_context("spawn")
    ready, done = context.Event(), context.Event()
    holder = context.Process(target=hold, args=(str(tmp_path), ready, done))
    holder.start()
    assert ready.wait(30)
    with pytest.raises(WarehouseError, match=f"process {holder.pid} on"), Warehouse(tmp_path).lock():
        pass
    holder.kill()
    holder.join()
    with Warehouse(tmp_path).lock():
        assert str(os.getpid()) in (tmp_path / "lock").read_text()


def test_the_lock_keeps_no_secret_nobody_and_nothing_once_its_command_has_failed(tmp_path, monkeypatch):
    line = "pdmetrics --set alerts.urls=slack://TOKEN purge --wiki enwiki --user-id 4242"
    monkeypatch.setattr("sys.argv", line.split())
    with pytest.raises(KeyError), Warehouse(tmp_path).lock():  # noqa: PT012 - what is looked at is gone afterwards
        kept = (tmp_path / "lock").read_text()
        raise KeyError
    assert kept.endswith("--set alerts.urls=(set) purge --wiki enwiki --user-id (set)\n")
    assert (tmp_path / "lock").read_text() == ""


def test_a_run_is_found_by_the_next_process(tmp_path):
    warehouse = Warehouse(tmp_path)
    run = warehouse.new_run(DAY, NEXT, str(tmp_path))
    run.done.append("ingest")
    run.changed, run.lines_read = [DAY], {DAY: 12}
    warehouse.save(run)
    assert Warehouse(tmp_path).staged_run(DAY, NEXT, after="ingest") == run


def test_a_step_without_its_predecessor_is_refused(tmp_path):
    warehouse = Warehouse(tmp_path)
    warehouse.new_run(DAY, NEXT, str(tmp_path))
    with pytest.raises(UsageError, match="--steps ingest"):
        warehouse.staged_run(DAY, NEXT, after="ingest")


def test_runs_of_other_days_and_failed_runs_do_not_count(tmp_path):
    warehouse = Warehouse(tmp_path)
    other = warehouse.new_run(NEXT, date(2026, 3, 21), str(tmp_path))
    failed = warehouse.new_run(DAY, NEXT, str(tmp_path))
    for run in (other, failed):
        run.done.append("ingest")
    failed.state = "failed"
    warehouse.save(other)
    warehouse.save(failed)
    with pytest.raises(UsageError):
        warehouse.staged_run(DAY, NEXT, after="ingest")


def test_numbers_go_on_and_old_runs_are_forgotten(tmp_path):
    warehouse = Warehouse(tmp_path)
    for _ in range(KEPT_RUNS + 2):
        run = warehouse.new_run(DAY, NEXT, str(tmp_path))
        run.state = "published"
        warehouse.save(run)
    unfinished = warehouse.new_run(DAY, NEXT, str(tmp_path))
    warehouse.forget_old()
    kept = [run.run_id for run in warehouse.all_runs()]
    assert len(kept) == KEPT_RUNS
    assert unfinished.run_id not in kept
    assert warehouse.new_run(DAY, NEXT, str(tmp_path)).run_id == f"run_20260319_20260320_{KEPT_RUNS + 3}"


def test_the_salt_is_made_once_for_its_owner_only(tmp_path):
    warehouse = Warehouse(tmp_path)
    salt = warehouse.salt(None)
    assert len(salt) == 64
    assert warehouse.salt(None) == salt
    assert stat.S_IMODE((tmp_path / "salt").stat().st_mode) == 0o600
    assert Warehouse(tmp_path / "other").salt(None) != salt


def test_an_empty_salt_is_refused(tmp_path):
    (tmp_path / "salt").write_text("\n")
    with pytest.raises(WarehouseError, match="salt is empty"):
        Warehouse(tmp_path).salt(None)


def test_a_warehouse_that_is_a_file_is_explained(tmp_path):
    path = tmp_path / "file"
    path.write_text("")
    with pytest.raises(WarehouseError, match="cannot be written"), Warehouse(path).lock():
        pass


def test_a_manifest_is_plain_json(tmp_path):
    warehouse = Warehouse(tmp_path)
    run = warehouse.new_run(DAY, NEXT, str(tmp_path))
    raw = json.loads((warehouse.folder(run.run_id) / "run.json").read_text())
    assert (raw["start"], raw["state"]) == ("2026-03-19", "open")


@pytest.mark.parametrize(
    "content", [b"", b'{"run_id": "run_2', b"\xff\xfe\x00", b"[]", b"{}", b'{"run_id": "../../else"}']
)
def test_a_damaged_run_file_is_passed_over_and_its_folder_forgotten(tmp_path, content):
    warehouse = Warehouse(tmp_path)
    published, damaged = (warehouse.new_run(DAY, NEXT, str(tmp_path)) for _ in range(2))
    published.state = "published"
    warehouse.save(published)
    (warehouse.folder(damaged.run_id) / "run.json").write_bytes(content)
    with capture_logs() as said:
        assert warehouse.all_runs() == [published]
    assert [entry["file"] for entry in said] == [str(warehouse.folder(damaged.run_id) / "run.json")]
    warehouse.forget_old()
    assert [path.name for path in warehouse.runs.iterdir()] == [published.run_id]


@pytest.mark.parametrize("content", [b"", b'{"run_id": "run_2', b"\xff\xfe\x00", b"[]", b"{}"])
def test_a_damaged_journal_is_told_with_the_run_that_was_being_published(tmp_path, content):
    warehouse = Warehouse(tmp_path)
    run = warehouse.new_run(DAY, NEXT, "world")
    run.done = ["ingest", "estimates"]
    warehouse.save(run)
    warehouse.journal.write_bytes(content)
    with pytest.raises(
        WarehouseError, match=r"(?s)journal.*publish\.json.*delete it.*--start 2026-03-19 --end 2026-03-20"
    ):
        warehouse.publishing()


def test_a_damaged_journal_without_a_run_to_publish_asks_for_a_backup(tmp_path):
    warehouse = Warehouse(tmp_path)
    warehouse.journal.write_bytes(b"")
    with pytest.raises(WarehouseError, match="from a backup"):
        warehouse.publishing()


def test_a_salt_that_cannot_be_written_leaves_none(tmp_path):
    """Half a salt, or an empty one, would be refused for ever, and there is no backup of it."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            Warehouse(tmp_path).salt(None)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []
    assert len(Warehouse(tmp_path).salt(None)) == 64


def test_a_step_that_comes_too_early_is_answered_with_the_first_that_is_missing(tmp_path):
    warehouse = Warehouse(tmp_path / "w h")
    begin = f"pdmetrics --warehouse '{warehouse.path}' run --start 2026-03-19 --end 2026-03-20 --input"

    def next_step():
        with pytest.raises(UsageError) as told:
            warehouse.staged_run(DAY, NEXT, after="estimates")
        return told.value.next_step

    assert next_step() == f"{begin} DIR --steps ingest"
    run = warehouse.new_run(DAY, NEXT, "/in")
    assert next_step() == f"{begin} /in --steps ingest"
    run.done = ["ingest"]
    warehouse.save(run)
    assert next_step() == f"{begin} /in --steps estimates"
    run.state = "failed"  # by a gate: what it staged is of no use
    warehouse.save(run)
    assert next_step() == f"{begin} /in --steps ingest"


# Runs that count the audience


AUDIENCE = ("--snapshot", "2026-03", "--as-of", "2026-03-19")


def test_an_audience_is_no_run_of_its_dates(tmp_path):
    warehouse = Warehouse(tmp_path)
    run = warehouse.new_run(DAY, NEXT, "in")
    run.state, run.done = "published", ["ingest", "estimates", "marts"]
    warehouse.save(run)
    found = warehouse.new_run(DAY, NEXT, "dumps", audience=AUDIENCE)
    assert (found.is_audience, found.number) == (True, 2)
    assert warehouse.all_runs()[-1].command == ["audience", "--history", "dumps", *AUDIENCE]
    found.state, found.as_of, found.done = "failed", [DAY], ["audience"]
    warehouse.save(found)
    assert warehouse.unpublished_run([DAY]) is None
    assert "run_20260319_20260320_2, is failed and of an audience" in warehouse.nothing_staged([DAY], "").what
    found.state = "published"
    warehouse.save(found)
    assert warehouse.newest_run(DAY, NEXT) == warehouse.last_of_days() == run
    assert warehouse.staged_run(DAY, NEXT, after="marts") == run
    assert warehouse.last_published() == found


def test_many_audiences_push_out_no_run_of_days(tmp_path):
    warehouse = Warehouse(tmp_path)
    for audience in (None, *[AUDIENCE] * (KEPT_RUNS + 1)):
        run = warehouse.new_run(DAY, NEXT, "in", audience=audience)
        run.state = "published"
        warehouse.save(run)
    warehouse.forget_old()
    assert [run.number for run in warehouse.all_runs()] == [1, *range(3, KEPT_RUNS + 3)]


def test_a_damaged_journal_of_an_audience_is_mended_by_its_command(tmp_path):
    warehouse = Warehouse(tmp_path)
    run = warehouse.new_run(DAY, NEXT, "dumps", audience=AUDIENCE)
    run.done = ["audience"]
    warehouse.save(run)
    assert (
        f"--warehouse {tmp_path} audience --history dumps {' '.join(AUDIENCE)}" in warehouse.damaged_journal().next_step
    )
