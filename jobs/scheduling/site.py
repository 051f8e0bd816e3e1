"""How the DAGs are set up here: read from the environment, without Airflow's database, each time a file is parsed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

WHOLE_DAY, STEPS = "day", "steps"
BASH, SPARK_SUBMIT = "bash", "spark-submit"
LOCK_WAIT = "PDMETRICS_RUN__LOCK_WAIT_SECONDS"


@dataclass(frozen=True)
class Site:
    """What dags/README.md lists: the command, how a day is cut into tasks, who runs it, and how long to wait."""

    cli: str = "pdmetrics"
    config: str = ""
    warehouse: str = ""
    tasks: str = WHOLE_DAY
    runner: str = BASH
    pool: str = "default_pool"
    retries: int = 2
    retry_wait: timedelta = timedelta(minutes=10)
    ask_again: timedelta = timedelta(minutes=10)
    wait: timedelta = timedelta(hours=12)  # for the hours of a day, from its end
    late_after: timedelta = timedelta(hours=16)  # since a day was due; none of the DAGs has a deadline where it is 0
    task_time: timedelta = timedelta(hours=3)  # for a task that runs a command; several days take four times that
    lock_wait_seconds: float = 3600  # well below the time for a task: who waits is told apart from who hangs


def read_site(environment: Mapping[str, str]) -> Site:
    """Read the variables `PDMETRICS_*`; an empty one is as good as none.

    Raises:
        ValueError: a value is none of those allowed, or no number, or a task would wait longer than it may take.
    """
    given = {name: value for name, value in environment.items() if value}
    task_time = timedelta(hours=_number(given, "PDMETRICS_TASK_HOURS", 3))
    return Site(
        cli=given.get("PDMETRICS_CLI", Site.cli),
        config=given.get("PDMETRICS_CONFIG", ""),
        warehouse=given.get("PDMETRICS_WAREHOUSE", ""),
        tasks=_one_of(given, "PDMETRICS_TASKS", (WHOLE_DAY, STEPS)),
        runner=_one_of(given, "PDMETRICS_RUNNER", (BASH, SPARK_SUBMIT)),
        pool=given.get("PDMETRICS_POOL", Site.pool),
        retries=int(_number(given, "PDMETRICS_RETRIES", Site.retries)),
        retry_wait=timedelta(minutes=_number(given, "PDMETRICS_RETRY_MINUTES", 10)),
        ask_again=timedelta(minutes=_number(given, "PDMETRICS_ASK_MINUTES", 10)),
        wait=timedelta(hours=_number(given, "PDMETRICS_WAIT_HOURS", 12)),
        late_after=timedelta(hours=_number(given, "PDMETRICS_LATE_HOURS", 16)),
        task_time=task_time,
        lock_wait_seconds=_lock_wait(given, task_time),
    )


def _lock_wait(given: Mapping[str, str], task_time: timedelta) -> float:
    longest = task_time.total_seconds()
    wait = _number(given, LOCK_WAIT, min(Site.lock_wait_seconds, longest / 3))
    if LOCK_WAIT in given and wait >= longest:
        raise ValueError(f"{LOCK_WAIT} is {given[LOCK_WAIT]!r}; a task may take {longest:g} s (PDMETRICS_TASK_HOURS)")
    return wait


def _one_of(given: Mapping[str, str], name: str, allowed: tuple[str, ...]) -> str:
    value = given.get(name, allowed[0])
    if value not in allowed:
        raise ValueError(f"{name} is {value!r}; it may be {' or '.join(allowed)}")
    return value


def _number(given: Mapping[str, str], name: str, default: float) -> float:
    try:
        value = float(given.get(name, default))
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise ValueError(f"{name} is {given[name]!r}; it wants a number from 0 on")
    return value
