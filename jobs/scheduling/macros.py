"""What the templates of the tasks call. They are filled in where a task runs, so with the environment of its worker."""

from __future__ import annotations

import calendar
import os
import shlex
from collections.abc import Callable, Mapping
from typing import Any

from airflow.sdk.exceptions import AirflowFailException


def data_day(params: Mapping[str, Any], ds: str | None) -> str:
    """Return the UTC day of data: the parameter `date` where it is given, else the day of the run's logical date.

    Raises:
        AirflowFailException: the run has neither, as one that an asset or the API began.
    """
    day = params.get("date") or ds
    if not day:
        raise AirflowFailException(
            'This run has no logical date, so it must be told its day: trigger it with {"date": "YYYY-MM-DD"}.'
        )
    return str(day)


def input_directory() -> str:
    """Return where the raw events are: `PDMETRICS_INPUT`.

    Raises:
        AirflowFailException: it is not set.
    """
    if not (place := os.environ.get("PDMETRICS_INPUT")):
        raise AirflowFailException(
            "PDMETRICS_INPUT is not set where this task runs; set it to the input directory (dags/README.md)."
        )
    return place


def snapshot_month(params: Mapping[str, Any], ds: str | None) -> str:
    """Return the month YYYY-MM of a snapshot: the parameter `snapshot`, else the month of the run's logical date.

    Raises:
        AirflowFailException: the run has neither.
    """
    month = params.get("snapshot") or (ds or "")[:7]
    if not month:
        raise AirflowFailException(
            'This run has no logical date, so it must be told its month: trigger it with {"snapshot": "YYYY-MM"}.'
        )
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
