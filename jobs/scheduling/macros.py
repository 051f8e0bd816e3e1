"""What the templates of the tasks call. They are filled in where a task runs, so with the environment of its worker."""

from __future__ import annotations

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


MACROS: dict[str, Callable[..., str]] = {"data_day": data_day, "input_directory": input_directory}
FILTERS: dict[str, Callable[[str], str]] = {"quoted": shlex.quote}
