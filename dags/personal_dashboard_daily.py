"""# PersonalDashboard metrics, every day

Ingest the raw events of the day that ended, estimate the metrics, build and publish the marts, and make the report of
them. Each task is one step of `pdmetrics run`; the steps find each other through the staged run in the warehouse, and
**nothing is published before the last gate of the task `marts` has passed**. Running a day again is always safe: it
gives the same rows.

*Owner*: moderator-tools. *Input*: `$PDMETRICS_INPUT` (raw events, policy, wikis). *Output*: the lake, the marts
file, `report/` in the warehouse (a site that opens from a disk).

## Triage notes

The log of the failed task ends with what is wrong, where, and what to do. What its exit code means:

- **0**: done. Warnings, if any, stand in the log and in `fct_data_quality`.
- **1**: a quality gate failed; readers still see the marts of the day before. The log names the checks, and
  `runs/<run>/gate_*.csv` in the warehouse has all of them until the next run begins. Mend the input or
  `sampling_policy.csv`, then clear `ingest`.
- **2**: bad usage, configuration or input, or a locked, full or read-only warehouse. Do what the message says, then
  clear the failed task; retries do not help.
- **3**: no input for the day yet. The task tries again with growing waits; after the last one, ask why the raw data are
  late, and clear `ingest` when they are there.

The task `report` comes after publishing: where it fails, **the numbers of the day are out**, and the site is the one of
the day before. Clear it alone, or leave it: tomorrow's shows everything that today's would. A warehouse that wants no
site sets `[report] build = false`; the task then does nothing.

Exit 3 is a retry and then a failure, never a skip: a skipped day would look like a quiet one. A failed day does not
stop the next; windows that hold it are `not_measured` until it is there. Many days at once:
`pdmetrics run --start D1 --end D2`.

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
        timeout=site.wait + timedelta(hours=12),
        doc=__doc__,
        late_after=site.late_after,
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
        day=commands.DAY,
        wait=site.wait,
        poke_interval=site.ask_again,
        timeout=timedelta(days=3),  # never reached: the deadline comes first
        execution_timeout=timedelta(minutes=30) + timedelta(seconds=site.lock_wait_seconds),
    )
    day = runners.day(site)
    report = runners.task(site, commands.report(site), task_id="report", pool=site.pool)
    late = runners.task(site, commands.run_late(site), task_id="late", pool=site.pool)
    hours >> day >> report >> late
