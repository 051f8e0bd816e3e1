"""Hours that arrived after their day was published, and days that were never run: what should be run (again).

No engine: the log of fates tells which hours a published day lacks, and the input is asked for these days only.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from jobs.alarms import Alarm, raise_alarms
from jobs.errors import InputError, UsageError
from jobs.log import get_logger
from jobs.raw.files import Input, discover, open_input
from jobs.settings import Settings
from jobs.steps.job import Job
from jobs.steps.kept_days import require_kept
from jobs.steps.late_refused import refused_hours
from jobs.warehouse.refused import LOG
from jobs.warehouse.runs import Warehouse
from jobs.warehouse.tables import Tables
from jobs.windows import DAY, days

CAUSE = "raw/late_hour/all"
NOT_RUN = "raw/day_not_run/all"


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


def days_not_run(tables: Tables, source: Input, look_back: int, *, but: Collection[date] = ()) -> list[date]:
    """Return the days between published ones that have input and were never run, oldest first.

    Nobody runs them by himself: a scheduler that was down begins with the newest day.

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
    first = max(published[0], published[-1] - (look_back - 1) * DAY)
    left_out = {*days(first, published[-1])} - {*published, *but}
    return sorted(left_out - {*discover(source, left_out).empty_days}) if left_out else []


def put_back_days(warehouse: Warehouse) -> set[date]:
    """Return the days that a rollback put back and nobody has read since: what they lack was taken out on purpose.

    It is known as long as the rollback is, thirty days.
    """
    held: set[date] = set()
    puts_back: dict[str, bool] = {}
    for run in warehouse.runs_of_days():
        if run.state == "published":
            undone = run.backfill.undoes if run.backfill else ""
            # One that undoes a rollback takes the lines in again.
            puts_back[run.run_id] = bool(undone) and not puts_back.get(undone, False)
            held = held | {*run.days} if puts_back[run.run_id] else held - {*run.days}
    return held


def that_can_be_run(
    tables: Tables, settings: Settings, warehouse: Warehouse, found: Sequence[LateDay]
) -> list[LateDay]:
    """Return the late days that a run can take in; of each other one it is told why not.

    What it needs was purged, a rollback took it out, or a gate refused it and no further hour has arrived since.
    """
    refused, put_back = refused_hours(warehouse), put_back_days(warehouse)
    kept = []
    for late in found:
        if list(late.hours) == list(refused.get(late.day, ())):
            get_logger().warning(
                "what arrived late stays out: a gate refused it, and nothing has arrived since", hours=late.in_words,
                next=f"mend what the gate found, then run {late.day} by name",
            )  # fmt: skip
        elif late.day in put_back:
            get_logger().warning(
                "what arrived late stays out: a backfill that had it was undone", hours=late.in_words,
                next=f"to take it in all the same, run {late.day} by name",
            )  # fmt: skip
        elif _is_kept(tables, settings, late.day, late.in_words):
            kept.append(late)
    return kept


def _is_kept(tables: Tables, settings: Settings, day: date, told: str) -> bool:
    """Whether nothing that a run of the day needs was purged; if something was, it is told."""
    try:
        require_kept(tables, settings, [day])
    except UsageError as error:
        get_logger().warning("what arrived late cannot be taken in any more", hours=told, why=error.what)
        return False
    return True


def notice_late_hours(job: Job) -> None:
    """Tell of days that should be run (again), with an alarm each, but those that this run reads.

    That is, of hours that arrived after their days were published, and of days that were never run. An input that
    cannot be listed there is a warning: the run has its own days.
    """
    run, look_back = job.run, job.settings.ingest.late_days
    try:
        source = open_input(run.input_dir)
        late = late_days(job.lake, source, look_back, but=run.days)
        not_run = days_not_run(job.lake, source, look_back, but=run.days)
    except InputError as error:
        get_logger().warning("it cannot be seen whether late hours have arrived", why=error.what, where=error.where)
        return
    late = that_can_be_run(job.lake, job.settings, job.warehouse, late)
    not_run = [day for day in not_run if _is_kept(job.lake, job.settings, day, f"{day}, which was never run")]
    command = f"pdmetrics --warehouse {job.warehouse.place} run"
    take_in = f"{command} --late --input {run.input_dir}"
    alarms = [
        Alarm(CAUSE, "warning", one.day, f"{one.in_words} arrived after the day was published", f"run {take_in}")
        for one in late
    ]
    alarms += [
        Alarm(
            NOT_RUN, "warning", day, f"{day} has input and was never run",
            f"run {command} --date {day} --input {run.input_dir}",
        )
        for day in not_run
    ]  # fmt: skip
    if alarms:
        raise_alarms(job.settings, job.warehouse.path, alarms, job.warehouse.place)
    if late:
        get_logger().warning("days should be run again: hours of them arrived late", days=len(late), next=take_in)
