"""What a command that reads does first where a publish was cut off."""

from __future__ import annotations

from jobs.settings import Settings
from jobs.warehouse.runs import Warehouse


def finish_cut_off(settings: Settings, warehouse: Warehouse) -> None:
    """Finish a publish that was cut off, so that nothing is read half old and half new."""
    if warehouse.journal.exists():
        from jobs.steps.job import finish_publish  # takes a second to import, and is hardly ever needed

        finish_publish(settings, warehouse)
