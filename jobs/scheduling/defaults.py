"""What every DAG and every task has: owner, retries, timeouts, pool, and who is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk.definitions.callback import AsyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference

from jobs.scheduling.causes import runbook
from jobs.scheduling.macros import FILTERS, MACROS
from jobs.scheduling.notifier import FailureNotifier, LateNotifier, RunTimeoutNotifier
from jobs.scheduling.retries import RetryWhereItHelps
from jobs.scheduling.site import Site

OWNER = "moderator-tools"
START = datetime(2026, 2, 10, tzinfo=UTC)  # the day the instrument began
LONGEST_WAIT = timedelta(hours=4)


def dag_arguments(
    site: Site,
    dag_id: str,
    *,
    tier: int,
    timeout: timedelta,
    doc: str | None,
    late_after: timedelta,
    period: timedelta = timedelta(0),
    since: datetime = START,
) -> dict[str, Any]:
    """Return the arguments of a DAG that all have in common.

    Args:
        site: whether there are deadlines at all.
        dag_id: its name, that of its file.
        tier: 1 if others wait for it, to 3.
        timeout: after which the run fails.
        doc: its runbook.
        late_after: since it was due, after which it is told that it is late.
        period: of its schedule; a run is due so long after its logical date.
        since: the first logical date; of one before it Airflow begins no task, and calls the run a success.
    """
    return {
        "dag_id": dag_id,
        "start_date": since,
        "catchup": False,
        "max_active_runs": 1,  # of one DAG; the pool and the warehouse's lock see to all
        "dagrun_timeout": timeout,
        "tags": [f"tier/{tier}", f"triage/{OWNER}"],
        "doc_md": runbook(doc or ""),
        "user_defined_macros": MACROS,
        "user_defined_filters": FILTERS,
        "on_failure_callback": RunTimeoutNotifier(),
        "deadline": _deadline(dag_id, period, late_after) if site.late_after else None,
    }


def default_args(site: Site) -> dict[str, Any]:
    """Return the default arguments of a DAG's tasks."""
    return {
        "owner": OWNER,
        "retries": site.retries,
        "retry_delay": site.retry_wait,
        "retry_exponential_backoff": True,
        "max_retry_delay": max(LONGEST_WAIT, site.retry_wait),
        "retry_policy": RetryWhereItHelps(site.retries),
        "execution_timeout": site.task_time,
        "depends_on_past": False,
        "weight_rule": "upstream",  # what a run has begun, its report too, goes before what another has not
        "on_failure_callback": [FailureNotifier()],
    }


def _deadline(dag_id: str, period: timedelta, late_after: timedelta) -> DeadlineAlert:
    return DeadlineAlert(
        # Not DAGRUN_QUEUED_AT: Airflow 3.3 cannot clear a run with such a deadline (apache/airflow issue 70368).
        reference=DeadlineReference.DAGRUN_LOGICAL_DATE,
        interval=period + late_after,
        callback=AsyncCallback(LateNotifier, kwargs={"dag_id": dag_id, "hours": late_after / timedelta(hours=1)}),
        name=f"{dag_id} is late",
    )
