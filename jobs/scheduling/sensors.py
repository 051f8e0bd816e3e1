"""The sensor that waits for the hours of a day, up to a deadline."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from airflow.providers.standard.hooks.subprocess import SubprocessHook
from airflow.sdk.bases.sensor import BaseSensorOperator
from airflow.sdk.exceptions import AirflowException

from jobs.scheduling.notifier import logger

NOT_YET = (3, 75)  # hours are missing; another command holds the warehouse


def deadline(day: str, wait: timedelta) -> datetime:
    """Return until when the hours of a UTC day are waited for.

    Args:
        day: YYYY-MM-DD.
        wait: from the end of the day; so a day long past is not waited for.
    """
    return datetime.combine(date.fromisoformat(day) + timedelta(days=1), time(), UTC) + wait


class HoursSensor(BaseSensorOperator):
    """Runs a command until it exits with 0, or until the day's deadline has passed, which it says and lets the day run.

    Exit 3 and 75 are "not yet". Any other code fails the task with it: to wait would hide its cause.

    Args:
        bash_command: asks whether all is there. (templated)
        day: the UTC day, YYYY-MM-DD. (templated)
        wait: how long after the end of the day its hours are waited for.
    """

    template_fields: Sequence[str] = ("bash_command", "day")

    def __init__(self, *, bash_command: str, day: str, wait: timedelta, **arguments: Any) -> None:
        super().__init__(mode="reschedule", **arguments)
        self.bash_command, self.day, self.wait = bash_command, day, wait
        self.hook = SubprocessHook()

    def poke(self, context: Any) -> bool:
        """Ask once.

        Raises:
            AirflowException: the command failed; its exit code is in the message.
        """
        code = self.hook.run_command(["bash", "-c", self.bash_command]).exit_code
        if code == 0:
            return True
        if code not in NOT_YET:
            raise AirflowException(f"The question for the day's hours failed with exit code {code}.")
        if datetime.now(UTC) < deadline(self.day, self.wait):
            return False
        logger.log(logging.ERROR, "%s", past_deadline(self.dag_id, self.day, self.wait))
        return True

    def on_kill(self) -> None:
        """Stop the command with the task."""
        self.hook.send_sigterm()  # type: ignore[no-untyped-call]


def past_deadline(dag_id: str, day: str, wait: timedelta) -> str:
    """Return the alarm of a day whose hours did not come in time."""
    return (
        f"{dag_id}: not all hours of {day} are there {wait.total_seconds() / 3600:g} hours after its end; it runs with "
        "what is there, and again when they come (task `late`)"
    )
