"""What every DAG must have, and how the daily one is wired."""

from __future__ import annotations

import os
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from jobs.warehouse.manifest import STEPS

pytestmark = pytest.mark.airflow

DAGS = Path(__file__).resolve().parents[2] / "dags"
FILES = sorted(path.stem for path in DAGS.glob("*.py"))


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """All DAGs of the folder, loaded without a database."""
    home = tmp_path_factory.mktemp("airflow")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_HOME", str(home))
        patch.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
        for name in [name for name in os.environ if name.startswith("PDMETRICS_")]:
            patch.delenv(name)
        from airflow.dag_processing.dagbag import DagBag

        return DagBag(dag_folder=str(DAGS))


def dag_of(bag: Any, dag_id: str) -> Any:
    return bag.dags[dag_id]


def test_every_file_loads_and_is_named_after_its_dag(bag: Any) -> None:
    assert bag.import_errors == {}
    assert sorted(bag.dags) == FILES


@pytest.mark.parametrize("dag_id", FILES)
def test_a_dag_says_when_who_and_what_to_do(bag: Any, dag_id: str) -> None:
    dag = dag_of(bag, dag_id)
    assert dag.timetable.__class__.__name__ == "CronDataIntervalTimetable"
    assert dag.catchup is False
    assert [tag for tag in dag.tags if re.fullmatch(r"tier/[123]", tag)]
    assert [tag for tag in dag.tags if tag.startswith("triage/")]
    assert "Triage notes" in dag.doc_md
    assert dag.dagrun_timeout > timedelta(0)
    assert f"`{dag_id}`" in (DAGS / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("dag_id", FILES)
def test_a_task_is_owned_retried_and_bounded(bag: Any, dag_id: str) -> None:
    for task in dag_of(bag, dag_id).tasks:
        assert task.owner == "moderator-tools"
        assert task.retries == 2
        assert task.retry_exponential_backoff
        assert task.retry_delay >= timedelta(minutes=1)
        assert task.max_retry_delay > task.retry_delay
        assert timedelta(0) < task.execution_timeout <= dag_of(bag, dag_id).dagrun_timeout


def test_the_daily_dag_runs_the_steps_in_order_one_day_at_a_time(bag: Any) -> None:
    dag = dag_of(bag, "personal_dashboard_daily")
    assert dag.max_active_runs == 1
    assert tuple(task.task_id for task in dag.topological_sort()) == ("ingest", "estimates", "marts", "report")
    after = [sorted(task.downstream_task_ids) for task in dag.topological_sort()]
    assert after == [["estimates"], ["marts"], ["report"], []]


def test_the_daily_dag_s_steps_are_those_of_the_command_line(bag: Any) -> None:
    dag = dag_of(bag, "personal_dashboard_daily")
    assert {task.task_id for task in dag.tasks} == set(STEPS)


def test_each_task_asks_for_the_day_that_ended_and_its_own_step(bag: Any) -> None:
    for task in dag_of(bag, "personal_dashboard_daily").tasks:
        assert "run --date {{ ds }} " in task.bash_command
        assert task.bash_command.endswith(f"--steps {task.task_id}")
        assert "data_interval" not in task.bash_command


def test_the_daily_timetable_s_day_is_the_one_that_ended(bag: Any) -> None:
    import pendulum

    timetable = dag_of(bag, "personal_dashboard_daily").timetable
    interval = timetable.infer_manual_data_interval(run_after=pendulum.datetime(2026, 3, 24, 4, 5, tz="UTC"))
    assert interval.start == pendulum.datetime(2026, 3, 23, 4, tz="UTC")
    assert interval.end == pendulum.datetime(2026, 3, 24, 4, tz="UTC")


def test_only_the_publishing_task_has_an_outlet(bag: Any) -> None:
    outlets = {
        task.task_id: [outlet.name for outlet in task.outlets] for task in dag_of(bag, "personal_dashboard_daily").tasks
    }
    assert outlets == {"ingest": [], "estimates": [], "marts": ["personal_dashboard_marts"], "report": []}


def test_no_exit_code_of_ours_skips_a_task(bag: Any) -> None:
    for task in dag_of(bag, "personal_dashboard_daily").tasks:
        assert not set(range(256)) & set(task.skip_on_exit_code)
