"""Who runs a command: bash on the worker, or spark-submit with the connection `spark_default`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import TaskGroup, chain

import jobs
from jobs.scheduling.assets import MARTS
from jobs.scheduling.commands import PUBLISHES, STEPS, Command, arguments, run_day, shell
from jobs.scheduling.site import DAY, SPARK_SUBMIT, Site
from jobs.scheduling.telling import TellingBashOperator

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator

APPLICATION = str(Path(jobs.__file__).with_name("__main__.py"))
CONNECTION = "spark_default"
DIFFERENCE = """Reason: {{ params.reason }}

```
{{ ti.xcom_pull(task_ids="dry_run") or "see the log of the task dry_run" }}
```"""


def task(site: Site, command: Command, *, task_id: str, **more: Any) -> BaseOperator:
    """Return the task that runs a command.

    Args:
        site: which runner; spark-submit runs what computes, the rest starts no engine and goes by bash.
        command: what to run.
        task_id: its name.
        more: passed to the operator.
    """
    if site.runner == SPARK_SUBMIT and command.computes:
        # Imported here: whoever uses bash need not have the provider.
        from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator

        return SparkSubmitOperator(
            task_id=task_id, application=APPLICATION, application_args=arguments(command), conn_id=CONNECTION,
            name=f"pdmetrics {task_id}", **more,
        )  # fmt: skip
    # By default 99 means skip; no exit code of ours may.
    return BashOperator(task_id=task_id, bash_command=shell(site, command), skip_on_exit_code=[], **more)


def telling(site: Site, command: Command, *, task_id: str, **more: Any) -> BaseOperator:
    """Return the task that runs a command and pushes what it prints; by spark-submit it is in the log only."""
    if site.runner == SPARK_SUBMIT:
        return task(site, command, task_id=task_id, **more)
    return TellingBashOperator(task_id=task_id, bash_command=shell(site, command), skip_on_exit_code=[], **more)


def day(site: Site) -> BaseOperator | TaskGroup:
    """Return what makes and publishes a day: one task `day`, or a group of that name with a task for each step."""
    if site.tasks == DAY:
        return task(site, run_day(site), task_id="day", pool=site.pool, outlets=[MARTS])
    with TaskGroup("day") as group:
        steps = [
            task(
                site, run_day(site, [step]), task_id=step, pool=site.pool,
                weight_rule="upstream",  # a day that has begun goes before one that has not
                outlets=[MARTS] if step == PUBLISHES else [],
            )
            for step in STEPS
        ]  # fmt: skip
        chain(*steps)
    return group
