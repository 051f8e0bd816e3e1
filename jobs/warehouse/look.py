"""The tables of a warehouse for somebody who only looks: nothing is made, added or locked; a run may be writing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from jobs.errors import WarehouseError
from jobs.warehouse.catalog import known_tables
from jobs.warehouse.home import open_home
from jobs.warehouse.refused import LINES, LOG
from jobs.warehouse.tables import Tables


class _Looked(Tables):
    """The tables that are there."""

    def ensure_tables(self) -> None:
        """Open them, and make none."""
        self._tables = known_tables(self.catalog)

    @property
    def hold_input(self) -> bool:
        """Whether anything was ever ingested."""
        return {LOG, LINES} <= self._tables.keys()


def tables_if_any(properties: Mapping[str, str], warehouse: Path) -> Tables | None:
    """Open the tables of a warehouse, if anything was ever ingested into it.

    Args:
        properties: of `[catalog]`.
        warehouse: the warehouse directory.
    """
    catalog, _ = open_home(properties, warehouse, look_only=True)
    if catalog is None:
        return None
    tables = _Looked(catalog)
    tables.ensure_tables()
    return tables if tables.hold_input else None


def tables_to_look_at(properties: Mapping[str, str], warehouse: Path) -> Tables:
    """Open the tables of a warehouse.

    Raises:
        WarehouseError: nothing has been ingested.
    """
    tables = tables_if_any(properties, warehouse)
    if tables is None:
        raise WarehouseError(
            "Nothing has been ingested into this warehouse.", where="--warehouse", next_step="run first"
        )
    return tables
