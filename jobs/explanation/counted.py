"""What a recount is: a statement over tables of the lake, and which of its columns are told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from jobs.explanation.explanation import MetricRow
from jobs.metric import Metric
from jobs.warehouse.lake_sql import quoted
from jobs.windows import DAY

NUMERATOR, DENOMINATOR, USERS = "observed_numerator", "observed_denominator", "n_users_observed"
LINES, EVENTS, COUNTS = "lines", "events", "counts"


@dataclass(frozen=True)
class Count:
    """A column of a recount that is told.

    Attributes:
        column: its name.
        what: what it counts.
        noun: lines, events, users …
        users: the column that counts the users behind it; it is hidden where these are few. None: nobody is behind it.
        role: the column of the row that says the same, or None.
    """

    column: str
    what: str
    noun: str
    users: str | None
    role: str | None = None


@dataclass(frozen=True)
class Recount:
    """A statement over tables of the lake, of one row, and which of its columns are told in which order."""

    id: str
    what: str
    sql: str
    tables: tuple[str, ...]
    counts: tuple[Count, ...]


def in_window(row: MetricRow) -> str:
    """Write the condition that a day lies in the row's window."""
    return f"event_date between date '{row.metric_date}' and date '{row.as_of_date}'"


def cohort_days(metric: Metric, row: MetricRow) -> tuple[tuple[date, date], tuple[date, date]]:
    """Return first and last day on which users of a cohort are seen, and on which they return."""
    (first, last), (back, until) = metric.seen or (0, 0), metric.returned or (0, 0)
    begin = row.metric_date
    return (begin + first * DAY, begin + last * DAY), (begin + back * DAY, begin + until * DAY)


def of_wikis(row: MetricRow, wikis: Sequence[str]) -> str:
    """Write the condition that a row is of some wikis and of the window."""
    listed = ", ".join(map(quoted, wikis))
    return (f"wiki_db = {listed}" if len(wikis) == 1 else f"wiki_db in ({listed})") + f" and {in_window(row)}"
