"""What happens when a task has failed for good. Airflow passes a context; nothing here imports it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

EXIT_CODES = {
    1: "a quality gate failed and nothing was published; the log names the checks",
    2: "bad usage, configuration or input; the log names the file, the field and what to do",
    3: "there is no input for the day; the raw data are late or gone",
}
logger = logging.getLogger("pdmetrics.dags")


def report_failure(context: Mapping[str, Any]) -> None:
    """Log one line that says which task of which day failed and where to look; alerting rules match on it."""
    logger.error("%s", failure_message(context))


def failure_message(context: Mapping[str, Any]) -> str:
    """Return the sentence of `report_failure`.

    Args:
        context: Airflow's context: `task_instance` and, of scheduled runs, `ds`; `exception` where there was one.
    """
    instance = context.get("task_instance")
    task = f"{getattr(instance, 'dag_id', '?')}.{getattr(instance, 'task_id', '?')}"
    why = str(context.get("exception") or "no exception was given")
    meaning = next((text for code, text in EXIT_CODES.items() if f"exit code {code}" in why), "see the task's log")
    return f"{task} failed for {context.get('ds') or 'a run without a date'}: {meaning} ({why})"
