"""One simulated day through the real DAG: `airflow dags test`, the real commands, the real marts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from tests.integration import worlds

SCRIPT = Path(__file__).with_name("run_dag_test.sh")
ROOT = SCRIPT.resolve().parents[2]
DAY = "2026-03-23"  # a Monday


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    merged = {**worlds.ENVIRONMENT, "PYTHON": sys.executable, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(command, env=merged, cwd=ROOT, capture_output=True, text=True, check=False, timeout=1800)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The world named by PDMETRICS_TEST_WORLD (it must hold the day), else a small simulated one."""
    if given := os.environ.get("PDMETRICS_TEST_WORLD"):
        return Path(given)
    out = tmp_path_factory.mktemp("world") / "input"
    argv = ["simulate", "--out", str(out), "--start", DAY, "--days", "1", "--scale", "0.1", "--scenario", "clean"]
    done = run(sys.executable, "-m", "jobs", *argv)
    assert done.returncode == 0, done.stdout + done.stderr
    return out


@pytest.mark.airflow
@pytest.mark.integration
def test_a_day_goes_from_raw_events_to_published_marts(world: Path, tmp_path: Path) -> None:
    warehouse = tmp_path / "warehouse"
    done = run(str(SCRIPT), str(world), str(warehouse), DAY)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
    with duckdb.connect(str(warehouse / "personal_dashboard.duckdb"), read_only=True) as marts:
        loads = marts.execute(
            """select wiki_db, estimate from marts.fct_metric_values
               where metric = 'dashboard_pageviews' and window_kind = 'rolling' and window_days = 1
               and as_of_date = ?""",
            [DAY],
        ).fetchall()
        failed = marts.execute(
            "select count(*) from marts.fct_data_quality where not success and severity = 'critical'"
        )
        assert failed.fetchone() == (0,)
    assert loads
    assert any(estimate for _, estimate in loads)


@pytest.mark.scheduler  # CI has its parts: the sensor past its deadline, exit code 3, the words of the failure
def test_a_day_without_input_fails_and_publishes_nothing(world: Path, tmp_path: Path) -> None:
    warehouse = tmp_path / "warehouse"
    done = run(str(SCRIPT), str(world), str(warehouse), "2026-05-30")
    assert done.returncode != 0
    said = done.stdout + done.stderr
    assert "not all hours of 2026-05-30 are there" in said
    assert "personal_dashboard_daily.day failed for 2026-05-30: there is no input for the day" in said
    assert not (warehouse / "personal_dashboard.duckdb").exists()
