"""What every step of a run works with, and the one place it is put together."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console

from jobs.log import get_logger
from jobs.publish import recover
from jobs.reference import Reference
from jobs.runs import Run, Warehouse
from jobs.session import spark_session
from jobs.settings import Settings
from jobs.storage import Lake


@dataclass(frozen=True)
class Job:
    """A run's surroundings: where it writes, what it reads, how it is set."""

    lake: Lake
    warehouse: Warehouse
    settings: Settings
    console: Console
    run: Run

    @property
    def reference(self) -> Reference:
        """The input's tables as this run froze them."""
        return Reference.read(self.warehouse.reference(self.run.run_id))


@contextlib.contextmanager
def open_lake(settings: Settings, warehouse: Warehouse) -> Iterator[Lake]:
    """Lock the warehouse, start Spark, create what tables are missing and finish a publish that was cut off."""
    with warehouse.lock():
        get_logger().info("starting Spark", master=settings.spark.master)
        # Their imports take seconds each, in which Python would otherwise wait for the JVM.
        threading.Thread(target=_prefetch, daemon=True).start()
        spark = spark_session(
            warehouse.path,
            master=settings.spark.master,
            driver_memory=settings.spark.driver_memory,
            conf=settings.spark.conf,
            log_file=warehouse.path / "spark.log",
        )
        lake = Lake(spark, warehouse.path)
        lake.ensure_tables()
        recover(lake, warehouse)
        yield lake


def _prefetch() -> None:
    import expectations.gate
    import jobs.marts

    jobs.marts.prefetch()
    expectations.gate.prefetch()
