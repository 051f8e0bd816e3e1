"""A snapshot appears where the DAG looks: its sensor, its command, the published marts; and all of it by Airflow."""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.dags import bags, snapshots
from tests.integration import worlds

AUDIENCE = "personal_dashboard_audience"
SCRIPT = Path(__file__).with_name("run_dag_test.sh")
ROOT = SCRIPT.resolve().parents[2]
PATIENCE = 300.0  # seconds


def counted(warehouse: Path) -> list[tuple[Any, ...]]:
    """What is published of the last two weeks of March."""
    rows = worlds.rows(
        warehouse,
        """select wiki_db, estimate, status from fct_metric_values
           where metric = 'eligible_editors' and as_of_date = '2026-03-31' and window_days = 14
           and edit_count_bucket = '100-500' order by wiki_db""",
    )
    return list(rows.itertuples(index=False, name=None))


@pytest.mark.airflow
@pytest.mark.integration
def test_the_sensor_sees_a_snapshot_and_the_command_publishes_its_editors(tmp_path: Path) -> None:
    world, warehouse = tmp_path / "input", tmp_path / "warehouse"
    world.mkdir()  # no event, no `wikis.csv`
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_HOME", str(tmp_path / "airflow"))
        patch.setitem(bags.PLACES, "PDMETRICS_INPUT", str(world))
        dag = bags.load(PDMETRICS_WAREHOUSE=str(warehouse)).dags[AUDIENCE]
        snapshot, audience = (bags.rendered(dag.get_task(name), day="2026-03-01") for name in ("snapshot", "audience"))
    assert snapshot.poke({}) is False
    snapshots.appear(world, "2026-03", "enwiki", "nlwiki", day="2026-03-31")
    assert snapshot.poke({}) is True
    program, *arguments = shlex.split(audience.bash_command)
    assert program == "pdmetrics"
    worlds.here(*arguments)
    assert counted(warehouse) == [(wiki, snapshots.EDITORS, "publish") for wiki in ("enwiki", "nlwiki")]


@pytest.mark.scheduler  # CI has its parts, above
def test_airflow_counts_editors_when_a_snapshot_appears(tmp_path: Path) -> None:
    world, warehouse, log = tmp_path / "input", tmp_path / "warehouse", tmp_path / "log"
    world.mkdir()
    environment = {
        **worlds.ENVIRONMENT, "PYTHON": sys.executable, "PYTHONPATH": str(ROOT), "PDMETRICS_ASK_MINUTES": "0.005",
    }  # fmt: skip
    command = [str(SCRIPT), str(world), str(warehouse), "2026-03-15", AUDIENCE]
    with log.open("w") as said:
        dag = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=said, stderr=subprocess.STDOUT)
    deadline = time.monotonic() + PATIENCE
    while "not yet: no wiki in" not in log.read_text():
        assert dag.poll() is None, log.read_text()[-5000:]
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert not warehouse.exists()
    snapshots.appear(world, "2026-03", "enwiki", "nlwiki", day="2026-03-31")
    assert dag.wait(PATIENCE) == 0, log.read_text()[-5000:]
    assert counted(warehouse) == [(wiki, snapshots.EDITORS, "publish") for wiki in ("enwiki", "nlwiki")]
