"""What a command that reads does first where a publish was cut off."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from jobs.errors import LockedError, WarehouseError
from jobs.log import get_logger
from jobs.settings import Settings
from jobs.warehouse.runs import Warehouse

T = TypeVar("T")


def finish_cut_off(settings: Settings, warehouse: Warehouse, *, tables_too: bool = False) -> None:
    """Finish a publish that was cut off, so that nothing is read half old and half new.

    Of a warehouse at an address the marts are of one publish in any case, and who only reads may not be let to write:
    there one that cannot be finished, as while it is under way on whatever machine, is left as it is, at once.

    Args:
        settings: with the catalog.
        warehouse: the warehouse.
        tables_too: tables are read besides the marts, and are half old and half new until it is finished.

    Raises:
        WarehouseError: it cannot be finished, and the command cannot do without.
    """
    if not warehouse.journal.exists():
        return
    from jobs.steps.job import finish_publish  # takes a second to import, and is hardly ever needed

    must = tables_too or not warehouse.is_elsewhere
    try:
        if must:
            finish_publish(settings, warehouse)
        else:
            with warehouse.not_waiting():
                finish_publish(settings, warehouse)
    except WarehouseError as error:
        if must:
            raise
        get_logger().warning(
            "a publish is under way, or cannot be finished here; reading the marts as they are", why=error.what
        )


def of_one_publish(settings: Settings, warehouse: Warehouse, read: Callable[[], T]) -> T:
    """Return what is read of marts and tables, all of one publish: again, once, if another began meanwhile.

    Raises:
        LockedError: a publish is under way, or one followed the other.
        WarehouseError: one that was cut off cannot be finished.
    """
    for _ in range(2):
        finish_cut_off(settings, warehouse, tables_too=True)
        found = read()
        if not warehouse.has_moved_on():
            return found
        warehouse.attach()
    raise LockedError(
        "Runs were published while this was read, twice.", where=warehouse.place, next_step="try again later"
    )
