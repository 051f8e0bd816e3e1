"""What the templates of the tasks call. They are filled in where a task runs, so with the environment of its worker."""

from __future__ import annotations

import calendar
import os
import shlex
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from airflow.sdk.exceptions import AirflowFailException

from jobs.scheduling.causes import ALARMS


def data_day(params: Mapping[str, Any], ds: str | None) -> str:
    """Return the UTC day of data: the parameter `date` where it is given, else the day of the run's logical date.

    Raises:
        AirflowFailException: the run has neither, as one that an asset or the API began; or the day has not ended, as
            that of a run that the form begins with the logical date it proposes, which is now.
    """
    day = params.get("date") or ds
    if not day:
        raise AirflowFailException(ALARMS["task/no date"].format(what="day", example='{"date": "YYYY-MM-DD"}'))
    if str(day) >= datetime.now(UTC).date().isoformat():
        raise AirflowFailException(ALARMS["task/day not over"].format(day=day))
    return str(day)


def input_directory() -> str:
    """Return where the raw events are: `PDMETRICS_INPUT`.

    Raises:
        AirflowFailException: it is not set.
    """
    if not (place := os.environ.get("PDMETRICS_INPUT")):
        raise AirflowFailException(ALARMS["task/no input"])
    return place


def snapshot_month(params: Mapping[str, Any], ds: str | None) -> str:
    """Return the month YYYY-MM of a snapshot: the parameter `snapshot`, else the month of the run's logical date.

    Raises:
        AirflowFailException: the run has neither.
    """
    month = params.get("snapshot") or (ds or "")[:7]
    if not month:
        raise AirflowFailException(ALARMS["task/no date"].format(what="month", example='{"snapshot": "YYYY-MM"}'))
    return str(month)


def last_day_of(snapshot: str) -> str:
    """Return the last day of a month YYYY-MM."""
    year, month = map(int, snapshot.split("-"))
    return f"{snapshot}-{calendar.monthrange(year, month)[1]:02d}"


MACROS: dict[str, Callable[..., str]] = {
    "data_day": data_day,
    "input_directory": input_directory,
    "snapshot_month": snapshot_month,
    "last_day_of": last_day_of,
}
FILTERS: dict[str, Callable[[str], str]] = {"quoted": shlex.quote}
