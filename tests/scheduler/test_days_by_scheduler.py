"""Days through a real scheduler: a lost hour, a kill, a failed gate, two days at once, a backfill under approval, a
snapshot of mediawiki_history that appears.

    make scheduler-test

In order, each on the warehouse of the one before, as an operator lives through them; in the end the marts are those of
one plain `run` over the same days. A machine that takes more than a minute and a half to start Airflow needs
longer until the first day's deadline: PDMETRICS_TEST_DEADLINE, in seconds.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest

from tests.dags import snapshots
from tests.integration import worlds
from tests.scheduler.api import Api, backfill, say, trigger
from tests.scheduler.standalone import running

pytestmark = pytest.mark.scheduler
DAILY, BACKFILL = "personal_dashboard_daily", "personal_dashboard_backfill"
AUDIENCE = "personal_dashboard_audience"
DAYS = [f"2026-03-{day}" for day in range(16, 21)]  # from a Monday on
AFTER = "2026-03-21"
LATE_HOUR = "hour=13"
DEADLINE = float(os.environ.get("PDMETRICS_TEST_DEADLINE", "120"))
SHORT = "0.05"  # minutes


@dataclass
class Site:
    """A world of which an hour is not there yet, its warehouse, and the one of a plain run over the whole world."""

    folder: Path
    began: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __post_init__(self) -> None:
        self.world, self.warehouse, self.plain = self.folder / "world", self.folder / "warehouse", self.folder / "plain"
        worlds.simulate(self.world, start=DAYS[0], days=len(DAYS), scenario="unsampled", scale=0.05)
        shutil.copytree(self.world, self.folder / "whole")
        self.policy = (self.world / "sampling_policy.csv").read_text(encoding="utf-8")
        for hour in self.hours(self.world):
            shutil.rmtree(hour)

    @staticmethod
    def hours(world: Path) -> list[Path]:
        """The late hour, stream by stream."""
        return sorted(world.glob(f"raw/*/year=2026/month=*3/day={DAYS[0][-2:]}/{LATE_HOUR}"))

    @property
    def settings(self) -> dict[str, str]:
        """Of the DAGs: short waits, and a deadline of the first day soon after Airflow is up."""
        end_of_day = datetime.fromisoformat(f"{DAYS[1]}T00:00:00+00:00")
        wait = (self.began - end_of_day).total_seconds() + DEADLINE
        return {
            "PDMETRICS_INPUT": str(self.world),
            "PDMETRICS_WAREHOUSE": str(self.warehouse),
            "PDMETRICS_REPORT__BUILD": "false",
            "PDMETRICS_WAIT_HOURS": f"{wait / 3600:.6f}",
            "PDMETRICS_ASK_MINUTES": "0.1",
            "PDMETRICS_RETRY_MINUTES": SHORT,
            "AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": "False",  # the real yesterday is none of these days
            "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.5",
        }

    def hour_arrives(self) -> None:
        for hour in self.hours(self.folder / "whole"):
            shutil.copytree(hour, self.world / hour.relative_to(self.folder / "whole"))

    def published(self) -> set[str]:
        """The days of which there are numbers."""
        if not (self.warehouse / "personal_dashboard.duckdb").exists():
            return set()
        found = worlds.rows(self.warehouse, "select distinct as_of_date::varchar as day from fct_metric_values")
        return set(found["day"])

    def missing_hours(self, day: str) -> int:
        log = "select count(distinct hour) as n from fct_ingest_log where fate = 'missing_hour' and ingest_date = ?"
        return int(worlds.rows(self.warehouse, log, [day])["n"][0])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return Site(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def plain(site: Site) -> Iterator[subprocess.Popen[bytes]]:
    """One run over all days that nobody disturbs, while Airflow starts and the first day waits."""
    days = ["--start", DAYS[0], "--end", AFTER, "--input", str(site.folder / "whole")]
    command = ["--warehouse", str(site.plain), "run", *days, "--steps", "ingest,estimates,marts"]
    process = subprocess.Popen([sys.executable, "-m", "jobs", "-q", *command], env=worlds.ENVIRONMENT)
    yield process
    process.kill()


@pytest.fixture(scope="module")
def airflow(site: Site, plain: subprocess.Popen[bytes], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with running(tmp_path_factory.mktemp("airflow"), site.settings) as api:
        for dag in (DAILY, BACKFILL, AUDIENCE):
            api.patch(f"/dags/{dag}", {"is_paused": False})
        yield api


def is_in(task: str, *states: str) -> Any:
    return lambda tasks: (tasks.get(task) or {}).get("state") in states


def commands_of(warehouse: Path, day: str) -> list[psutil.Process]:
    """The processes that run a day in a warehouse, workers apart."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        line = " ".join(process.info["cmdline"] or [])
        if f"--warehouse {warehouse} " in line and f" run --date {day} " in line:
            found.append(process)
    return found


def test_a_day_waits_for_its_hours_until_the_deadline_and_then_runs(site, airflow):
    run = trigger(airflow, DAILY, DAYS[0])
    run.wait("the sensor has asked and waits", is_in("hours", "up_for_reschedule"), DEADLINE)
    run.wait("the deadline has passed and the day runs", is_in("day", "running", "success"), DEADLINE + 60)
    assert datetime.now(UTC).timestamp() >= site.began.timestamp() + DEADLINE
    run.wait_for()
    assert "not all hours of 2026-03-16 are there" in run.log("hours")
    assert site.published() == {DAYS[0]}
    assert site.missing_hours(DAYS[0]) == 1


def test_a_killed_task_is_tried_again(site, airflow):
    run = trigger(airflow, DAILY, DAYS[1])
    run.wait("it computes windows", lambda _: "computing windows" in run.log("day"))
    for process in commands_of(site.warehouse, DAYS[1]):
        say(f"{run.name}: kill -9 {process.pid}")
        process.send_signal(signal.SIGKILL)
    run.wait_for()
    assert "up_for_retry" in run.seen["day"]
    assert run.tasks()["day"]["try_number"] > 1
    assert site.published() == set(DAYS[:2])


def test_a_gate_stops_publishing_until_the_cause_is_mended_and_the_day_cleared(site, airflow):
    before = worlds.contents(site.warehouse)
    wrong = re.sub(r",1\.0,", ",0.1,", site.policy)
    assert wrong != site.policy
    (site.world / "sampling_policy.csv").write_text(wrong, encoding="utf-8")
    run = trigger(airflow, DAILY, DAYS[2])
    run.wait_for("failed")
    tasks = run.tasks()
    assert tasks["day"]["state"] == "failed"
    assert tasks["day"]["try_number"] == 1, "a gate fails again, so nobody tries again"
    assert tasks["report"]["state"] == "upstream_failed"
    assert "exit code 1" in run.log("day")
    assert worlds.contents(site.warehouse) == before
    (site.world / "sampling_policy.csv").write_text(site.policy, encoding="utf-8")
    run.clear("day")
    run.wait_for()
    assert site.published() == set(DAYS[:3])


def test_two_days_at_once_are_both_published_and_the_late_hour_is_taken_in(site, airflow):
    site.hour_arrives()
    runs = backfill(airflow, DAILY, DAYS[3:])
    for run in runs:
        run.wait_for()
    assert site.published() == set(DAYS)
    assert site.missing_hours(DAYS[0]) == 0
    assert any("2026-03-16" in run.log("late") for run in runs)


def test_a_backfill_is_published_after_a_person_has_approved_its_difference(site, airflow):
    run = trigger(airflow, BACKFILL, conf={"start": DAYS[1], "end": DAYS[2], "reason": "a day looked at again"})
    run.wait("a person is asked", is_in("approve", "awaiting_input", "deferred"))
    asked = airflow.get(f"{run.path}/taskInstances/approve/-1/hitlDetails")
    assert "a day looked at again" in asked["body"]
    before = worlds.contents(site.warehouse)
    assert run.tasks()["backfill"]["state"] is None
    run.approve("approve")
    run.wait_for()
    assert worlds.contents(site.warehouse).keys() == before.keys()
    assert site.published() == set(DAYS)


def test_the_marts_are_those_of_a_plain_run(site, plain):
    assert plain.wait(timeout=600) == 0
    ours, expected = worlds.contents(site.warehouse), worlds.contents(site.plain)
    # What gates said stays as it was said: of hours that were missing then, of rows that were published before.
    said, _ = ours.pop("fct_data_quality"), expected.pop("fct_data_quality")
    assert not [row for row in said if {"critical", "false"} <= set(row)]
    assert len(expected["fct_metric_values"]) > 3000
    for name, rows in expected.items():
        many, few = sorted(ours[name] - rows), sorted(rows - ours[name])
        assert not many + few, f"{name}: {len(many)} too many, {len(few)} missing: {many[:2]} {few[:2]}"
    assert ours.keys() == expected.keys()


def test_editors_are_counted_when_a_snapshot_appears(site, airflow):
    before, wikis = site.published(), pd.read_csv(site.world / "wikis.csv")["wiki_db"]
    run = trigger(airflow, AUDIENCE, "2026-02-01")
    run.wait("the sensor has looked and waits", is_in("snapshot", "up_for_reschedule"))
    assert site.published() == before
    snapshots.appear(site.world, "2026-02", *wikis, day="2026-02-28")
    run.wait_for()
    counted = worlds.rows(
        site.warehouse,
        "select wiki_db, estimate from fct_metric_values where metric = 'eligible_editors' and window_days = 14"
        " and as_of_date = '2026-02-28' and edit_count_bucket = '100-500'",
    )
    assert dict(counted.itertuples(index=False)) == dict.fromkeys(wikis, snapshots.EDITORS)
    assert site.published() == before | {"2026-02-28"}
