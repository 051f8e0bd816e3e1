"""Hours that arrived after their day was published: which days should be run again.

No engine: the log of fates tells which hours a published day lacks, and the input is asked for these days only.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from jobs.alarms import Alarm, raise_alarms
from jobs.errors import InputError
from jobs.log import get_logger
from jobs.raw.files import Input, discover, open_input
from jobs.steps.job import Job
from jobs.warehouse.refused import LOG
from jobs.warehouse.tables import Tables
from jobs.windows import DAY, days

CAUSE = "raw/late_hour/all"


@dataclass(frozen=True)
class LateDay:
    """A published day, and its hours (UTC, in order) that have arrived since."""

    day: date
    hours: tuple[int, ...]

    @property
    def in_words(self) -> str:
        """Say what arrived."""
        n = len(self.hours)
        return f"{n} hour{'s' if n > 1 else ''} of {self.day} ({', '.join(map(str, self.hours))})"


def late_days(tables: Tables, source: Input, look_back: int, *, but: Collection[date] = ()) -> list[LateDay]:
    """Return the published days that lacked hours which are there now, oldest first.

    An hour of which one stream came and another did not has arrived late once all are there; a day that was published
    without any input, once it has any. A file that was replaced, or that joined others of its hour, is not noticed.

    Args:
        tables: of the warehouse; what is published counts.
        source: the input.
        look_back: days, up to the newest published one, that are looked at.
        but: days that are read anyway.

    Raises:
        InputError: the input cannot be listed.
    """
    published = tables.days(LOG)
    if not published:
        return []
    newest = published[-1]
    log = tables.day_frame(
        LOG, days(newest - (look_back - 1) * DAY, newest + DAY), only={"fate": ("missing_hour", "kept")}
    )
    hours = list(zip(log["event_date"], log["event_hour"], log["fate"], strict=True))
    lost = {(day, hour) for day, hour, fate in hours if fate == "missing_hour" and day not in but}
    came_in_part = {(day, hour) for day, hour, fate in hours if fate == "kept"}
    if not lost:
        return []
    now = discover(source, {day for day, _ in lost})
    arrived = (lost & set(now.arrived)) - (set(now.missing) & came_in_part)
    return [
        LateDay(day, tuple(sorted(hour for at, hour in arrived if at == day)))
        for day in sorted({day for day, _ in arrived})
    ]


def notice_late_hours(job: Job) -> None:
    """Tell of hours that arrived after their days were published, but those that this run reads, with an alarm a day.

    An input that cannot be listed there is a warning: the run has its own days.
    """
    run, settings = job.run, job.settings
    try:
        found = late_days(job.lake, open_input(run.input_dir), settings.ingest.late_days, but=run.days)
    except InputError as error:
        get_logger().warning("it cannot be seen whether late hours have arrived", why=error.what, where=error.where)
        return
    if not found:
        return
    command = f"pdmetrics --warehouse {job.warehouse.place} run --late --input {run.input_dir}"
    raise_alarms(
        settings,
        job.warehouse.path,
        [
            Alarm(CAUSE, "warning", late.day, f"{late.in_words} arrived after the day was published", f"run {command}")
            for late in found
        ],
        job.warehouse.place,
    )
    get_logger().warning("days should be run again: hours of them arrived late", days=len(found), next=command)
