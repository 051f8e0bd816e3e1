"""# PersonalDashboard metrics, days computed again

For late data beyond what `personal_dashboard_daily` picks up by itself, a corrected `sampling_policy.csv`, or new
code. `dry_run` computes the days beside what is published and tells the difference; `approve` shows it and waits for
a person; `backfill` publishes it in one step. **Nothing is published before the approval**; a rejection, or no answer
within three days, ends the run there, with `backfill` skipped.

*Owner*: moderator-tools. *Parameters*: `start`, `end` (UTC days, `end` exclusive), `reason` (kept with the run).
*Input*: `$PDMETRICS_INPUT`. *Output*: as of the daily DAG.

## Triage notes

- `approve` shows up under **Required Actions**. It shows the end of what `dry_run` printed; all of it is in the log
  of that task, and in `runs/<run>/difference.csv` in the warehouse.
- **Who approves approves the days, not the numbers.** The daily DAG, a run by hand and `personal_dashboard_purge` go
  on meanwhile and may drop what `dry_run` staged, or publish before it; `personal_dashboard_maintain` leaves it alone.
  `backfill` computes again then, and publishes a difference that nobody has seen: its log has it. To get what was
  shown and nothing else, pause the daily and the purge DAG from before `dry_run` until `backfill` is done.
- A task that was killed goes on where it was when it is cleared; a run may be begun again as a whole, too.
- To undo: `pdmetrics backfill --rollback RUN_ID`, within 30 days. The log of `backfill` names the run.

*Paging*: none; somebody began the run and waits for it.
"""

from __future__ import annotations

import os
from datetime import timedelta

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import DAG, Param

from jobs.scheduling import commands, defaults, runners
from jobs.scheduling.assets import MARTS
from jobs.scheduling.site import read_site

site = read_site(os.environ)
ANSWER_WITHIN = timedelta(days=3)

with DAG(
    **defaults.dag_arguments(
        site, "personal_dashboard_backfill", tier=3, timeout=ANSWER_WITHIN + 10 * site.task_time, doc=__doc__,
        late_after=ANSWER_WITHIN + 8 * site.task_time,
    ),
    description="Days computed again: difference, approval, publishing",
    schedule=None,
    default_args=defaults.default_args(site),
    params={
        "start": Param(type="string", format="date", description="first day (UTC)"),
        "end": Param(type="string", format="date", description="day after the last (exclusive)"),
        "reason": Param(type="string", minLength=3, description="why, for whoever reads the history"),
    },
) as dag:  # fmt: skip
    longest = 4 * site.task_time
    dry_run = runners.telling(
        site, commands.backfill(site, dry_run=True), task_id="dry_run", pool=site.pool, execution_timeout=longest
    )
    approve = ApprovalOperator(
        task_id="approve",
        subject="Publish the backfill of {{ params.start }} to {{ params.end }} (exclusive)?",
        body=runners.DIFFERENCE,
        defaults=ApprovalOperator.REJECT,
        response_timeout=ANSWER_WITHIN,
        execution_timeout=None,  # the operator takes one for the time to answer
    )
    backfill = runners.task(
        site, commands.backfill(site, dry_run=False), task_id="backfill", pool=site.pool, execution_timeout=longest,
        outlets=[MARTS],
    )  # fmt: skip
    dry_run >> approve >> backfill
