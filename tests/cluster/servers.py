"""What a run beyond one machine needs, on loopback: a PostgreSQL, an S3 server, a Spark master with two workers.

Each is a process of its own on a free port, and ends with its block, workers and executors included.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyspark

POSTGRES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1:]
SPARK_HOME = Path(pyspark.__file__).parent
LOOPBACK = "127.0.0.1"
S3_KEYS = {"AWS_ACCESS_KEY_ID": "loopback", "AWS_SECRET_ACCESS_KEY": "no-secret", "AWS_REGION": "us-east-1"}
WAIT_SECONDS = 60


def cannot_start() -> str:
    """Say what of it this machine lacks, nothing if it has all."""
    if not POSTGRES and shutil.which("initdb") is None:
        return "there is no PostgreSQL server: apt install postgresql"
    if os.geteuid() == 0 and (shutil.which("setpriv") is None or _postgres_user() is None):
        return "PostgreSQL refuses to run as root, and there is no user `postgres` to run it as"
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        return "there is no Java: install a JDK 17 or 21"
    return ""


def free_port() -> int:
    with socket.socket() as found:
        found.bind((LOOPBACK, 0))
        return int(found.getsockname()[1])


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """Start a new PostgreSQL with a database `lake`; give its address as SQLAlchemy says it."""
    # Not in pytest's folders, which only their owner may enter.
    folder, port, password = Path(tempfile.mkdtemp(prefix="pdmetrics-postgres-")), free_port(), secrets.token_hex(8)
    programs = POSTGRES[0] if POSTGRES else Path(str(shutil.which("initdb"))).parent
    user = _postgres_user() if os.geteuid() == 0 else None
    # Neither the server nor initdb runs as root.
    become = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] if user else []
    try:
        (folder / "password").write_text(password)
        if user is not None:
            for path in (folder, folder / "password"):
                os.chown(path, user, -1)
        initdb = [str(programs / "initdb"), "-D", str(folder / "data"), "-U", "pd", "--auth=scram-sha-256"]
        told = subprocess.run(
            [*become, *initdb, f"--pwfile={folder / 'password'}", "--no-sync", "-E", "UTF8"],
            capture_output=True, text=True, cwd=folder, check=False,
        )  # fmt: skip
        assert told.returncode == 0, told.stderr
        server = [str(programs / "postgres"), "-D", str(folder / "data"), "-k", str(folder), "-h", LOOPBACK]
        with _running([*become, *server, "-p", str(port), "-c", "fsync=off"], folder / "log", cwd=folder):
            _wait(lambda: _answers(port), folder / "log")
            _make_database(port, password)
            yield f"postgresql+psycopg2://pd:{password}@{LOOPBACK}:{port}/lake"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def s3_server(folder: Path, bucket: str) -> Iterator[str]:
    """Start an S3 server with an empty bucket, which holds it in memory; give its address."""
    import boto3

    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", LOOPBACK, "-p", str(port)]
    with _running(command, folder / "s3.log", env={**os.environ, "MOTO_S3_DEFAULT_KEY_BUFFER_SIZE": str(64 << 20)}):
        _wait(lambda: _answers(port), folder / "s3.log")
        client = boto3.client(
            "s3", endpoint_url=f"http://{LOOPBACK}:{port}", region_name="us-east-1",
            aws_access_key_id="loopback", aws_secret_access_key="no-secret",
        )  # fmt: skip
        client.create_bucket(Bucket=bucket)
        yield f"http://{LOOPBACK}:{port}"


@dataclass
class SparkCluster:
    """A running standalone cluster.

    Attributes:
        master: its address.
        workers: the processes of its workers.
        page: where the master says how it is.
    """

    master: str
    page: str
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def state(self) -> Mapping[str, object]:
        with urllib.request.urlopen(f"{self.page}/json/", timeout=10) as answer:
            found: Mapping[str, object] = json.load(answer)
        return found


@contextlib.contextmanager
def spark_cluster(folder: Path, *, workers: int = 2, cores: int = 1, memory: str = "1200m") -> Iterator[SparkCluster]:
    """Start a Spark master and workers, each with so many cores and so much memory for executors."""
    port, page = free_port(), free_port()
    cluster = SparkCluster(f"spark://{LOOPBACK}:{port}", f"http://{LOOPBACK}:{page}")
    own = folder / "spark-conf"  # a cluster knows nothing of this project
    own.mkdir()
    env = {**clean_environment(), "SPARK_CONF_DIR": str(own), "SPARK_LOCAL_IP": LOOPBACK, **S3_KEYS}
    with contextlib.ExitStack() as stack:
        start = ["org.apache.spark.deploy.master.Master", "--host", LOOPBACK, "--port", str(port)]
        stack.enter_context(_spark_daemon([*start, "--webui-port", str(page)], folder / "master.log", env))
        _wait(lambda: _answers(page), folder / "master.log")
        for number in range(workers):
            work = folder / f"worker-{number}"
            start = ["org.apache.spark.deploy.worker.Worker", "--host", LOOPBACK, "--webui-port", str(free_port())]
            sized = ["--cores", str(cores), "--memory", memory, "--work-dir", str(work), cluster.master]
            log = folder / f"worker-{number}.log"
            cluster.workers.append(stack.enter_context(_spark_daemon([*start, *sized], log, env)))
        _wait(lambda: cluster.state()["aliveworkers"] == workers, folder / "master.log")
        yield cluster


def clean_environment() -> dict[str, str]:
    """The caller's variables without what could lead Spark, Arrow or a command elsewhere."""
    dropped = ("PDMETRICS_", "SPARK_", "PYSPARK_", "AWS_")
    return {name: value for name, value in os.environ.items() if not name.startswith(dropped)}


def _spark_daemon(
    command: Sequence[str], log: Path, env: Mapping[str, str]
) -> contextlib.AbstractContextManager[subprocess.Popen[bytes]]:
    memory = {"SPARK_DAEMON_MEMORY": "256m"}
    return _running([str(SPARK_HOME / "bin" / "spark-class"), *command], log, env={**env, **memory})


@contextlib.contextmanager
def _running(
    command: Sequence[str], log: Path, *, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server in a session of its own, and end all of it with the block."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=env, cwd=cwd, start_new_session=True
        )
    try:
        yield process
    finally:
        for sign in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, sign)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)


def _wait(is_there: Callable[[], bool], log: Path) -> None:
    until = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < until:
        with contextlib.suppress(OSError):
            if is_there():
                return
        time.sleep(0.2)
    raise AssertionError(f"a server did not come up in {WAIT_SECONDS} s:\n{log.read_text()[-3000:]}")


def _answers(port: int) -> bool:
    with socket.create_connection((LOOPBACK, port), timeout=1):
        return True


def _make_database(port: int, password: str) -> None:
    import psycopg2

    until = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            connection = psycopg2.connect(host=LOOPBACK, port=port, user="pd", password=password, dbname="postgres")
            break
        except psycopg2.OperationalError:  # it listens before it takes anybody in
            if time.monotonic() > until:
                raise
            time.sleep(0.2)
    connection.autocommit = True
    with contextlib.closing(connection), connection.cursor() as cursor:
        cursor.execute("create database lake")


def _postgres_user() -> int | None:
    import pwd

    try:
        return pwd.getpwnam("postgres").pw_uid
    except KeyError:
        return None
