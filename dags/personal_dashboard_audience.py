"""# PersonalDashboard metrics, eligible editors

When a month's snapshot of mediawiki_history is there, counts the editors who could use the dashboard, as of the last
day of that month. **The command `audience` is not built yet (it says so, exit 2)**: the DAG is paused when it is
first seen.

*Owner*: moderator-tools. *Input*: `$PDMETRICS_INPUT/history/YYYY-MM`, `wikis.csv`. *Output*: rows of
`eligible_editors`.

## Triage notes

- `snapshot` waits up to three weeks; its log says what is missing. It takes a snapshot for whole when every wiki of
  `wikis.csv` has a file in it and none changed within the hour. Where it gives up, the dumps are late: clear it.
- A month again, or without a logical date: trigger it with `{"snapshot": "YYYY-MM"}`.

*Paging*: none; a month without these rows has those of the month before.
"""

from __future__ import annotations

import os
from datetime import timedelta

from airflow.sdk import DAG, Param
from airflow.timetables.interval import CronDataIntervalTimetable

from jobs.scheduling import commands, defaults, runners
from jobs.scheduling.sensors import SnapshotSensor
from jobs.scheduling.site import read_site

site = read_site(os.environ)
WAIT = timedelta(days=21)  # dumps of a month come in the first two weeks of the next

with DAG(
    **defaults.dag_arguments(
        site, "personal_dashboard_audience", tier=3, timeout=WAIT + 10 * site.task_time, doc=__doc__,
        late_after=WAIT + 8 * site.task_time, period=timedelta(days=31),
    ),
    description="Eligible editors, from a snapshot of mediawiki_history",
    schedule=CronDataIntervalTimetable("0 6 1 * *", timezone="UTC"),
    default_args=defaults.default_args(site),
    params={
        "snapshot": Param(
            None, type=["null", "string"], pattern=r"^\d{4}-\d{2}$", description="month; else that of the logical date"
        )
    },
    is_paused_upon_creation=True,
) as dag:  # fmt: skip
    snapshot = SnapshotSensor(
        task_id="snapshot",
        input_dir=commands.INPUT,
        snapshot=commands.SNAPSHOT,
        poke_interval=timedelta(hours=6),
        timeout=WAIT,
        execution_timeout=timedelta(minutes=10),
    )
    audience = runners.task(
        site, commands.audience(site), task_id="audience", pool=site.pool, execution_timeout=4 * site.task_time
    )
    snapshot >> audience
