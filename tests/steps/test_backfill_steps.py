"""When a backfill goes on and when it starts over, in which order its chunks go, and how the difference is told."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, cast

import pandas as pd
import pytest
from rich.console import Console
from structlog.testing import capture_logs

from jobs.quality.marts_difference import CAUSES
from jobs.reference.load import Reference
from jobs.settings import load_settings
from jobs.steps import backfill as steps
from jobs.steps.backfill import (
    half_way,
    made_with,
    new_backfill,
    noted,
    publish_backfill,
    stage_chunks,
    wanted_backfill,
)
from jobs.steps.difference_told import SHOWN, tell_difference
from jobs.steps.job import Job
from jobs.steps.traced import Sight
from jobs.warehouse.manifest import Run
from jobs.warehouse.runs import Warehouse
from tests.references import reference, wiki_row

START, END = date(2026, 3, 14), date(2026, 3, 19)
SETTINGS = load_settings(None, ())[0]
CSVS = reference()


class Branches:
    """A lake of which is known whether the run's branches can be published, and which as-of dates are."""

    def __init__(self, *, ahead: bool = True) -> None:
        self.ahead = ahead

    def is_ahead(self, _: str) -> bool:
        return self.ahead

    def days(self, _: str) -> list[date]:
        return [END - timedelta(days=1), END, END + timedelta(days=400)]


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    found = Warehouse(tmp_path / "warehouse")
    found.prepare()
    return found


def wanted() -> Run:
    return wanted_backfill(START, END, "in", "late hours", SETTINGS)


def begun(warehouse: Warehouse, change: Callable[[Run], object] = lambda _: None) -> Run:
    run = new_backfill(warehouse, wanted(), CSVS)
    noted(run).ingested_to = date(2026, 3, 16)
    change(run)
    warehouse.save(run)
    return run


def asked(warehouse: Warehouse, csvs: Reference = CSVS, *, ahead: bool = True) -> tuple[Run | None, list[str]]:
    """Ask whether there is something to go on with, and why not."""
    with capture_logs() as said:
        found = half_way(cast(Any, Branches(ahead=ahead)), warehouse, wanted(), csvs)
    return found, [entry["why"] for entry in said if "why" in entry]


def test_the_same_command_goes_on(warehouse: Warehouse) -> None:
    run = begun(warehouse)
    assert asked(warehouse) == (run, [])


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda run: setattr(run, "state", "dropped"), "another run dropped what it had staged"),
        (lambda run: setattr(run, "state", "failed"), "a gate stopped it"),
        (lambda run: setattr(noted(run), "ingested_to", None), "no chunk of it was finished"),
        (lambda run: setattr(run, "input_dir", "elsewhere"), "it read elsewhere"),
        (lambda run: setattr(noted(run), "made_with", "older"), "the code or its settings are others"),
    ],
)
def test_what_is_not_the_same_any_more_starts_over(
    warehouse: Warehouse, change: Callable[[Run], object], why: str
) -> None:
    begun(warehouse, change)
    assert asked(warehouse) == (None, [why])


def test_other_csvs_and_other_published_rows_start_over(warehouse: Warehouse) -> None:
    begun(warehouse)
    assert asked(warehouse, replace(CSVS, wikis=(*CSVS.wikis, wiki_row("trwiki")))) == (
        None,
        ["the CSVs beside the input are others"],
    )
    assert asked(warehouse, ahead=False) == (None, ["something else was published since"])


def test_what_was_published_or_undone_is_nothing_to_go_on_with(warehouse: Warehouse) -> None:
    assert asked(warehouse) == (None, [])
    begun(warehouse, lambda run: setattr(run, "state", "published"))
    assert asked(warehouse) == (None, [])
    begun(warehouse, lambda run: setattr(noted(run), "undoes", "run_1"))
    assert asked(warehouse) == (None, [])


def test_settings_that_numbers_depend_on_are_part_of_what_it_is_made_with(tmp_path: Path) -> None:
    def of(*overrides: str) -> str:
        return made_with(load_settings(None, overrides)[0])

    assert of() == of("estimation.workers=1") == of("engine.workers=1")
    assert len({of(), of("privacy.min_users=5"), of("ingest.dedup_lookback_days=3"), of("estimation.min_seen=99")}) == 4
    thresholds = tmp_path / "thresholds.toml"
    thresholds.write_text("first")
    judged = of(f"quality.thresholds_file={thresholds}")
    assert judged != of()
    thresholds.write_text("second")
    assert of(f"quality.thresholds_file={thresholds}") not in (judged, of())


class Stages:
    """Stands for ingest and estimates: notes what they were asked for, and ends as if killed where it is told."""

    def __init__(self, patch: pytest.MonkeyPatch, killed_at: date | None = None) -> None:
        self.ingested: list[tuple[date, date]] = []
        self.as_of: list[list[date]] = []
        self.milestones: list[list[date]] = []
        self.set_back_to: list[dict[str, int]] = []
        self.killed_at = killed_at
        patch.setattr(steps, "heads", lambda *_: {"events": len(self.ingested), "metric_values": len(self.as_of)})
        patch.setattr(steps, "set_back", lambda lake, run_id, heads: self.set_back_to.append(heads))
        patch.setattr(steps, "ingest", self._ingest)
        patch.setattr(steps, "stage_rows", self._rows)
        patch.setattr(steps, "stage_milestones", lambda lake, csvs, run_id, as_of: self.milestones.append(list(as_of)))

    def _ingest(self, chunk: Job) -> None:
        run = chunk.run
        if self.killed_at in run.days:
            raise KeyboardInterrupt
        run.changed, run.lines_read = [*run.days, run.end], dict.fromkeys(run.days, 7)
        self.ingested.append((run.start, run.end))

    def _rows(self, _: Job, as_of: list[date]) -> None:
        if self.killed_at in as_of:
            raise KeyboardInterrupt
        self.as_of.append(list(as_of))


def job(warehouse: Warehouse, run: Run) -> Job:
    return Job(cast(Any, Branches()), warehouse, SETTINGS, Console(), run, cast(Any, None))


def day(number: int) -> date:
    return date(2026, 3, number)


def test_chunks_go_on_where_they_were_finished(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    run = new_backfill(warehouse, wanted(), CSVS)
    first = Stages(monkeypatch, killed_at=day(17))
    with pytest.raises(KeyboardInterrupt):
        stage_chunks(job(warehouse, run), 2)
    assert first.ingested == [(day(14), day(16))]
    second = Stages(monkeypatch, killed_at=day(17))
    (left,) = warehouse.all_runs()
    second.killed_at = day(19)
    with pytest.raises(KeyboardInterrupt):
        stage_chunks(job(warehouse, left), 3)
    assert first.set_back_to == [{}]
    assert second.set_back_to == [{"events": 1, "metric_values": 0}], "what the killed chunk staged counts no more"
    assert second.ingested == [(day(16), day(19))]
    assert second.as_of == [[day(14), day(15), day(16)]]
    third = Stages(monkeypatch)
    (left,) = warehouse.all_runs()
    stage_chunks(job(warehouse, left), 3)
    assert third.set_back_to == [{"events": 1, "metric_values": 1}]
    assert third.ingested == []
    assert third.as_of == [[day(17), day(18), day(19)]]
    assert third.milestones == [[*(day(number) for number in range(14, 20))]], "the published date after them too"
    (done,) = warehouse.all_runs()
    assert noted(done).heads == {"events": 0, "metric_values": 1}, "with the milestones"
    assert (done.done, done.start, done.end) == (["ingest", "estimates"], START, END)
    assert done.lines_read == dict.fromkeys(done.days, 7)
    assert done.changed == [*done.days, END]


def test_the_lineage_is_told_of_what_is_left_to_do(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    @contextlib.contextmanager
    def traced(lineage: object, step: str, sight: Sight) -> Iterator[None]:
        told.append(f"{lineage} {step} of {sight.run.run_id}")
        yield
        told.append("done")

    monkeypatch.setattr(steps, "traced", traced)
    monkeypatch.setattr(steps, "replaced_by", lambda *_: {})
    monkeypatch.setattr(steps, "keep_reference", lambda *_: None)
    monkeypatch.setattr(steps, "publish_run", lambda _: told.append("published"))
    run, there = new_backfill(warehouse, wanted(), CSVS), cast(Any, "lineage")
    Stages(monkeypatch, killed_at=day(19))
    with pytest.raises(KeyboardInterrupt):
        stage_chunks(job(warehouse, run), 9, there)
    assert told == [f"lineage ingest of {run.run_id}", "done", f"lineage estimates of {run.run_id}"]
    told.clear()
    Stages(monkeypatch)
    (left,) = warehouse.all_runs()
    stage_chunks(job(warehouse, left), 9, there)
    publish_backfill(job(warehouse, left), there)
    of = f"of {run.run_id}"
    assert told == [f"lineage estimates {of}", "done", f"lineage marts {of}", "published", "done"]


def line(mart: str, metric: str = "", wiki: str = "", **values: Any) -> dict[str, Any]:
    counts = dict.fromkeys(
        [
            "n_before",
            "n_now",
            "n_new",
            "n_gone",
            "n_changed",
            "n_status",
            "n_moved",
            *(f"n_{cause}" for cause in CAUSES),
        ],
        0,
    )
    return {"mart": mart, "metric": metric, "wiki_db": wiki, "status_changes": "", "median_move": None,
            "largest_move": None, **counts, **values}  # fmt: skip


def told(*lines: dict[str, Any]) -> str:
    console = Console(record=True, width=200, file=io.StringIO())
    tell_difference(console, pd.DataFrame(list(lines)), "runs/r/difference.csv")
    return console.export_text()


def test_the_difference_is_told_by_table_and_by_metric() -> None:
    row = line("fct_metric_values", "reviewers", "trwiki", n_before=5, n_changed=3, n_late_data=3, n_policy=1,
               median_move=0.25, largest_move=0.5, status_changes="publish to caution: 2")  # fmt: skip
    text = told(row, line("fct_metric_values", "reviewers", "idwiki", n_before=5), line("dim_wiki", n_before=2))
    assert "late data 3, policy 1" in text
    assert "25.0%" in text
    assert "publish to caution: 2" in text
    assert "idwiki" not in text, "nothing differs there"
    assert "runs/r/difference.csv" in text


def test_the_rest_of_many_metrics_is_counted() -> None:
    rows = [line("fct_metric_values", f"metric_{n:02d}", "trwiki", n_changed=n) for n in range(1, SHOWN + 4)]
    text = told(*rows)
    assert "and 3 more" in text
    assert "metric_03" not in text
    assert "metric_04" in text


def test_no_difference_is_said() -> None:
    assert "No row of the marts" in told(line("fct_metric_values", "reviewers", "trwiki", n_before=5))
