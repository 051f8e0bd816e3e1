"""Entry: the static site of what is published, in a folder of one's own."""

from __future__ import annotations

import contextlib
from pathlib import Path

from rich.console import Console

from jobs.commands.cut_off import finish_cut_off
from jobs.settings import Settings
from jobs.steps.companion import companion
from jobs.steps.report import REPORT, report_to, where_to_look
from jobs.warehouse.runs import Warehouse


def write_report(console: Console, settings: Settings, warehouse: Warehouse, out: Path) -> None:
    """Make the site and say where it is.

    Args:
        console: where that is said.
        settings: what is suppressed, and the catalog, should a publish have to be finished.
        warehouse: with the marts.
        out: the folder of the site: a new or an empty one, or an earlier site, which it replaces.

    Raises:
        UsageError: nothing is published yet, or something lies in the folder that is no site.
        WarehouseError: it cannot be written.
    """
    finish_cut_off(settings, warehouse)
    is_own = out.resolve() == warehouse.report  # a run may be making the same site
    with companion([REPORT]) as other, warehouse.lock() if is_own else contextlib.nullcontext():
        report_to(settings, warehouse, other, out)
    console.print(where_to_look(out), highlight=False, soft_wrap=True)
