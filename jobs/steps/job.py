"""What every step of a run works with, and the one place it is put together."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import TypeVar

from pyspark.sql import DataFrame
from rich.console import Console

from jobs.engine.session import Engine, open_engine
from jobs.errors import PdmetricsError, WarehouseError
from jobs.log import get_logger
from jobs.progress import still_at
from jobs.raw.files import RawDays
from jobs.reference.load import Reference
from jobs.settings import Settings
from jobs.steps.companion import Companion
from jobs.warehouse.catalog import known_tables
from jobs.warehouse.diagnostics import log_of_today
from jobs.warehouse.home import open_home
from jobs.warehouse.lake import Lake
from jobs.warehouse.manifest import Run
from jobs.warehouse.publish import locked_to_begin, recover
from jobs.warehouse.runs import Warehouse
from jobs.warehouse.salt import check_salt
from jobs.warehouse.tables import Tables

T = TypeVar("T")
DISK_TROUBLE = (
    "No space left on device", "Read-only file system", "Permission denied", "Disk quota exceeded", "File too large",
    "Input/output error",
    # SQLite, which keeps the catalog, has words of its own
    "database or disk is full", "disk I/O error", "attempt to write a readonly database",
)  # fmt: skip


@dataclass(frozen=True)
class Job:
    """A run's surroundings: where it writes, what it reads, how it is set."""

    lake: Lake
    warehouse: Warehouse
    settings: Settings
    console: Console
    run: Run
    companion: Companion
    raw: RawDays | None = None  # what a run that ingests has listed before it began
    whole: Run | None = None  # of a chunk, which is a run of fewer days under the same name: the run it is a part of

    @property
    def engine(self) -> Engine:
        """The engine that the lake is on."""
        return self.lake.engine

    @property
    def reference(self) -> Reference:
        """The input's tables as this run froze them."""
        return Reference.read(self.warehouse.reference(self.run.run_id))

    def save(self) -> None:
        """Write the run's manifest; of a chunk it is that of the whole, which takes in what the chunk knows."""
        if self.whole is not None:
            self.whole.changed = sorted({*self.whole.changed, *self.run.changed})
            self.whole.lines_read |= self.run.lines_read
            self.whole.state = self.run.state
        self.warehouse.save(self.whole or self.run)

    def stage_all(self, tables: Mapping[str, DataFrame], days: Sequence[date]) -> None:
        """Stage several tables of the run's days side by side."""
        side_by_side(*(partial(self.lake.stage, name, rows, self.run.run_id, days) for name, rows in tables.items()))


def side_by_side(*actions: Callable[[], T]) -> list[T]:
    """Do independent work on the lake at the same time, and return the results in the order of the actions.

    A query on a day's small tables is planned on one core, which takes longer than the query itself: what does not wait
    for each other is planned together. Raises what the first failing action raised, once all have ended.
    """
    pool = ThreadPoolExecutor(len(actions))
    try:
        futures = [pool.submit(action) for action in actions]
        return [future.result() for future in futures]
    except Exception:
        pool.shutdown(wait=True)
        raise
    finally:
        pool.shutdown(wait=False)  # all are done, or a signal came, which waits for nobody


@contextlib.contextmanager
def open_lake(settings: Settings, warehouse: Warehouse, begins: tuple[date, date] | None = None) -> Iterator[Lake]:
    """Lock the warehouse, start the engine, create what tables are missing and finish a publish that was cut off.

    Args:
        settings: of the engine and the catalog.
        warehouse: the warehouse.
        begins: days [start, end) of a run that is to begin, which waits for one of other days that is half way.
    """
    with warehouse.lock() if begins is None else locked_to_begin(warehouse, *begins):
        shutil.rmtree(warehouse.scratch, ignore_errors=True)  # what a killed command left: nobody else holds the lock
        catalog, properties = open_home(settings.catalog.properties(), warehouse.path)
        get_logger().info("starting the engine", engine=settings.engine.name)
        try:
            with contextlib.ExitStack() as stack:
                log_file = log_of_today(warehouse)
                with still_at("starting the engine"):
                    engine = stack.enter_context(
                        open_engine(settings, warehouse.scratch, catalog=properties, log_file=log_file)
                    )
                lake = Lake(engine, catalog)
                with engine_errors(warehouse):
                    lake.ensure_tables()
                    recover(lake, warehouse)
                yield lake
        finally:
            shutil.rmtree(warehouse.scratch, ignore_errors=True)


def check_salt_there(settings: Settings, warehouse: Warehouse) -> None:
    """Refuse a run whose salt is lost or another's; it takes the tables' metadata only, and makes nothing.

    Raises:
        WarehouseError: as `jobs.warehouse.salt.check_salt`.
    """
    catalog, _ = open_home(settings.catalog.properties(), warehouse.path, look_only=True)
    check_salt(known_tables(catalog) if catalog is not None else {}, warehouse, settings.privacy)


def finish_publish(settings: Settings, warehouse: Warehouse) -> None:
    """Roll a cut-off publish forward; it takes the tables' metadata only, and no engine."""
    with warehouse.lock(), engine_errors(warehouse):
        recovered_tables(settings, warehouse)


def recovered_tables(settings: Settings, warehouse: Warehouse) -> Tables:
    """Open the tables to change them without an engine, once a cut-off publish is finished. The caller holds the lock.

    Nothing is deleted through them once the lock is lost.
    """
    tables = Tables(open_home(settings.catalog.properties(), warehouse.path)[0], warehouse.check_held)
    tables.ensure_tables()
    recover(tables, warehouse)
    return tables


@contextlib.contextmanager
def engine_errors(warehouse: Warehouse) -> Iterator[None]:
    """Say in words what a full or read-only disk makes the engine say in stack traces."""
    try:
        yield
    except PdmetricsError:
        raise  # says where
    except Exception as error:  # Spark, Sail, DuckDB and the system each have a class of their own for it
        text = str(error)
        trouble = next((words for words in DISK_TROUBLE if words in text), None)
        if trouble is None:
            raise
        half_way = warehouse.journal.exists()
        raise WarehouseError(
            f"{trouble} while writing.",
            where=str(warehouse.path),  # of an address too: what is full is the disk that a command works on
            next_step="free space or permissions there and rerun; "
            + ("the next command finishes the publish" if half_way else "nothing was published"),
        ) from None
