"""Retries only where they help: a gate or a wrong path fails again, a lock or a lost process does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from airflow.sdk import RetryDecision, RetryPolicy

from jobs.scheduling.causes import AGAIN, ONCE, exit_code, is_timeout, meaning, when_to_retry


@dataclass(frozen=True)
class RetryWhereItHelps(RetryPolicy):
    """Decides by the exit code. What has none, as Airflow's own trouble, is tried again as usual.

    Airflow does not ask where the task's own process was lost; it tries again.

    Args:
        retries: how often a task may be retried; the decisions stay below.
    """

    retries: int

    def evaluate(self, exception: BaseException, try_number: int, max_tries: int, context: Any = None) -> RetryDecision:
        """Decide of one failure."""
        if is_timeout(exception):
            return RetryDecision.fail("it would take as long again")
        code = exit_code(exception)
        if code is None:
            return RetryDecision.default()
        when = when_to_retry(code)
        first = max_tries - self.retries + 1  # tries are counted on where a task was cleared
        if when == AGAIN or (when == ONCE and try_number <= first):
            return RetryDecision.retry(reason=f"exit code {code}: {meaning(code)}")
        return RetryDecision.fail(f"exit code {code}: {meaning(code)}")
