"""What is said of a task that failed, of hours that did not come and of a run that is late.

One line each in the log `pdmetrics.dags`, which alerting rules match on. A team that has a notifier of its own (mail,
chat) puts it beside: `defaults.default_args`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from airflow.sdk import BaseNotifier

from jobs.scheduling.causes import ALARMS, cause

logger = logging.getLogger("pdmetrics.dags")


class _Notifier(BaseNotifier):
    def render_template_fields(self, context: Any, jinja_env: Any = None) -> None:
        """Do nothing: no field is a template, and under `airflow dags test` there is nothing to render with."""


class FailureNotifier(_Notifier):
    """Says which task of which day failed, and of what."""

    def notify(self, context: Mapping[str, Any]) -> None:
        """Log it."""
        logger.error("%s", failure_message(context))


class RunTimeoutNotifier(_Notifier):
    """Says that a whole run took too long; of its tasks `FailureNotifier` has spoken."""

    def notify(self, context: Mapping[str, Any]) -> None:
        """Log it."""
        if context.get("reason") == "timed_out":
            logger.error("%s", failure_message(context))


class LateNotifier(_Notifier):
    """Says that a run is not done by its deadline, although nothing of it failed; it runs in the triggerer.

    Nothing is said of a run that was begun, or cleared, after its deadline: a day of the past.

    Args:
        dag_id: whose run.
        hours: after how many hours since it was due.
        context: as Airflow passes it to what a deadline calls.
    """

    def __init__(self, dag_id: str, hours: float, context: Any = None) -> None:
        super().__init__(context=context)
        self.dag_id, self.hours = dag_id, hours

    def notify(self, context: Mapping[str, Any]) -> None:
        """Log it."""
        run, deadline = context.get("dag_run") or {}, context.get("deadline") or {}
        queued, until = _time(run.get("queued_at")), _time(deadline.get("deadline_time"))
        if queued and until and queued > until:
            return
        name = run.get("dag_run_id") or "a run"
        logger.error("%s", ALARMS["run/deadline"].format(dag=self.dag_id, run=name, hours=self.hours))

    async def async_notify(self, context: Any) -> None:
        """Log it, in the triggerer."""
        self.notify(context)


def _time(given: str | datetime | None) -> datetime | None:
    """Read a time of Airflow's context, where it stands as text or as what it is."""
    return datetime.fromisoformat(given) if isinstance(given, str) else given


def failure_message(context: Mapping[str, Any]) -> str:
    """Return the sentence of a failure.

    Args:
        context: Airflow's context: `task_instance`, `ds` or the parameters, and what `cause` reads.
    """
    return f"{whose(context)}: {cause(context)}"


def whose(context: Mapping[str, Any]) -> str:
    """Name the task and what its run is about: a range of days, a snapshot, or a day."""
    instance, dag = context.get("task_instance"), context.get("dag")
    dag_id = getattr(instance, "dag_id", None) or getattr(dag, "dag_id", "?")
    is_run = context.get("reason") is not None or instance is None
    what = dag_id if is_run else f"{dag_id}.{getattr(instance, 'task_id', '?')}"
    params = context.get("params") or {}
    days = f"{params['start']} to {params['end']} (exclusive)" if params.get("start") and params.get("end") else None
    about = days or params.get("snapshot") or params.get("date") or context.get("ds")
    return f"{what} failed for {about or 'a run without a date'}"
