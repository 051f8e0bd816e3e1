"""# PersonalDashboard metrics, what is past its keep-until

Deletes identifiable rows past their keep-until from every file of the warehouse, each day, with a receipt. Ages count
from today, whatever day the run is of: to run it late deletes late, and to run it twice deletes nothing more.

*Owner*: moderator-tools. *Output*: receipts, in the log and kept as rows; `docs/operations.md`.

A request to forget one user is made by hand, `pdmetrics purge --user-hash H`: a parameter would stay in Airflow's
database.

## Triage notes

A purge that was killed goes on where it was when the task is cleared. **A purge that fails for a week is a matter of
privacy**: rows are kept longer than the policy says. Days that a person cannot have run in the meantime need nothing:
the next purge deletes what this one did not.

*Paging*: three failed days in a row, in working hours.
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
        site, "personal_dashboard_purge", tier=2, timeout=4 * site.task_time, doc=__doc__,
        late_after=2 * site.task_time, period=timedelta(days=1),
    ),
    description="Identifiable rows past their keep-until, deleted with a receipt",
    schedule=CronDataIntervalTimetable("0 16 * * *", timezone="UTC"),  # when the day is done, late hours and all
    default_args=defaults.default_args(site),
) as dag:  # fmt: skip
    runners.task(site, commands.purge(site), task_id="purge", pool=site.pool)
