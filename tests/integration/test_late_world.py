"""An hour arrives late: with its day run again, the warehouse is that of a world which had it from the beginning.

The same runs tell a lineage file of their steps, so that what they read and wrote is held against what is declared.
Tables and engine are real; of dbt and Great Expectations, which have no part in it, only their answers are there.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

import jobs.commands.run
import jobs.steps.companion
import jobs.steps.gates
import jobs.steps.marts
import jobs.steps.traced
from expectations.gate import COLUMNS, GateResult
from jobs import contracts
from jobs.contracts import TABLES
from jobs.steps.job import Job
from jobs.steps.reads_writes import OF_STEPS
from jobs.warehouse.home import open_home
from jobs.warehouse.manifest import STEPS
from jobs.warehouse.tables import EPOCH, MAIN, Tables
from tests.integration.worlds import here, lake_contents, simulate

pytestmark = pytest.mark.integration

BEFORE, LATE, AFTER = date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 4)
DAYS = ("--start", "2026-03-02", "--end", "2026-03-05")
HOUR = 9
EMPTY = {"unit_link_days"}  # this world has no instrument without user ids
RARE = {  # what a step reads only now and then
    "estimates": {"visit_laws"},  # with reference shapes
}


class Here:
    """A companion in this process, with a gate that lets everything pass, and marts that take no time to build."""

    def prepare(self, _: str) -> None: ...

    def call(self, function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        if function.__name__ != "run_gate":
            return SimpleNamespace(warnings=[], n_tables=0, seconds=0)
        row = dict.fromkeys(COLUMNS, "-") | {"gate": arguments[0], "severity": "warning", "success": True}
        rows = pd.DataFrame([{**row, "event_date": day} for day in named["days"]], columns=list(COLUMNS))
        return GateResult(arguments[0], rows, [])


@dataclass
class Did:
    """What a step of a run did to the tables: read what was there before it, and wrote."""

    step: str
    reads: set[str] = field(default_factory=set)
    writes: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class LateWorld:
    """A warehouse before and after its late hour, and one that had the hour from the beginning."""

    warehouse: Path
    whole: Path
    told: str
    told_again: str
    files: tuple[dict[str, dict[date, set[str]]], dict[str, dict[date, set[str]]]]
    did: list[Did]
    events: list[dict[str, Any]]


def data_files(warehouse: Path) -> dict[str, dict[date, set[str]]]:
    """Published data files by table and partition."""
    tables = Tables(open_home({}, warehouse)[0])
    tables.ensure_tables()
    found: dict[str, dict[date, set[str]]] = {}
    for name in TABLES:
        of_days = found.setdefault(name, {})
        for task in tables.table(name).scan(snapshot_id=tables.refs(name)[MAIN]).plan_files():
            day = date.fromordinal(EPOCH.toordinal() + int(task.file.partition[0]))
            of_days.setdefault(day, set()).add(task.file.file_path)
    return found


def watched(did: list[Did], patched: pytest.MonkeyPatch) -> None:
    """Note of each step which snapshots of before it are read, and which tables have a new one after it."""
    begun: list[tuple[Did, dict[str, set[int]]]] = []
    snapshot, run_step, seen_by = Tables.snapshot, jobs.commands.run.run_step, jobs.steps.traced.seen_by

    def read(tables: Tables, name: str, run_id: str | None) -> int:
        found = snapshot(tables, name, run_id)
        if begun and found in begun[-1][1][name]:
            begun[-1][0].reads.add(name)
        return found

    def look(tables: Tables, run_id: str) -> dict[str, int]:
        held = [begun.pop() for _ in begun]  # what looks for the lineage is no step
        found = seen_by(tables, run_id)
        begun.extend(held)
        return found

    def step(job: Job, name: str, **others: Any) -> None:
        seen = seen_by(job.lake, job.run.run_id)
        done = Did(name)
        begun.append((done, {table: {one.snapshot_id for one in job.lake.table(table).snapshots()} for table in seen}))
        run_step(job, name, **others)
        begun.clear()
        done.writes |= {table for table, after in seen_by(job.lake, job.run.run_id).items() if after != seen[table]}
        did.append(done)

    patched.setattr(Tables, "snapshot", read)
    patched.setattr(jobs.steps.traced, "seen_by", look)
    patched.setattr(jobs.commands.run, "run_step", step)


@pytest.fixture(scope="module")
def late(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LateWorld]:
    folder = tmp_path_factory.mktemp("late")
    warehouse, whole, world, lineage = (folder / name for name in ("warehouse", "whole", "world", "lineage.ndjson"))
    did: list[Did] = []
    with pytest.MonkeyPatch.context() as patched:

        @contextlib.contextmanager
        def companion(_: object) -> Iterator[Here]:
            yield Here()

        patched.setattr(jobs.steps.companion, "companion", companion)
        for name in ("marts_profile", "marts_changes"):
            patched.setattr(jobs.steps.gates, name, lambda *_, **__: {})
        patched.setattr(jobs.steps.gates, "add_verdicts", lambda *_: None)
        patched.setattr(jobs.steps.marts, "keep_moves", lambda *_: None)
        patched.setattr(jobs.steps.marts, "fetch_file", lambda *_: ([], []))
        watched(did, patched)

        def run(place: Path, *arguments: str) -> str:
            steps = ("--input", str(world), "--steps", "ingest,estimates,marts")
            told = ("--set", f"lineage.file={lineage}") if place == warehouse else ()
            return here("--warehouse", str(place), "--set", "engine.workers=1", *told, "run", *steps, *arguments).stdout

        simulate(world, start="2026-03-02", days=3, scenario="default", scale=0.05)
        (hour,) = world.glob(f"raw/*/year=2026/month=3/day={LATE.day}/hour={HOUR}")
        shutil.move(hour, folder / "held")
        run(warehouse, *DAYS)
        before = data_files(warehouse)
        shutil.move(folder / "held", hour)
        told = run(warehouse, "--late")
        after = data_files(warehouse)
        told_again = run(warehouse, "--late")
        events = [json.loads(line) for line in lineage.read_text().splitlines()]
        whole.mkdir()
        shutil.copy(warehouse / "salt", whole)  # or users would have other hashes
        run(whole, *DAYS)
        yield LateWorld(warehouse, whole, told, told_again, (before, after), did[:6], events)


def test_the_day_is_run_once(late: LateWorld) -> None:
    assert f"Arrived late: 1 hour of {LATE} ({HOUR})." in late.told
    assert f"Published {LATE}." in late.told
    assert "No late hour has arrived." in late.told_again


def test_the_warehouse_is_that_of_a_world_which_had_the_hour(late: LateWorld) -> None:
    again, whole = lake_contents(late.warehouse), lake_contents(late.whole)
    assert {name for name in whole if again[name] != whole[name]} == set()
    assert len(again["lake.metric_values"]) > 1000
    assert again["lake.events"]


def test_rows_are_computed_again_whose_windows_hold_the_day_and_no_others(late: LateWorld) -> None:
    before, after = late.files
    for name in TABLES:  # facts of the day, and of a later one of which a copy is no duplicate any more
        changed = {day for day in {*before[name], *after[name]} if before[name].get(day) != after[name].get(day)}
        assert changed <= {LATE, AFTER}, name
    changed = {day for day, files in before["metric_values"].items() if after["metric_values"][day].isdisjoint(files)}
    assert changed == {LATE, AFTER}
    assert before["metric_values"][BEFORE] == after["metric_values"][BEFORE]
    assert {day for day, files in before["events"].items() if after["events"][day] != files} == {LATE}


# --- What the steps read and wrote


def test_steps_read_and_write_the_tables_that_are_declared(late: LateWorld) -> None:
    assert [done.step for done in late.did] == ["ingest", "estimates", "marts"] * 2
    for name in STEPS:
        declared, times = OF_STEPS[name], [done for done in late.did if done.step == name]
        assert set(declared.writes) == {table for done in times for table in done.writes} | (
            EMPTY if name == "ingest" else set()
        ), name
        read = {table for done in times for table in done.reads}
        assert set(declared.reads) == read | (RARE.get(name, set()) if times else set()), name


def test_the_lineage_tells_what_was_done(late: LateWorld) -> None:
    ends = [event for event in late.events if event["eventType"] != "START"]
    assert [event["eventType"] for event in late.events] == ["START", "COMPLETE"] * 6
    assert [event["job"]["name"] for event in ends] == [f"pdmetrics.{done.step}" for done in late.did]
    staged: set[str] = set()
    for event, done in zip(ends, late.did, strict=True):
        outputs = {
            one["facets"]["symlinks"]["identifiers"][0]["name"]: one for one in event["outputs"] if is_table(one)
        }
        written = {name.removeprefix(f"{contracts.NAMESPACE}.") for name, one in outputs.items() if one["outputFacets"]}
        assert written == done.writes
        staged = done.writes if done.step == "ingest" else staged | done.writes
        if done.step == "marts":
            assert {f"{contracts.NAMESPACE}.{table}" for table in staged | EMPTY} == outputs.keys()
            assert [Path(one["name"]).name for one in event["outputs"] if not is_table(one)] == [
                "personal_dashboard.duckdb"
            ]


def test_the_rows_of_the_lineage_are_those_that_lie_in_the_tables(late: LateWorld) -> None:
    event = next(event for event in late.events if event["eventType"] == "COMPLETE" and done_of(event) == "estimates")
    rows = {
        one["facets"]["symlinks"]["identifiers"][0]["name"]: one["outputFacets"]["outputStatistics"]["rowCount"]
        for one in event["outputs"]
    }
    tables = Tables(open_home({}, late.warehouse)[0])
    tables.ensure_tables()
    first = tables.table("metric_values").snapshots()
    published = int(event_version(event, "pd.metric_values"))
    assert published in {one.snapshot_id for one in first}
    scan = tables.table("metric_values").scan(snapshot_id=published)
    assert rows["pd.metric_values"] == scan.to_arrow().num_rows > 0


def is_table(one: dict[str, Any]) -> bool:
    return "symlinks" in one["facets"]


def done_of(event: dict[str, Any]) -> str:
    return str(event["job"]["name"]).removeprefix("pdmetrics.")


def event_version(event: dict[str, Any], table: str) -> str:
    (found,) = (
        one
        for one in event["outputs"]
        if is_table(one) and one["facets"]["symlinks"]["identifiers"][0]["name"] == table
    )
    return str(found["facets"]["version"]["datasetVersion"])
