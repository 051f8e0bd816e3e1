"""Days on a Spark cluster, over a catalog on PostgreSQL and a warehouse on S3, give the rows that one machine makes.

The first day is a plain command that goes to the cluster. The second is handed to spark-submit, on a machine that has
nothing of the first; while it runs, an executor and a worker are killed. `make cluster` takes some minutes and prints
what goes on.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
from pyarrow import fs
from sqlalchemy import make_url

import jobs.__main__
from jobs import contracts
from jobs.engine.spark_conf import packages
from jobs.resources import shipped
from jobs.warehouse.catalog import catalog_properties, known_tables, open_catalog
from jobs.warehouse.runs import MARTS_FILE
from tests.cluster.servers import (
    LOOPBACK,
    S3_KEYS,
    SPARK_HOME,
    SparkCluster,
    cannot_start,
    clean_environment,
    postgres,
    s3_server,
    spark_cluster,
)
from tests.integration import worlds
from tests.integration.killing import cmdline, descendants

DAYS = ("2026-03-16", "2026-03-17")
NO_INPUT = "2026-04-01"
WAREHOUSE = "s3://lake/warehouse"
INPUT = "s3://lake/input"
SALT = {"PDMETRICS_PRIVACY__SALT": "pepper-for-two-warehouses"}  # with another, hashes differ; nothing else may
TIMEOUT = 1200
PDMETRICS = (sys.executable, "-m", "jobs")
pytestmark = pytest.mark.cluster


@pytest.fixture(autouse=True, scope="module")
def _can_start() -> None:
    """Skip where there is no cluster to be had, unless it was asked for: `make cluster` is no proof if nothing ran."""
    if why := cannot_start():
        (pytest.fail if "PDMETRICS_TEST_REQUIRED" in os.environ else pytest.skip)(why)


@dataclass(frozen=True)
class Site:
    """A running site.

    Attributes:
        cluster: of Spark.
        files: the S3 server, as Arrow opens it.
        catalog: `[catalog]`.
        environment: what a command is told, but for what is Spark's.
        folder: for what a machine keeps.
    """

    cluster: SparkCluster
    files: fs.FileSystem
    catalog: dict[str, str]
    environment: dict[str, str]
    folder: Path

    def machine(self, name: str) -> list[str]:
        """The beginning of a command's options on a machine of that name: what it keeps is its own."""
        return ["--warehouse", WAREHOUSE, "--set", f"run.work_dir={self.folder / name}"]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Two days of four wikis, one of them sampled by session."""
    out = tmp_path_factory.mktemp("world") / "world"
    worlds.simulate(out, start=DAYS[0], days=2, scenario="session-25", scale=0.1)
    return out


@pytest.fixture(scope="module")
def alone(world, tmp_path_factory):
    """A warehouse in a folder: what the embedded engine makes of the days."""
    warehouse = tmp_path_factory.mktemp("alone") / "warehouse"
    for day in DAYS:
        run = ["--warehouse", str(warehouse), "run", "--input", str(world), "--date", day]
        code, told = _told([*PDMETRICS, *run], {**clean_environment(), **SALT, "PDMETRICS_REPORT__BUILD": "false"}, {})
        assert code == 0, told
    return warehouse


@pytest.fixture(scope="module")
def site(world, tmp_path_factory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    with contextlib.ExitStack() as servers:
        uri = servers.enter_context(postgres())
        s3 = servers.enter_context(s3_server(folder, "lake"))
        cluster = servers.enter_context(spark_cluster(folder))
        files = fs.S3FileSystem(
            endpoint_override=s3, region=S3_KEYS["AWS_REGION"], access_key=S3_KEYS["AWS_ACCESS_KEY_ID"],
            secret_key=S3_KEYS["AWS_SECRET_ACCESS_KEY"],
        )  # fmt: skip
        fs.copy_files(str(world), "lake/input", destination_filesystem=files)
        catalog = {
            "uri": uri, "s3.endpoint": s3, "s3.region": S3_KEYS["AWS_REGION"],
            "s3.access-key-id": S3_KEYS["AWS_ACCESS_KEY_ID"], "s3.secret-access-key": S3_KEYS["AWS_SECRET_ACCESS_KEY"],
        }  # fmt: skip
        environment = {
            **clean_environment(), **S3_KEYS, **SALT, "AWS_ENDPOINT_URL": s3, "SPARK_LOCAL_IP": LOOPBACK,
            "PDMETRICS_CATALOG": json.dumps(catalog), "PDMETRICS_ENGINE__NAME": "spark",
            "PDMETRICS_REPORT__BUILD": "false", "COLUMNS": "200",
        }  # fmt: skip
        yield Site(cluster, files, catalog, environment, folder)


@pytest.fixture(scope="module")
def published(site):
    """A folder with the marts that are published after both days on the cluster."""
    run = ["run", "--input", INPUT, "--date"]
    conf = {"spark.sql.shuffle.partitions": "4", "spark.executorEnv.AWS_ENDPOINT_URL": site.catalog["s3.endpoint"]}
    settings = {"PDMETRICS_SPARK__MASTER": site.cluster.master, "PDMETRICS_SPARK__CONF": json.dumps(conf)}
    code, told = _told([*PDMETRICS, *site.machine("one"), *run, DAYS[0]], {**site.environment, **settings}, {})
    assert code == 0, told
    lost = {
        "reading files": lambda: _kill_executors(site.cluster.workers[0]),
        "computing windows": lambda: _kill_worker(site.cluster.workers[1]),
    }
    code, told = _spark_submit(site, [*site.machine("two"), *run, DAYS[1]], lost)
    assert code == 0, told
    assert site.cluster.state()["aliveworkers"] == 1
    assert "SparkContext: Running" in told  # Spark's own log is there, plans and all
    assert not [secret for secret in (*SALT.values(), make_url(site.catalog["uri"]).password) if str(secret) in told]
    with site.files.open_input_stream("lake/warehouse/marts/current.json") as stream:
        file = json.loads(stream.read())["file"]
    folder = site.folder / "published"
    folder.mkdir()
    fs.copy_files(f"lake/warehouse/marts/{file}", str(folder / MARTS_FILE), source_filesystem=site.files)
    return folder


def test_every_mart_holds_the_rows_of_one_machine(published, alone):
    expected, got = worlds.contents(alone), worlds.contents(published)
    assert got.keys() == expected.keys()
    assert len(expected["fct_metric_values"]) > 500
    for table, rows in expected.items():
        assert got[table] == rows, f"{table}: {len(got[table] - rows)} too many, {len(rows - got[table])} missing"


def test_every_table_holds_the_rows_of_one_machine(published, alone, site):
    expected, got = _lake(catalog_properties({}, alone)), _lake(site.catalog)
    assert got.keys() == expected.keys() == contracts.TABLES.keys()
    assert len(expected["user_days"]) > 50
    for table, rows in expected.items():
        assert got[table] == rows, f"{table}: {len(got[table] - rows)} too many, {len(rows - got[table])} missing"


def test_a_machine_that_did_nothing_of_it_queries_the_marts(published, site):
    query = "select count(distinct as_of_date) as days from fct_metric_values"
    command = [*PDMETRICS, *site.machine("three"), "query", query, "--format", "csv"]
    code, told = _told(command, site.environment, {})
    assert (code, told.split()) == (0, ["days", "2"])


def test_spark_submit_hands_on_the_exit_code(published, site):
    run = [*site.machine("two"), "run", "--input", INPUT, "--date", NO_INPUT]
    code, told = _spark_submit(site, run, {})
    assert code == 3, told


def _spark_submit(site: Site, words: list[str], at: dict[str, Callable[[], None]]) -> tuple[int, str]:
    """Run a command by spark-submit, on a site whose own defaults say something else than ours."""
    own = site.folder / "site-conf"
    own.mkdir(exist_ok=True)
    (own / "spark-defaults.conf").write_text(
        "spark.sql.shuffle.partitions 4\n"
        "spark.sql.session.timeZone Europe/Berlin\n"
        f"spark.executorEnv.AWS_ENDPOINT_URL {site.catalog['s3.endpoint']}\n"
    )
    command = [
        str(SPARK_HOME / "bin" / "spark-submit"), "--master", site.cluster.master, "--driver-memory", "1g",
        "--packages", packages({**site.catalog, "warehouse": WAREHOUSE}), "--load-spark-defaults",
        "--properties-file", str(shipped("conf/cluster/spark-defaults.conf")),
        "--conf", f"spark.pyspark.python={sys.executable}", str(Path(jobs.__main__.__file__)), *words,
    ]  # fmt: skip
    return _told(command, {**site.environment, "SPARK_CONF_DIR": str(own)}, at)


def _told(command: list[str], environment: dict[str, str], at: dict[str, Callable[[], None]]) -> tuple[int, str]:
    """Run a command, print its log as it goes, and do what is to be done at some of its lines, once each."""
    lines, began, open_ = [], time.monotonic(), dict(at)
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, start_new_session=True
    )
    try:
        for line in process.stdout or ():
            lines.append(line)
            if "[info" in line or "WARN" in line:
                print(f"{time.monotonic() - began:4.0f} s {line.strip()[:150]}", flush=True)
            for sign in [sign for sign in open_ if sign in line]:
                open_.pop(sign)()
            assert time.monotonic() - began < TIMEOUT, "".join(lines)
        code = process.wait(60)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    assert code != 0 or not open_, f"never said: {', '.join(open_)}"
    return code, "".join(lines)


def _kill_executors(worker: subprocess.Popen[bytes]) -> None:
    """Kill the executors of a worker once they have work; the worker starts others."""
    time.sleep(15)
    found = [pid for pid in descendants(worker.pid) if b"CoarseGrainedExecutorBackend" in cmdline(pid)]
    for pid in found:
        os.kill(pid, signal.SIGKILL)
    assert found, "the worker had no executor"


def _kill_worker(worker: subprocess.Popen[bytes]) -> None:
    """Kill a worker and its executors for good."""
    os.killpg(worker.pid, signal.SIGKILL)


def _lake(properties: dict[str, str]) -> dict[str, set[tuple[object, ...]]]:
    """Return every published row of a lake, read past either engine."""
    found = {}
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        for name, table in known_tables(open_catalog(properties)).items():
            connection.register("rows", table.scan().to_arrow())
            source = worlds.SAID_LAST.format(name="rows") if name == "data_quality_metrics" else "rows"
            found[name] = set(connection.execute(f"select columns(*)::varchar from {source}").fetchall())
    return found
