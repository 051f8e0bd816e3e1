"""# PersonalDashboard metrics, the lake kept small and fast

Expires snapshots past 30 days, removes files that no table knows, compacts small ones and rewrites manifests, each
week.

*Owner*: moderator-tools. *Output*: what it saved, in the log. No number changes.

## Triage notes

A task that was killed may be cleared at any time, and so may one that failed: nothing depends on it from one week to
the next. Left alone for months, runs grow slower and the lake bigger (`docs/performance.md`).

*Paging*: none.
"""

from __future__ import annotations

import os
from datetime import timedelta

from airflow.sdk import DAG
from airflow.timetables.interval import CronDataIntervalTimetable

from jobs.scheduling import commands, defaults, runners
from jobs.scheduling.site import read_site

site = read_site(os.environ)

with DAG(
    **defaults.dag_arguments(
        site, "personal_dashboard_maintain", tier=3, timeout=4 * site.task_time, doc=__doc__,
        late_after=2 * site.task_time, period=timedelta(weeks=1),
    ),
    description="Snapshots, orphans, small files and manifests of the lake",
    schedule=CronDataIntervalTimetable("0 18 * * 0", timezone="UTC"),
    default_args=defaults.default_args(site),
) as dag:  # fmt: skip
    runners.task(site, commands.maintain(site), task_id="maintain", pool=site.pool)
