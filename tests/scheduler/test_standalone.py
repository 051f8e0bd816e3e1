"""What a local Airflow is started with, and that nothing of it is left; without Airflow."""

from __future__ import annotations

import socket
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from tests.scheduler.standalone import KEEPER, environment, free_port, whole


def test_nothing_of_another_airflow_and_the_loopback_only(monkeypatch):
    monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "postgresql://production")
    monkeypatch.setenv("PDMETRICS_WAREHOUSE", "/srv/production")
    found = environment(Path("/home"), 8080, {"PDMETRICS_INPUT": "/input"})
    assert found["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] == "sqlite:////home/airflow.db"
    assert "PDMETRICS_WAREHOUSE" not in found
    assert found["PDMETRICS_INPUT"] == "/input"
    assert found["AIRFLOW__API__HOST"] == "127.0.0.1"
    assert not [name for name, value in found.items() if name.startswith("AIRFLOW__") and "0.0.0.0" in value]


def test_a_port_that_is_taken_is_not_taken_again():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert free_port(port) != port
    assert free_port(port) == port


@pytest.mark.parametrize("place", ["s3://lake/raw", "/raw"])
def test_a_place_from_the_root_or_an_address_stays_as_it_is(place):
    assert whole(place) == place


def test_a_place_near_by_is_told_from_the_root_on():
    assert whole("raw") == str(Path.cwd() / "raw")


def test_nothing_outlives_whoever_started_it(tmp_path):
    component = tmp_path / "component"
    component.write_text("#!/bin/sh\nexec sleep 600\n")
    component.chmod(0o755)
    keeper = subprocess.Popen(
        ["bash", "-c", KEEPER, str(component), str(tmp_path)], stdin=subprocess.PIPE, start_new_session=True
    )
    names = ["api-server", "dag-processor", "scheduler", "triggerer"]
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:  # each has started once its log is there; before that it is a copy of the shell
        below = psutil.Process(keeper.pid).children()
        logs = sorted(log.stem for log in tmp_path.glob("*.log"))
        if len(below) == 5 and logs == names:  # four, and `cat`
            break
        time.sleep(0.05)
    assert (len(below), logs) == (5, names)
    keeper.stdin.close()  # as the kernel does for a starter that was killed
    assert psutil.wait_procs(below, timeout=20)[1] == []
    assert keeper.wait(timeout=20) is not None
