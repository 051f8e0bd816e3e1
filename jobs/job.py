"""What every step of a run works with, and the one place it is put together."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import TypeVar

from pyspark.sql import DataFrame
from rich.console import Console

from jobs.errors import WarehouseError
from jobs.log import get_logger
from jobs.publish import recover
from jobs.reference import Reference
from jobs.runs import Run, Warehouse
from jobs.session import spark_session
from jobs.settings import Settings
from jobs.storage import Lake

T = TypeVar("T")
DISK_TROUBLE = ("No space left on device", "Read-only file system", "Permission denied", "Disk quota exceeded")


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

    def stage_all(self, tables: Mapping[str, DataFrame], days: Sequence[date]) -> None:
        """Stage several tables of the run's days side by side."""
        side_by_side(*(partial(self.lake.stage, name, rows, self.run.run_id, days) for name, rows in tables.items()))


def side_by_side(*actions: Callable[[], T]) -> list[T]:
    """Do independent work on the lake at the same time, and return the results in the order of the actions.

    Spark plans and compiles a query on one core, which for a day's small tables takes longer than the query: what does
    not wait for each other is planned together. Raises what the first failing action raised, once all have ended.
    """
    with ThreadPoolExecutor(len(actions)) as pool:
        return [future.result() for future in [pool.submit(action) for action in actions]]


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
        with engine_errors(warehouse):
            lake.ensure_tables()
            recover(lake, warehouse)
        yield lake


@contextlib.contextmanager
def engine_errors(warehouse: Warehouse) -> Iterator[None]:
    """Say in words what a full or read-only disk makes the engine say in stack traces."""
    try:
        yield
    except Exception as error:  # Py4J, Spark, DuckDB and the system each have a class of their own for it
        text = str(error)
        trouble = next((words for words in DISK_TROUBLE if words in text), None)
        if trouble is None:
            raise
        half_way = warehouse.journal.exists()
        raise WarehouseError(
            f"{trouble} while writing.",
            where=str(warehouse.path),
            next_step="free space or permissions there and rerun; "
            + ("the next command finishes the publish" if half_way else "nothing was published"),
        ) from None


def _prefetch() -> None:
    import expectations.gate
    import jobs.marts

    jobs.marts.prefetch()
    expectations.gate.prefetch()
