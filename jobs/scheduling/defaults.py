"""What every task of every DAG has: owner, retries, timeouts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from jobs.scheduling.callbacks import report_failure

OWNER = "moderator-tools"
START = datetime(2026, 2, 10, tzinfo=UTC)  # the day the instrument began
FIRST_WAIT = timedelta(minutes=10)
LONGEST_WAIT = timedelta(hours=4)


def default_args(environment: Mapping[str, str]) -> dict[str, Any]:
    """Return the default arguments of a DAG's tasks.

    Args:
        environment: `PDMETRICS_RETRIES` (default 2). A test run sets 0: `airflow dags test` waits out every delay.

    Raises:
        ValueError: the number of retries is none.
    """
    return {
        "owner": OWNER,
        "retries": int(environment.get("PDMETRICS_RETRIES") or 2),
        "retry_delay": FIRST_WAIT,
        "retry_exponential_backoff": True,
        "max_retry_delay": LONGEST_WAIT,
        "execution_timeout": timedelta(hours=2),
        "depends_on_past": False,
        "on_failure_callback": report_failure,
    }
