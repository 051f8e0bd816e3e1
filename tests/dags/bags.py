"""The DAGs as Airflow loads them, for a given environment, and what their tasks run.

`python -m tests.dags.bags` writes the file of commands that `test_dag_commands.py` compares.
"""

from __future__ import annotations

import os
import shlex
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

DAGS = Path(__file__).resolve().parents[2] / "dags"
COMMANDS = Path(__file__).with_name("commands.txt")
DAILY = "personal_dashboard_daily"
IDS = sorted(path.stem for path in DAGS.glob("*.py"))
PLACES = {"PDMETRICS_WAREHOUSE": "/srv/warehouse", "PDMETRICS_INPUT": "/srv/input"}
PARAMS: dict[str, dict[str, Any]] = {
    "personal_dashboard_daily": {"date": None},
    "personal_dashboard_backfill": {"start": "2026-03-01", "end": "2026-03-08", "reason": "a policy; $(mended)"},
    "personal_dashboard_audience": {"snapshot": None, "as_of": None},
}
SPARK = "spark://spark-master:7077?deploy-mode=client"


def load(**environment: str) -> Any:
    """Return Airflow's bag of our DAGs, loaded without a database by what the environment says of us."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
        for name in [name for name in os.environ if name.startswith("PDMETRICS_")]:
            patch.delenv(name)
        for name, value in environment.items():
            patch.setenv(name, value)
        from airflow.dag_processing.dagbag import DagBag

        return DagBag(dag_folder=str(DAGS))


def context_of(task: Any, day: str | None = "2026-03-23", **params: Any) -> dict[str, Any]:
    """Return of Airflow's context what our templates read; `macros` and `task_instance` may be among what is given."""
    others = {name: params.pop(name) for name in ("macros", "task_instance") if name in params}
    context = {
        "params": PARAMS.get(task.dag.dag_id, {}) | params,
        "ti": SimpleNamespace(xcom_pull=lambda **_: "2 rows"),
    }
    return context | others | ({"ds": day} if day else {})


def rendered(task: Any, day: str | None = "2026-03-23", **params: Any) -> Any:
    """Fill in a task's templates as where it runs, on a copy."""
    copy = task.prepare_for_execution()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PDMETRICS_INPUT", PLACES["PDMETRICS_INPUT"])
        copy.render_template_fields(context_of(task, day, **params))
    return copy


def spark_argv(task: Any) -> list[str]:
    """Return the command that Airflow's hook starts for a task that spark-submit runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_CONN_SPARK_DEFAULT", SPARK)
        argv: list[str] = task._get_hook()._build_spark_submit_command(task.application)
    return argv


def described(bag: Any, ids: Sequence[str]) -> list[str]:
    """Return a line for each task of these DAGs and one for what it runs."""
    lines = []
    for dag_id in ids:
        for task in bag.dags[dag_id].topological_sort():
            if type(task).__name__ in ("ApprovalOperator", "SnapshotSensor"):
                continue
            filled = rendered(task)
            argv = spark_argv(filled) if type(task).__name__ == "SparkSubmitOperator" else None
            command = shlex.join(argv) if argv else filled.bash_command
            lines += [f"{dag_id}.{task.task_id}", f"    {command.replace(str(DAGS.parent), '/opt/pdmetrics')}"]
    return lines


def everything() -> str:
    """Return the commands of all tasks, for each way to run them."""
    parts = ["What the tasks run, on 2026-03-24 for the day before. Made by: python -m tests.dags.bags", ""]
    for runner, tasks, ids in (("bash", "day", IDS), ("bash", "steps", [DAILY]), ("spark-submit", "day", IDS)):
        bag = load(PDMETRICS_RUNNER=runner, PDMETRICS_TASKS=tasks, **PLACES)
        parts += [f"# PDMETRICS_RUNNER={runner} PDMETRICS_TASKS={tasks}", "", *described(bag, ids), ""]
    return "\n".join(parts)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as home:
        os.environ["AIRFLOW_HOME"] = home
        COMMANDS.write_text(everything(), encoding="utf-8")
