"""# PersonalDashboard metrics, eligible editors

When a month's snapshot of mediawiki_history is there, counts the editors who could be invited, as of the last day of
that month, on every wiki that the snapshot has.

*Owner*: moderator-tools. *Input*: `$PDMETRICS_INPUT/history/YYYY-MM`. *Output*: rows of `eligible_editors`, the marts
(asset `personal_dashboard_marts`), and the report. It works before any event has arrived.

## Triage notes

- `snapshot` waits up to three weeks; its log says what is missing. It takes a snapshot for whole when every wiki with a
  folder in it, and every wiki of `wikis.csv` where there is one, has the file that holds the month, and no file changed
  within the hour. Where it gives up, the dumps are late or not copied: clear it.
- A wiki that was copied later: clear `snapshot`. Counts of the others are replaced by the same ones.
- A month again, or without a logical date: trigger it with `{"snapshot": "YYYY-MM"}`.
- Exit 2, "lies behind the last event of snapshot": no wiki had an event on the last day ("lies behind it" where only
  one wiki is there). Trigger it with the day that the log names: `{"snapshot": "YYYY-MM", "as_of": "YYYY-MM-DD"}`.
- Exit 1, `audience_dump_ends_early`: "the last event of" a file lies before the end of the month, and more "were due
  until" then. The file was cut: fetch it again and clear `audience`, or trigger it with the day that the log names. A
  wiki that was closed within the year looks the same: count the others by hand (`--wiki`).
- Exit 3 of `audience`: a file is cut off, or "is empty", as one that is still copied. Clear it when the file is whole.
- `audience_dump_quiet`, `audience_dump_begins_late`: warnings, for which docs/operations.md says what to do.
- Other bands and windows: by hand (docs/audience.md); what this DAG counted stays beside them.

*Paging*: none; a month without these rows has those of the month before.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG, Param
from airflow.timetables.interval import CronDataIntervalTimetable

from jobs.scheduling import commands, defaults, runners
from jobs.scheduling.assets import MARTS
from jobs.scheduling.sensors import SnapshotSensor
from jobs.scheduling.site import read_site

site = read_site(os.environ)
WAIT = timedelta(days=21)  # dumps of a month come in the first two weeks of the next
FIRST_EDITS = datetime(2001, 1, 1, tzinfo=UTC)  # a rollout is planned on months before its instrument began
SNAPSHOT_ASKED = 6  # times as rarely as for hours: an hour where nothing is set

with DAG(
    **defaults.dag_arguments(
        site, "personal_dashboard_audience", tier=3, timeout=WAIT + 10 * site.task_time, doc=__doc__,
        late_after=WAIT + 8 * site.task_time, period=timedelta(days=31),
        since=FIRST_EDITS,
    ),
    description="Eligible editors, from a snapshot of mediawiki_history",
    schedule=CronDataIntervalTimetable("0 6 1 * *", timezone="UTC"),
    default_args=defaults.default_args(site),
    params={
        "snapshot": Param(
            None, type=["null", "string"], pattern=r"^\d{4}-\d{2}$", description="month; else that of the logical date"
        ),
        "as_of": Param(
            None, type=["null", "string"], format="date", description="day to count as of; else the last of the month"
        ),
    },
) as dag:  # fmt: skip
    snapshot = SnapshotSensor(
        task_id="snapshot",
        input_dir=commands.INPUT,
        snapshot=commands.SNAPSHOT,
        poke_interval=SNAPSHOT_ASKED * site.ask_again,
        timeout=WAIT,
        execution_timeout=timedelta(minutes=10),
    )
    audience = runners.task(
        site, commands.audience(site), task_id="audience", pool=site.pool, outlets=[MARTS],
        execution_timeout=4 * site.task_time,
    )  # fmt: skip
    snapshot >> audience
