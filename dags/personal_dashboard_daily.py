"""# PersonalDashboard metrics, every day

Wait for the raw events of the day that ended, make and publish its metrics, make the report, and run days again whose
missing hours have come since. **Nothing is published before the last gate of `day` has passed**; readers see the
numbers of the day before until then. Running a day again is always safe: it gives the same rows.

*Owner*: moderator-tools. *Input*: `$PDMETRICS_INPUT` (raw events, policy, wikis). *Output*: the lake, the marts
(asset `personal_dashboard_marts`), `report/` in the warehouse (a site that opens from a disk).

| task | does | where it fails |
|---|---|---|
| `hours` | asks every ten minutes whether the day's 24 hours are there | the day has not begun |
| `day` | ingests, estimates, builds the marts, publishes | nothing of the day is published |
| `report` | makes the site | **the numbers of the day are out**; the site is the one of the day before |
| `late` | runs published days again whose missing hours have come | the day is out; those days stay as they were |

## Triage notes

The log of the failed task ends with what is wrong, where, and what to do. When it is mended, clear that task.

- **`hours` waits**: raw data are late. Twelve hours after the end of the day (`PDMETRICS_WAIT_HOURS`) it lets the day
  run with what is there, and logs an alarm: *not all hours of … are there*. Numbers are `caution` then, and `late`
  runs the day again when the hours come. Ask why they are late; do nothing else.
- **`hours` failed with exit code 1**: the day is published already, and its raw gate fails as the thresholds are now.
  To run it all the same, mark `hours` as success.
- **`day` failed with exit code 1**: a gate. The log names the checks, and `runs/<run>/gate_*.csv` in the warehouse
  has all of them until the next run begins. Mend the input or `sampling_policy.csv`. Where the day is a task for each
  step (`PDMETRICS_TASKS=steps`), clear from `day.ingest` on: what the steps before had staged is given up.
- **Exit code 3**: the day has no input at all. It is a failure and never a skip, as a skipped day would look like a
  quiet one. Ask why; clear `hours` when the data are there.
- **`hours` failed: the day has not ended**: a run begun by hand has the time of its beginning as its logical date.
  Trigger it with `{"date": "YYYY-MM-DD"}`.
- **Exit code 75**: another command wrote for longer than a task waits, an hour, at each of its tries, as a long
  backfill does. The log names it. Clear the task when it is done.
- **Exit code 137, or *lost without a word***: tried again by itself. Where it comes back, the worker has too little
  memory (`docs/operations.md`).
- ***is not done … hours after it was due***: nothing failed, but a task waits or is slow. Look which: no free slot
  in the pool, a worker that is gone, a day that waits for its hours.
- **`late` failed with exit code 1**: a gate refused a late day, which stays as it was; the others are out. It is tried
  again only when further hours of it come: mend what the gate found, and trigger the day by `{"date": "YYYY-MM-DD"}`.
- **`report` failed**: clear it alone, or leave it: tomorrow's shows everything that today's would. A warehouse that
  wants no site sets `[report] build = false`; the task then does nothing.

A failed day does not stop the next; windows that hold it are `not_measured` until it is there. A run begun by hand
takes its day from the parameter `date`, else from its logical date. Many days at once: `personal_dashboard_backfill`,
or `airflow backfill create`, which runs many days side by side whatever the DAG says: each waits for its turn.

*Paging*: two failed days in a row, or exit 1, in working hours. All else can wait: a late day can be run at any time.
"""

from __future__ import annotations

import os
from datetime import timedelta

from airflow.sdk import DAG, Param
from airflow.timetables.interval import CronDataIntervalTimetable

from jobs.scheduling import commands, defaults, runners
from jobs.scheduling.sensors import HoursSensor
from jobs.scheduling.site import read_site

site = read_site(os.environ)

with DAG(
    **defaults.dag_arguments(
        site,
        "personal_dashboard_daily",
        tier=1,
        timeout=site.wait + 10 * site.task_time,
        doc=__doc__,
        late_after=site.late_after,
        period=timedelta(days=1),
    ),
    description="Raw PersonalDashboard events of a day to published marts and a report",
    # A data interval, so that `ds` is the day that ended and not the one just begun; at four, since an hour of
    # events is refined two hours after its end or later.
    schedule=CronDataIntervalTimetable("0 4 * * *", timezone="UTC"),
    default_args=defaults.default_args(site),
    params={"date": Param(None, type=["null", "string"], format="date", description="UTC day; else the logical date")},
) as dag:
    hours = HoursSensor(
        task_id="hours",
        bash_command=commands.shell(site, commands.hours_there(site)),
        day=commands.DAY_TEMPLATE,
        wait=site.wait,
        poke_interval=site.ask_again,
        timeout=site.wait + timedelta(days=2),  # never reached: the deadline comes first
        execution_timeout=timedelta(minutes=30) + timedelta(seconds=site.lock_wait_seconds),
    )
    day = runners.day(site)
    # With one slot the site of the day goes first.
    report = runners.task(site, commands.report(site), task_id="report", pool=site.pool, priority_weight=2)
    hours >> day >> [report, runners.late(site)]
