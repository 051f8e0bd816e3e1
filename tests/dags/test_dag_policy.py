"""What every DAG must have, and how each is wired."""

from __future__ import annotations

import re
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from jobs.scheduling import causes, commands
from tests.dags import bags

pytestmark = pytest.mark.airflow

AUDIENCE = "personal_dashboard_audience"
WRITING = {
    "personal_dashboard_daily": {"day", "report", "late"},
    "personal_dashboard_backfill": {"dry_run", "backfill"},
    "personal_dashboard_purge": {"purge"},
    "personal_dashboard_maintain": {"maintain"},
    "personal_dashboard_audience": {"audience"},
}
PUBLISHING = {
    ("personal_dashboard_daily", "day"): ["personal_dashboard_marts"],
    ("personal_dashboard_daily", "late"): ["personal_dashboard_marts_if_late"],
    ("personal_dashboard_backfill", "backfill"): ["personal_dashboard_marts"],
    ("personal_dashboard_audience", "audience"): ["personal_dashboard_marts"],
}
PERIODS = {
    "personal_dashboard_daily": timedelta(days=1),
    "personal_dashboard_backfill": timedelta(0),
    "personal_dashboard_purge": timedelta(days=1),
    "personal_dashboard_maintain": timedelta(weeks=1),
    "personal_dashboard_audience": timedelta(days=31),
}


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_HOME", str(tmp_path_factory.mktemp("airflow")))
        return bags.load(PDMETRICS_POOL="personal_dashboard")


def tasks(bag: Any) -> list[Any]:
    return [task for dag_id in bags.IDS for task in bag.dags[dag_id].tasks]


def order(dag: Any) -> list[tuple[str, list[str]]]:
    return [(task.task_id, sorted(task.downstream_task_ids)) for task in dag.topological_sort()]


def test_every_file_loads_and_is_named_after_its_dag(bag: Any) -> None:
    assert bag.import_errors == {}
    assert sorted(bag.dags) == bags.IDS == sorted(WRITING)


def test_the_scheduler_takes_every_dag_as_it_is(bag: Any) -> None:
    from airflow.serialization.serialized_objects import DagSerialization

    for dag in bag.dags.values():
        there = DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag))
        assert sorted(there.task_ids) == sorted(dag.task_ids)
        assert all(task.has_retry_policy and task.has_on_failure_callback for task in there.tasks)


@pytest.mark.parametrize("dag_id", bags.IDS)
def test_a_dag_says_when_who_and_what_to_do(bag: Any, dag_id: str) -> None:
    dag = bag.dags[dag_id]
    by_hand = dag_id == "personal_dashboard_backfill"
    assert dag.timetable.__class__.__name__ == ("NullTimetable" if by_hand else "CronDataIntervalTimetable")
    if not by_hand:
        assert dag.timetable.serialize()["timezone"] == "UTC"
    assert dag.catchup is False
    assert dag.start_date.date().isoformat() == ("2001-01-01" if dag_id == AUDIENCE else "2026-02-10")
    assert dag.max_active_runs == 1
    assert len([tag for tag in dag.tags if re.fullmatch(r"tier/[123]", tag)]) == 1
    assert "triage/moderator-tools" in dag.tags
    assert "## Triage notes" in dag.doc_md
    assert "*Paging*" in dag.doc_md
    assert "*Owner*: moderator-tools" in dag.doc_md
    assert all(f"- **{code}**: " in dag.doc_md for code in causes.EXIT_CODES)
    assert dag.on_failure_callback
    readme = (bags.DAGS / "README.md").read_text(encoding="utf-8")
    tier = next(tag.removeprefix("tier/") for tag in dag.tags if tag.startswith("tier/"))
    assert re.search(rf"^\| \[`{dag_id}`\]\({dag_id}\.py\) \| .+ \| {tier} \| ", readme, re.MULTILINE)


@pytest.mark.parametrize("dag_id", bags.IDS)
def test_a_dag_that_is_late_says_so_before_it_is_given_up(bag: Any, dag_id: str) -> None:
    dag = bag.dags[dag_id]
    (deadline,) = dag.deadline
    # With DagRunQueuedAtDeadline Airflow 3.3 answers a clear with an error.
    assert deadline.reference.reference_name == "DagRunLogicalDateDeadline"
    late = timedelta(hours=deadline.callback.kwargs["hours"])
    assert timedelta(0) < late < dag.dagrun_timeout
    assert deadline.interval - late == PERIODS[dag_id]
    assert deadline.callback.path == "jobs.scheduling.notifier.LateNotifier"
    assert deadline.callback.kwargs["dag_id"] == dag_id


def test_the_time_for_a_task_is_a_variable_and_the_rest_follows() -> None:
    daily = bags.load(PDMETRICS_TASK_HOURS="30").dags[bags.DAILY]
    assert daily.get_task("late").execution_timeout == 4 * daily.get_task("day").execution_timeout
    for task in tasks(bags.load(PDMETRICS_TASK_HOURS="30")):
        if task.task_id in WRITING[task.dag.dag_id]:
            assert timedelta(hours=30) <= task.execution_timeout < task.dag.dagrun_timeout
            assert timedelta(hours=task.dag.deadline[0].callback.kwargs["hours"]) < task.dag.dagrun_timeout


def test_no_deadline_where_it_is_switched_off() -> None:
    assert {dag.deadline for dag in bags.load(PDMETRICS_LATE_HOURS="0").dags.values()} == {None}


def test_a_task_is_owned_retried_where_it_helps_bounded_and_told_of(bag: Any) -> None:
    from jobs.scheduling.notifier import FailureNotifier
    from jobs.scheduling.retries import RetryWhereItHelps

    for task in tasks(bag):
        assert task.owner == "moderator-tools"
        assert task.retries == 2
        assert task.retry_policy == RetryWhereItHelps(2)
        assert task.retry_exponential_backoff
        assert timedelta(minutes=1) <= task.retry_delay < task.max_retry_delay
        bound = task.response_timeout if task.task_id == "approve" else task.execution_timeout
        assert timedelta(0) < bound < task.dag.dagrun_timeout
        assert [type(callback) for callback in task.on_failure_callback] == [FailureNotifier]


def test_what_writes_shares_a_pool_and_waits_for_the_lock_within_its_time(bag: Any) -> None:
    for task in tasks(bag):
        writes = task.task_id in WRITING[task.dag.dag_id]
        assert task.pool == ("personal_dashboard" if writes else "default_pool")
        assert task.pool_slots == 1
        if writes:
            wait = float(re.search(r"--set run\.lock_wait_seconds=(\d+) ", task.bash_command)[1])
            assert timedelta(minutes=5) < timedelta(seconds=wait) < task.execution_timeout / 2


def test_only_what_publishes_has_an_outlet(bag: Any) -> None:
    outlets = {(task.dag.dag_id, task.task_id): [outlet.name for outlet in task.outlets] for task in tasks(bag)}
    assert {key: names for key, names in outlets.items() if names} == PUBLISHING


def test_no_exit_code_of_ours_skips_a_task(bag: Any) -> None:
    skipping = [
        task.skip_on_exit_code for task in tasks(bag) if hasattr(task, "bash_command") and task.task_id != "hours"
    ]
    assert skipping == [[]] * sum(map(len, WRITING.values()))


def test_who_waits_holds_no_slot(bag: Any) -> None:
    waiting = [task for task in tasks(bag) if getattr(task, "_is_sensor", False)]
    assert sorted(task.task_id for task in waiting) == ["hours", "snapshot"]
    for task in waiting:
        assert task.mode == "reschedule"
        assert not task.soft_fail
        assert task.poke_interval >= 60


def test_the_daily_dag_waits_publishes_in_one_task_reports_and_looks_back(bag: Any) -> None:
    daily = bag.dags[bags.DAILY]
    assert order(daily) == [("hours", ["day"]), ("day", ["late", "report"]), ("report", []), ("late", [])]
    assert {task.trigger_rule for task in daily.tasks} == {"all_success"}


def test_what_has_begun_goes_before_what_has_not_and_the_report_before_late_days(bag: Any) -> None:
    from airflow.serialization.serialized_objects import DagSerialization

    daily = DagSerialization.deserialize_dag(DagSerialization.serialize_dag(bag.dags[bags.DAILY]))
    rank = {task.task_id: task.weight_rule.get_weight(SimpleNamespace(task=task)) for task in daily.tasks}
    assert rank["report"] > rank["late"] > rank["day"] > rank["hours"]


@pytest.mark.parametrize("hours", ["0", "12", "96"])
def test_hours_are_waited_for_until_their_deadline_whatever_it_is(hours: str) -> None:
    sensor = bags.load(PDMETRICS_WAIT_HOURS=hours).dags[bags.DAILY].get_task("hours")
    assert timedelta(seconds=sensor.timeout) > sensor.wait + timedelta(days=1) > timedelta(hours=float(hours))
    assert sensor.dag.dagrun_timeout > sensor.wait


def test_the_daily_timetable_s_day_is_the_one_that_ended(bag: Any) -> None:
    import pendulum

    timetable = bag.dags[bags.DAILY].timetable
    interval = timetable.infer_manual_data_interval(run_after=pendulum.datetime(2026, 3, 24, 4, 5, tz="UTC"))
    assert interval.start == pendulum.datetime(2026, 3, 23, 4, tz="UTC")
    assert interval.end == pendulum.datetime(2026, 3, 24, 4, tz="UTC")


def test_by_a_variable_the_day_is_a_group_with_a_task_for_each_step() -> None:
    daily = bags.load(PDMETRICS_TASKS="steps").dags[bags.DAILY]
    assert order(daily) == [
        ("hours", ["day.ingest"]), ("day.ingest", ["day.estimates"]), ("day.estimates", ["day.marts"]),
        ("day.marts", ["late", "report"]), ("report", []), ("late", []),
    ]  # fmt: skip
    steps = [daily.get_task(f"day.{step}") for step in commands.STEPS]
    assert [task.bash_command.rpartition(" ")[2] for task in steps] == list(commands.STEPS)
    assert [len(task.outlets) for task in steps] == [0, 0, 1]


def test_a_backfill_is_published_only_when_a_person_says_so(bag: Any) -> None:
    dag = bag.dags["personal_dashboard_backfill"]
    assert order(dag) == [("dry_run", ["approve"]), ("approve", ["backfill"]), ("backfill", [])]
    dry_run, approve, backfill = dag.topological_sort()
    assert dry_run.bash_command.endswith(" --dry-run")
    assert "--dry-run" not in backfill.bash_command
    assert approve.defaults == ["Reject"]  # no answer is no approval
    assert not approve.fail_on_reject
    shown = bags.rendered(approve)
    assert shown.subject == "Publish the backfill of 2026-03-01 to 2026-03-08 (exclusive)?"
    assert shown.body == "Reason: a policy; $(mended)\n\n```\n2 rows\n```"
    assert set(dag.params) == {"start", "end", "reason"}


def test_the_audience_waits_for_a_snapshot_and_publishes(bag: Any) -> None:
    assert order(bag.dags["personal_dashboard_audience"]) == [("snapshot", ["audience"]), ("audience", [])]


def test_a_dag_arrives_as_airflow_is_set_and_none_otherwise(bag: Any) -> None:
    assert {bag.dags[dag_id].is_paused_upon_creation for dag_id in bags.IDS} == {None}
