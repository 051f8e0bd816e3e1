"""What a command that reads does first where a publish was cut off."""

from __future__ import annotations

from jobs.errors import WarehouseError
from jobs.log import get_logger
from jobs.settings import Settings
from jobs.warehouse.runs import Warehouse


def finish_cut_off(settings: Settings, warehouse: Warehouse) -> None:
    """Finish a publish that was cut off, so that nothing is read half old and half new.

    Of a warehouse at an address the marts are of one publish in any case, and who only reads may not be let to write:
    there one that cannot be finished, as while it is under way on whatever machine, is left as it is.
    """
    if not warehouse.journal.exists():
        return
    from jobs.steps.job import finish_publish  # takes a second to import, and is hardly ever needed

    try:
        finish_publish(settings, warehouse)
    except WarehouseError as error:
        if not warehouse.is_elsewhere:
            raise
        get_logger().warning(
            "a publish is under way, or cannot be finished here; reading the marts as they are", why=error.what
        )
