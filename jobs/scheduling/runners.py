"""Who runs a command: bash on the worker, or spark-submit with the connection `spark_default`."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import TaskGroup, chain

import jobs
from jobs.scheduling.assets import MARTS, MARTS_IF_LATE
from jobs.scheduling.commands import PUBLISHES, STEPS, Command, arguments, run_day, run_late, shell
from jobs.scheduling.site import SPARK_SUBMIT, WHOLE_DAY, Site
from jobs.scheduling.telling import LateBashOperator, TellingBashOperator

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator

APPLICATION = str(Path(jobs.__file__).with_name("__main__.py"))
CONNECTION = "spark_default"
PARENT = (  # without the macro where the provider is there and switched off
    "{{ macros.OpenLineageProviderPlugin.lineage_parent_id(task_instance)"
    " if macros.OpenLineageProviderPlugin is defined else '' }}"
)
DIFFERENCE = """Reason: {{ params.reason }}

```
{{ ti.xcom_pull(task_ids="dry_run") or "see the log of the task dry_run" }}
```"""


def task(
    site: Site, command: Command, *, task_id: str, by_bash: type[BashOperator] = BashOperator, **more: Any
) -> BaseOperator:
    """Return the task that runs a command.

    Args:
        site: which runner; spark-submit runs what computes, the rest starts no engine and goes by bash.
        command: what to run.
        task_id: its name.
        by_bash: the operator for bash.
        more: passed to the operator.
    """
    if site.runner == SPARK_SUBMIT and command.computes:
        # Imported here: whoever uses bash need not have the provider.
        from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator

        return SparkSubmitOperator(
            task_id=task_id, application=APPLICATION, application_args=[*_told_parent(), *arguments(command)],
            conn_id=CONNECTION, name=f"pdmetrics {task_id}", **more,
        )  # fmt: skip
    # By default 99 means skip; no exit code of ours may.
    return by_bash(
        task_id=task_id, bash_command=shell(site, command), skip_on_exit_code=[], append_env=True,
        env={"OPENLINEAGE_PARENT_ID": PARENT} if has_lineage() else {}, **more,
    )  # fmt: skip


def has_lineage() -> bool:
    """Say whether Airflow tells OpenLineage of its tasks, so that what they run can name its parent."""
    return importlib.util.find_spec("airflow.providers.openlineage") is not None


def _told_parent() -> list[str]:
    return ["--set", f"lineage.parent={PARENT}"] if has_lineage() else []


def telling(site: Site, command: Command, *, task_id: str, **more: Any) -> BaseOperator:
    """Return the task that runs a command and pushes what it prints; by spark-submit it is in the log only."""
    return task(site, command, task_id=task_id, by_bash=TellingBashOperator, **more)


def late(site: Site) -> BaseOperator:
    """Return what runs days again; by spark-submit it cannot be seen whether it published, so there is no event."""
    return task(
        site, run_late(site), task_id="late", by_bash=LateBashOperator, pool=site.pool,
        execution_timeout=4 * site.task_time, outlets=[MARTS_IF_LATE],
    )  # fmt: skip


def day(site: Site) -> BaseOperator | TaskGroup:
    """Return what makes and publishes a day: one task `day`, or a group of that name with a task for each step."""
    if site.tasks == WHOLE_DAY:
        return task(site, run_day(site), task_id="day", pool=site.pool, outlets=[MARTS])
    with TaskGroup("day") as group:
        steps = [
            task(
                site, run_day(site, [step]), task_id=step, pool=site.pool,
                outlets=[MARTS] if step == PUBLISHES else [],
            )
            for step in STEPS
        ]  # fmt: skip
        chain(*steps)
    return group
