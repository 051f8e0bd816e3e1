"""Upkeep of a warehouse, table by table; it takes the tables' metadata and files, and no engine."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime

from jobs.log import get_logger
from jobs.progress import still_at
from jobs.settings import Settings
from jobs.steps.job import engine_errors, recovered_tables
from jobs.warehouse.compact import is_staged
from jobs.warehouse.look import tables_to_look_at
from jobs.warehouse.runs import Warehouse
from jobs.warehouse.upkeep import Saved, keep_folder, keep_table


def keep_up(settings: Settings, warehouse: Warehouse, *, is_dry: bool, now: datetime | None = None) -> list[Saved]:
    """Hold the warehouse, finish a publish that was cut off, and make it small; return what that saved.

    Args:
        settings: where the tables are.
        warehouse: the warehouse.
        is_dry: tell, and change nothing.
        now: the moment (UTC) that ages are counted from; default now.

    Raises:
        LockedError: another command writes.
        WarehouseError: nothing was ever ingested, or a table whose folder holds less than its metadata names.
    """
    now = now or datetime.now(UTC)
    properties = settings.catalog.properties()
    tables_to_look_at(properties, warehouse.path)  # what is no warehouse is not made one
    with warehouse.lock(), engine_errors(warehouse), still_at("looking after the warehouse"):
        tables = tables_to_look_at(properties, warehouse.path) if is_dry else recovered_tables(settings, warehouse)
        found: list[Saved] = []
        for name in tables.names:
            if is_staged(tables, name):
                get_logger().info("a run has staged something of a table; its files stay as they are", table=name)
            found += keep_table(tables, name, now, is_dry=is_dry)
        if not is_dry:
            shutil.rmtree(warehouse.scratch, ignore_errors=True)  # of a killed command: nobody else holds the lock
        return [*found, *keep_folder(warehouse, now, is_dry=is_dry)]
