"""`pdmetrics report`, and `run` with the step `report`: from the command line to a site, which is faked."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import jobs.commands.report
import jobs.commands.run
import jobs.steps.companion
from jobs.cli import main
from jobs.errors import GateError, WarehouseError
from jobs.report.swap import MARKER
from jobs.steps import report
from jobs.steps.job import Job
from jobs.warehouse.manifest import Run, write_json
from jobs.warehouse.runs import Warehouse
from tests.quality.changes_cases import SMALL, D, write
from tests.steps.test_report_step import HERE, OFF, built

__all__ = ["built"]  # a fixture
DAYS = ("--start", f"{D}", "--end", f"{D + timedelta(days=1)}", "--input", "nowhere")
AT_ONCE = ("--set", "run.lock_wait_seconds=0")


class Told:
    """How a command ended."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, " ".join(out.split()), " ".join(err.split())


@pytest.fixture
def warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    """A warehouse with marts, and a companion in this process."""

    @contextlib.contextmanager
    def companion(_: object) -> Iterator[Any]:
        yield HERE

    monkeypatch.setattr(jobs.commands.report, "companion", companion)
    monkeypatch.setattr(jobs.steps.companion, "companion", companion)
    monkeypatch.delenv("PDMETRICS_REPORT__BUILD", raising=False)
    warehouse = Warehouse(tmp_path / "w")
    warehouse.prepare()
    write(warehouse.marts, SMALL)
    return warehouse


@pytest.fixture
def pdmetrics(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    def type_in(*arguments: str) -> Told:
        monkeypatch.setattr(sys, "argv", ["pdmetrics", "--warehouse", str(warehouse.path), *arguments])
        code = 0
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        return Told(code, *capsys.readouterr())

    return type_in


def a_run(warehouse: Warehouse, state: str, *done: str) -> Run:
    run = warehouse.new_run(D, D + timedelta(days=1), "nowhere")
    run.state, run.done = state, list(done)
    warehouse.save(run)
    return run


def test_the_command_says_where_to_look(pdmetrics: Any, tmp_path: Path, warehouse: Warehouse, built: Any) -> None:
    told = pdmetrics("report", "--out", str(tmp_path / "site"))
    assert (told.code, told.out) == (0, f"Report: open {tmp_path}/site/index.html in a browser.")
    assert (tmp_path / "site" / MARKER).exists()


def test_the_command_on_the_warehouse_s_own_site_waits_for_no_run(
    pdmetrics: Any, warehouse: Warehouse, built: Any, tmp_path: Path
) -> None:
    with warehouse.lock():
        assert pdmetrics(*AT_ONCE, "report", "--out", str(warehouse.path / "report")).code == 75
        assert pdmetrics("report", "--out", str(tmp_path / "site")).code == 0


def test_nothing_published_is_said(pdmetrics: Any, warehouse: Warehouse, tmp_path: Path) -> None:
    warehouse.marts.unlink()
    told = pdmetrics("report", "--out", str(tmp_path / "site"))
    assert told.code == 2
    assert "Nothing is published in this warehouse yet." in told.err


def test_a_folder_that_cannot_be_written_is_said(
    pdmetrics: Any, warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no(*_: object) -> None:
        raise PermissionError(13, "Permission denied", "/site")

    monkeypatch.setattr(report, "make_docs", no)
    told = pdmetrics("report", "--out", str(tmp_path / "site"))
    assert told.code == 2
    assert "The report cannot be written: Permission denied. where: /site" in told.err


# As the last step of a run


def test_a_scheduler_s_last_task_makes_it_of_what_is_published(
    pdmetrics: Any, warehouse: Warehouse, built: Any
) -> None:
    a_run(warehouse, "published", "ingest", "estimates")
    for _ in range(2):
        told = pdmetrics("run", *DAYS, "--steps", "report")
        assert told.code == 0, told.err
        assert f"Published {D}. Report: open {warehouse.path}/report/index.html in a browser. Next: " in told.out
    assert len(built) == 2


def test_a_task_of_days_that_are_not_published_says_what_is_missing(
    pdmetrics: Any, warehouse: Warehouse, built: Any
) -> None:
    a_run(warehouse, "open", "ingest", "estimates")
    told = pdmetrics("run", *DAYS, "--steps", "report")
    assert (told.code, built) == (2, [])
    assert "has finished its step `marts`" in told.err
    assert told.err.endswith("--input nowhere --steps marts")


def test_a_task_of_days_whose_run_is_forgotten_says_how_to_see_what_is_published(
    pdmetrics: Any, warehouse: Warehouse, built: Any
) -> None:
    told = pdmetrics("run", *DAYS, "--steps", "report")
    assert told.err.endswith("--input DIR --steps ingest"), "nothing was ever published"
    late = warehouse.new_run(D + timedelta(days=1), D + timedelta(days=2), "nowhere")
    late.state = "published"
    warehouse.save(late)
    told = pdmetrics("run", *DAYS, "--steps", "report")
    assert (told.code, built) == (2, [])
    assert told.err.endswith(f"pdmetrics --warehouse {warehouse.path} report --out {warehouse.path}/report")
    told = pdmetrics("run", *DAYS[:1], f"{D + timedelta(days=2)}", "--end", f"{D + timedelta(days=3)}", *DAYS[4:],
                     "--steps", "report")  # fmt: skip
    assert told.err.endswith("--steps ingest"), "these days were not run yet"


def test_a_run_that_waits_for_its_report_has_the_lock(pdmetrics: Any, warehouse: Warehouse, built: Any) -> None:
    a_run(warehouse, "published")
    with warehouse.lock():
        assert pdmetrics(*AT_ONCE, "run", *DAYS, "--steps", "report").code == 75
    assert built == []


def test_switched_off_it_is_not_announced(pdmetrics: Any, warehouse: Warehouse, built: Any) -> None:
    a_run(warehouse, "published")
    told = pdmetrics("--set", *OFF, "run", *DAYS, "--steps", "report")
    assert (told.code, built) == (0, [])
    assert "Report:" not in told.out
    assert "it is switched off" in told.err


@pytest.fixture
def publishing(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run that is staged, an engine that is none, and a step `marts` that only says it has published."""
    run = a_run(warehouse, "open", "ingest", "estimates")

    @contextlib.contextmanager
    def no_engine(*_: object) -> Iterator[None]:
        with warehouse.lock():
            yield

    def publish(job: Job) -> None:
        job.run.state = "published"
        warehouse.save(job.run)

    monkeypatch.setattr(jobs.commands.run, "open_lake", no_engine)
    monkeypatch.setattr(jobs.commands.run, "open_input", lambda _: None)
    monkeypatch.setattr("jobs.steps.marts.make_marts", publish)
    monkeypatch.setattr(HERE, "prepare", lambda _: None, raising=False)
    return run


def test_it_follows_publishing(pdmetrics: Any, warehouse: Warehouse, built: Any, publishing: Run) -> None:
    told = pdmetrics("run", *DAYS, "--steps", "marts,report")
    assert told.code == 0, told.err
    assert [about.run_id for about in built] == [publishing.run_id]
    assert warehouse.all_runs()[0].state == "published"


def test_without_the_step_there_is_no_report(pdmetrics: Any, built: Any, publishing: Run) -> None:
    told = pdmetrics("run", *DAYS, "--steps", "marts")
    assert (told.code, built) == (0, [])
    assert "Report:" not in told.out


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (WarehouseError("It is odd."), 2, "error: The report was not made, the numbers are published, and stay. It is"),
        (
            OSError(28, "No space left on device"),
            2,
            "the numbers are published, and stay. The report cannot be written",
        ),
        (KeyError("x"), 70, "the numbers are published, and stay; only the report is missing: pdmetrics"),
        (GateError("dbt says no."), 2, "the numbers are published, and stay. dbt says no."),
    ],
)
def test_a_report_that_fails_does_not_hide_that_the_run_is_published(
    pdmetrics: Any, warehouse: Warehouse, publishing: Run, monkeypatch: pytest.MonkeyPatch, error: Exception, code: int,
    words: str,
) -> None:  # fmt: skip
    def fail(_: object) -> None:
        raise error

    monkeypatch.setattr(report, "make_docs", fail)
    monkeypatch.setattr(HERE, "begin", lambda *_: None)
    told = pdmetrics("run", *DAYS, "--steps", "marts,report")
    assert told.code == code
    assert words in told.err
    assert "nothing was published" not in told.err
    assert [run.state for run in warehouse.all_runs()] == ["published"]


def test_a_publish_that_was_cut_off_is_finished_and_reported(
    pdmetrics: Any, warehouse: Warehouse, built: Any, publishing: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_json(warehouse.journal, {"run_id": publishing.run_id})

    @contextlib.contextmanager
    def finishes(*_: object) -> Iterator[None]:
        warehouse.journal.unlink()
        publishing.state = "published"
        warehouse.save(publishing)
        yield

    def twice(_: Job) -> None:
        raise AssertionError("it is published already")

    monkeypatch.setattr(jobs.commands.run, "open_lake", finishes)
    monkeypatch.setattr("jobs.steps.marts.make_marts", twice)
    told = pdmetrics("run", *DAYS, "--steps", "marts,report")
    assert told.code == 0, told.err
    assert len(built) == 1
