"""Days of one warehouse from machines with empty disks: state, marts and report at an address, tables in a catalog."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
import unittest.mock
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from killing import kill
from worlds import ENVIRONMENT, contents, here, pdmetrics, simulate

from jobs.warehouse.store import open_store
from pdmetrics import marts

FIRST, SECOND = "2026-03-24", "2026-03-25"
SALT = "a-salt-that-is-nowhere-to-be-seen"
NUMBERS = ("--steps", "ingest,estimates,marts")
COUNT = "select count(distinct as_of_date) as n from fct_metric_values"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("world")
    simulate(path, start=FIRST, days=2, scenario="clean", scale=0.02)
    return path


@contextlib.contextmanager
def on_machine(work: Path, settings: Mapping[str, str]) -> Iterator[None]:
    """Run commands as a machine whose disk is this folder."""
    told = {**ENVIRONMENT, **settings, "PDMETRICS_RUN__WORK_DIR": str(work), "PDMETRICS_PRIVACY__SALT": SALT}
    with unittest.mock.patch.dict(ENVIRONMENT, told), unittest.mock.patch.dict(os.environ, told):
        yield


@pytest.mark.worlds
def test_a_day_at_an_address_is_read_from_elsewhere(world: Path, tmp_path: Path) -> None:
    address = f"memory://{tmp_path.name}/pd"
    settings = {
        "PDMETRICS_WAREHOUSE": address,
        "PDMETRICS_CATALOG__URI": f"sqlite:///{tmp_path}/catalog.db",
        "PDMETRICS_CATALOG__WAREHOUSE": f"file://{tmp_path}/lake",
    }
    with on_machine(tmp_path / "a", settings):
        done = here("run", "--date", FIRST, "--input", str(world), *NUMBERS)
        assert f"pdmetrics --warehouse {address} query" in done.stdout
    store = open_store(address)
    assert json.loads(store.get("marts/current.json") or b"")["run_id"].endswith("_1")
    assert store.get("publish.json") is None
    with on_machine(tmp_path / "b", settings):
        assert here("query", COUNT, "--format", "csv").stdout == "n\n1\n"
        told = here("doctor", check=False).stdout
        assert marts.sql(COUNT)["n"].tolist() == [1]
    for line in (f"{address}: reached", f"{address}: published", "_1 is published", "given with the settings"):
        assert line in told
    assert SALT not in told
    assert list((tmp_path / "a" / "commands").iterdir()) == [], "a command leaves nothing"
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and SALT.encode() in path.read_bytes()]
    assert not [one for one in store.listed() if SALT.encode() in (store.get(one.path) or b"")]


@pytest.mark.worlds
def test_days_on_s3_are_those_of_a_folder_whoever_is_killed(world: Path, tmp_path: Path) -> None:
    from tests.cluster.servers import S3_KEYS, s3_server

    address = "s3://bucket/pd"
    with s3_server(tmp_path, "bucket") as endpoint:
        settings = {
            **S3_KEYS,
            "AWS_ENDPOINT_URL": endpoint,
            "PDMETRICS_WAREHOUSE": address,
            "PDMETRICS_CATALOG__URI": f"sqlite:///{tmp_path}/catalog.db",
            "PDMETRICS_CATALOG__S3__ENDPOINT": endpoint,
            "PDMETRICS_CATALOG__S3__REGION": S3_KEYS["AWS_REGION"],
        }
        with on_machine(tmp_path / "a", settings):
            pdmetrics("run", "--date", FIRST, "--input", str(world), *NUMBERS)
            killed_while_publishing(world, address, settings)
        with on_machine(tmp_path / "b", {**settings, "PDMETRICS_REPORT__BUILD": "true"}):
            done = pdmetrics("query", COUNT, "--format", "csv")
            assert done.stdout == "n\n2\n"
            assert "an earlier publish was cut off; finishing it" in done.stderr
            pdmetrics("run", "--date", SECOND, "--input", str(world), "--steps", "report")
            assert "20" in (open_store(address, s3(settings)).get("report/index.html") or b"").decode()
        found = tmp_path / "found"
        found.mkdir()
        told = json.loads(open_store(address, s3(settings)).get("marts/current.json") or b"")
        (kept,) = (tmp_path / "b" / "marts" / told["sha256"]).iterdir()
        kept.rename(found / kept.name)
    local = tmp_path / "local"
    with unittest.mock.patch.dict(ENVIRONMENT, {"PDMETRICS_PRIVACY__SALT": SALT}):
        for day in (FIRST, SECOND):
            pdmetrics("--warehouse", str(local), "run", "--date", day, "--input", str(world), *NUMBERS)
    assert contents(found) == contents(local)


def s3(settings: Mapping[str, str]) -> dict[str, str]:
    return {"s3.endpoint": settings["AWS_ENDPOINT_URL"], "s3.region": settings["AWS_REGION"]}


def killed_while_publishing(world: Path, address: str, settings: Mapping[str, str]) -> None:
    """Run the second day and kill it as soon as its journal is stored."""
    store = open_store(address, s3(settings))
    command = [sys.executable, "-m", "jobs", "run", "--date", SECOND, "--input", str(world), *NUMBERS]
    process = subprocess.Popen(command, text=True, stdout=subprocess.DEVNULL, env={**os.environ, **ENVIRONMENT})
    deadline = time.monotonic() + 600
    while store.get("publish.json") is None:
        assert process.poll() is None, "it was faster than we could look"
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert kill(process)
    assert store.get("publish.json") is not None
