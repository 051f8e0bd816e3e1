"""How tasks end: what is tried again, what a sensor waits for, what is said. The operators are Airflow's own."""

from __future__ import annotations

import asyncio
import importlib
import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.dags import bags

pytestmark = pytest.mark.airflow


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_HOME", str(tmp_path_factory.mktemp("airflow")))
        # It sets up logging, which must not happen while a test listens.
        importlib.import_module("airflow.providers.standard.operators.bash")
        yield


def context() -> dict[str, Any]:
    """What operators read of Airflow's context where they run."""
    instance = SimpleNamespace(dag_id=bags.DAILY, task_id="day", try_number=1)
    return {"task_instance": instance, "ti": instance, "ds": "2026-03-23", "params": {}, "dag_run": None}


def failure_of(command: str) -> BaseException:
    """Return what Airflow's operator raises when a command ends so."""
    from airflow.providers.standard.operators.bash import BashOperator

    with pytest.raises(Exception) as caught:  # noqa: PT011 - whatever it is
        BashOperator(task_id="day", bash_command=command, skip_on_exit_code=[]).execute(context())
    return caught.value


@pytest.mark.parametrize(
    ("command", "on_tries"),
    [
        ("exit 1", []),
        ("exit 2", []),
        ("exit 3", []),
        ("exit 70", [3]),
        ("exit 75", [3, 4]),
        ("no-such-command", []),
        ("kill -9 $$", [3, 4]),
        ("kill -15 $$", [3, 4]),
        ("kill -11 $$", [3]),
    ],
)
def test_a_task_is_tried_again_where_that_may_help(command: str, on_tries: list[int]) -> None:
    from airflow.sdk.definitions.retry_policy import RetryAction

    from jobs.scheduling.retries import RetryWhereItHelps

    failure = failure_of(command)
    # Tries 3 to 5: the task was cleared after two.
    decisions = {n: RetryWhereItHelps(2).evaluate(failure, n, max_tries=4) for n in (3, 4)}
    assert [n for n, decision in decisions.items() if decision.action == RetryAction.RETRY] == on_tries
    assert {d.action for n, d in decisions.items() if n not in on_tries} <= {RetryAction.FAIL}
    assert all("exit code" in str(decision.reason) for decision in decisions.values())


def test_a_timeout_is_not_tried_again_and_airflow_s_own_trouble_as_usual() -> None:
    from airflow.sdk.definitions.retry_policy import RetryAction
    from airflow.sdk.exceptions import AirflowTaskTimeout

    from jobs.scheduling.causes import ALARMS, cause
    from jobs.scheduling.retries import RetryWhereItHelps

    policy = RetryWhereItHelps(2)
    assert policy.evaluate(AirflowTaskTimeout(), 1, 2).action == RetryAction.FAIL
    assert cause({"exception": AirflowTaskTimeout()}) == ALARMS["task/timeout"]
    assert policy.evaluate(ConnectionError("the API server"), 1, 2).action == RetryAction.DEFAULT


def test_spark_submit_s_exit_code_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from jobs.scheduling.causes import cause

    (tmp_path / "spark-submit").write_text("#!/bin/sh\nexit 75\n")
    (tmp_path / "spark-submit").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("AIRFLOW_CONN_SPARK_DEFAULT", bags.SPARK)
    bag = bags.load(PDMETRICS_RUNNER="spark-submit", **bags.PLACES)
    task = bags.rendered(bag.dags[bags.DAILY].get_task("day"))
    with pytest.raises(Exception, match="Error code is: 75") as caught:
        task.execute(context())
    assert "another command held the warehouse" in cause({"exception": caught.value})


def sensor(command: str, *, day: str, hours: float) -> Any:
    from airflow.sdk import DAG

    from jobs.scheduling.sensors import HoursSensor

    with DAG(dag_id=bags.DAILY, schedule=None):
        return HoursSensor(task_id="hours", bash_command=command, day=day, wait=timedelta(hours=hours))


def today() -> str:
    return datetime.now(UTC).date().isoformat()


def test_the_sensor_goes_on_where_every_hour_is_there(caplog: pytest.LogCaptureFixture) -> None:
    assert sensor("exit 0", day=today(), hours=12).poke(context())
    assert not [record for record in caplog.records if record.name == "pdmetrics.dags"]


@pytest.mark.parametrize("code", [3, 75])
def test_the_sensor_waits_for_missing_hours_and_for_who_writes(code: int) -> None:
    assert sensor(f"exit {code}", day=today(), hours=12).poke(context()) is False


@pytest.mark.parametrize("code", [1, 2, 70, 127])
def test_the_sensor_fails_with_the_true_cause_and_does_not_wait(code: int) -> None:
    from jobs.scheduling.causes import cause, meaning

    with pytest.raises(Exception, match=f"exit code {code}") as caught:
        sensor(f"exit {code}", day=today(), hours=12).poke(context())
    assert cause({"exception": caught.value}) == f"{meaning(code)} (exit code {code})"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (3, "not all hours of 2026-03-23 are there 12 hours after its end; it runs with"),
        (
            75,
            "12 hours after the end of 2026-03-23 it could not be asked whether its hours are there",
        ),
    ],
)
def test_past_the_deadline_the_day_runs_and_an_alarm_says_so(
    code: int, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert sensor(f"exit {code}", day="2026-03-23", hours=12).poke(context()) is True
    (alarm,) = [record for record in caplog.records if record.name == "pdmetrics.dags"]
    assert alarm.levelname == "ERROR"
    assert alarm.getMessage().startswith(f"personal_dashboard_daily: {words}")


def test_the_deadline_counts_from_the_end_of_the_day() -> None:
    from jobs.scheduling.sensors import deadline

    assert deadline("2026-03-23", timedelta(hours=12)) == datetime(2026, 3, 24, 12, tzinfo=UTC)


def dump(place: Path, wiki: str, bucket: str, *, minutes: int = 90, content: bytes = b"BZh") -> None:
    """Put a file of a wiki into the snapshot of March, as old as is said."""
    file = place / "history" / "2026-03" / wiki / f"2026-03.{wiki}.{bucket}.tsv.bz2"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    stamp = datetime.now(UTC).timestamp() - 60 * minutes
    os.utime(file, (stamp, stamp))


def test_a_snapshot_is_whole_when_each_wiki_has_its_newest_file_and_none_is_fresh(tmp_path: Path) -> None:
    from jobs.scheduling.sensors import what_is_missing

    def missing() -> str:
        return what_is_missing(tmp_path, "2026-03", datetime.now(UTC))

    assert missing().startswith("no wiki in ")
    dump(tmp_path, "enwiki", "2026-02")
    assert re.match("no file of enwiki in .* that holds the month: 2026-03.enwiki.2026-03.tsv.bz2, ", missing())
    dump(tmp_path, "enwiki", "2026-03", content=b"")
    assert missing().startswith("no file of enwiki in ")
    dump(tmp_path, "enwiki", "2026-03")
    assert missing() == ""  # without `wikis.csv` the wikis are those that have a folder
    dump(tmp_path, "dewiki", "2025")
    assert missing().startswith("no file of dewiki in ")
    dump(tmp_path, "dewiki", "2026", minutes=30)
    assert "the files of dewiki" in missing()
    assert "younger than an hour" in missing()
    dump(tmp_path, "dewiki", "2026", minutes=61)
    assert missing() == ""


def test_a_wiki_of_the_list_is_waited_for_though_it_has_no_folder_yet(tmp_path: Path) -> None:
    from jobs.scheduling.sensors import what_is_missing

    dump(tmp_path, "enwiki", "2026-03")
    (tmp_path / "wikis.csv").write_text("\ufeffwiki_db,domain\nnlwiki,nl\n")
    assert what_is_missing(tmp_path, "2026-03", datetime.now(UTC)).startswith("no file of nlwiki in ")
    dump(tmp_path, "nlwiki", "all-time")
    assert what_is_missing(tmp_path, "2026-03", datetime.now(UTC)) == ""


def test_the_snapshot_sensor_opens_the_input_by_path_or_address(tmp_path: Path) -> None:
    from jobs.scheduling.sensors import SnapshotSensor

    waiting = SnapshotSensor(task_id="snapshot", input_dir=str(tmp_path), snapshot="2026-03")
    assert waiting.poke({}) is False
    dump(tmp_path, "nlwiki", "all-time")
    assert SnapshotSensor(task_id="snapshot", input_dir=f"file://{tmp_path}", snapshot="2026-03").poke({}) is True


def test_what_a_dry_run_prints_is_passed_on_and_its_exit_code_kept() -> None:
    from jobs.scheduling.telling import TellingBashOperator, ending

    def run(command: str) -> str:
        return TellingBashOperator(task_id="dry_run", bash_command=command, skip_on_exit_code=[]).execute(context())

    assert run("echo one; echo two; echo a log >&2") == "one\ntwo"
    with pytest.raises(Exception, match="exit code 75"):
        run("echo one; exit 75")
    assert ending("12345\n123\n45\n", most=9) == "…\n123\n45"


@pytest.mark.parametrize(("command", "events"), [("echo Published 2026-03-16.", 1), ("echo No late hour.", 0)])
def test_late_days_give_an_event_of_the_marts_only_where_they_were_published(command: str, events: int) -> None:
    from airflow.sdk.execution_time.context import OutletEventAccessors

    from jobs.scheduling.assets import MARTS, MARTS_IF_LATE
    from jobs.scheduling.telling import LateBashOperator

    accessors = OutletEventAccessors()
    task = LateBashOperator(task_id="late", bash_command=f"echo more; {command}", skip_on_exit_code=[])
    task.execute(context() | {"outlet_events": accessors})
    given = [event.dest_asset_key.uri for event in accessors[MARTS_IF_LATE].asset_alias_events]
    assert given == [MARTS.uri] * events


def test_a_run_that_publishes_says_so_as_the_event_needs_it() -> None:
    from jobs.commands import run
    from jobs.scheduling.telling import PUBLISHED

    assert f'return f"{PUBLISHED}' in Path(run.__file__).read_text(encoding="utf-8")


def said(notifier: Any, context: dict[str, Any], caplog: pytest.LogCaptureFixture) -> list[str]:
    caplog.clear()
    notifier(context)
    return [record.getMessage() for record in caplog.records if record.name == "pdmetrics.dags"]


def test_a_failure_is_one_line_with_task_day_and_cause(caplog: pytest.LogCaptureFixture) -> None:
    from jobs.scheduling.notifier import FailureNotifier, RunTimeoutNotifier

    failed = context() | {"exception": failure_of("exit 1")}
    sentence = "a quality gate failed and nothing was published; the log names the checks (exit code 1)"
    assert said(FailureNotifier(), failed, caplog) == [
        f"personal_dashboard_daily.day failed for 2026-03-23: {sentence}"
    ]
    lost = context() | {"params": {"date": "2026-02-01"}}
    (line,) = said(FailureNotifier(), lost, caplog)
    assert line.startswith("personal_dashboard_daily.day failed for 2026-02-01: its process was lost")
    for params, about in (
        ({"start": "2026-03-01", "end": "2026-03-08", "reason": "late"}, "2026-03-01 to 2026-03-08 (exclusive)"),
        ({"snapshot": "2026-02"}, "2026-02"),
        ({"snapshot": None}, "2026-03-23"),
    ):
        (line,) = said(FailureNotifier(), context() | {"params": params}, caplog)
        assert f".day failed for {about}: " in line
    whole = {"dag": SimpleNamespace(dag_id=bags.DAILY), "reason": "timed_out"}
    (line,) = said(RunTimeoutNotifier(), whole, caplog)
    assert line.startswith("personal_dashboard_daily failed for a run without a date: the run took longer")
    assert said(RunTimeoutNotifier(), whole | {"reason": "task_failure"}, caplog) == []


def test_a_late_run_is_told_in_the_triggerer(caplog: pytest.LogCaptureFixture) -> None:
    from jobs.scheduling.notifier import LateNotifier

    async def as_the_triggerer_does(queued_at: str) -> None:
        run = {"dag_run_id": f"of {queued_at[:10]}", "queued_at": queued_at}
        due = {"deadline_time": datetime(2026, 3, 24, 20, tzinfo=UTC)}
        await LateNotifier(dag_id=bags.DAILY, hours=16.0, context={"dag_run": run, "deadline": due})

    for queued_at in ("2026-03-24T04:00:00Z", "2026-05-02T04:00:00Z"):  # the second is a day of the past
        asyncio.run(as_the_triggerer_does(queued_at))
    assert [record.getMessage() for record in caplog.records if record.name == "pdmetrics.dags"] == [
        "personal_dashboard_daily: of 2026-03-24 is not done 16 hours after it was due; see which task waits"
    ]
