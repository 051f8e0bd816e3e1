"""Take the picture of the daily DAG in dags/README.md: the graph view of a run, as Airflow's own pages show it.

    python benchmarks/graph_picture.py

It starts a local Airflow with a small simulated world, both in folders of their own, runs a day, and stops it: a minute
or two. Needs Chromium.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.report.browser import NAMES, PATIENCE, chromium, program  # noqa: E402
from tests.scheduler.api import DagRun, trigger  # noqa: E402
from tests.scheduler.standalone import newest_day, own_world, running  # noqa: E402

PICTURE = ROOT / "docs" / "pictures" / "dag_daily.png"
DAILY = "personal_dashboard_daily"
MOST_BYTES = 250_000  # every version of a picture stays in the repository
# As the pages remember what somebody chose: the graph, from left to right.
CHOSEN = (
    f"localStorage.setItem('default_dag_view', '\"graph\"');localStorage.setItem('direction-{DAILY}', '\"RIGHT\"');"
)


def main() -> None:
    if program() is None:
        sys.exit(f"no browser here: install one of {', '.join(NAMES)}")
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "airflow"
        world = own_world(home)
        settings = {
            "PDMETRICS_INPUT": str(world),
            "PDMETRICS_WAREHOUSE": str(Path(folder) / "warehouse"),
            "PDMETRICS_REPORT__BUILD": "false",
            "AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": "False",
        }
        with running(home, settings) as api:
            api.patch(f"/dags/{DAILY}", {"is_paused": False})
            run = trigger(api, DAILY, str(newest_day(world)))
            run.wait_for()
            take(run)
    size = PICTURE.stat().st_size
    print(f"{PICTURE}: {size // 1000} kB")
    if size > MOST_BYTES:
        sys.exit(f"the picture is larger than {MOST_BYTES // 1000} kB")


def take(run: DagRun) -> None:
    """Take the picture of a run."""
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 560}, color_scheme="light")
        page.set_default_timeout(PATIENCE)
        page.add_init_script(CHOSEN)
        page.goto(f"{run.api.address}/dags/{run.dag_id}/runs/{run.run_id}")
        page.wait_for_selector(".react-flow__node")
        page.add_style_tag(content=".react-flow__minimap, .react-flow__controls {display: none}")  # they lie on tasks
        page.wait_for_timeout(2000)  # the view is moved until all of the graph is in it
        page.screenshot(path=PICTURE)


if __name__ == "__main__":
    main()
