"""Tracebacks and Spark's logs: files beside the tables in which a library may have quoted a line of somebody's."""

from __future__ import annotations

import os
import re
import tempfile
from datetime import UTC, date, datetime
from pathlib import Path

from jobs.warehouse.runs import Warehouse

TRACEBACKS, LOGS = "error-*.txt", "spark*.log"
LOG_OF_EARLIER_VERSIONS = "spark.log"  # to which every run added: nobody knows how old its first line is
_SAVED = re.compile(r"error-\d{8}T\d{6}-\d+\.txt")  # as `jobs.exits` names it
_BEGINS = b"pdmetrics "


def tracebacks(warehouse: Warehouse) -> list[Path]:
    """Return the tracebacks of commands on a warehouse; of one at an address those of this machine and user.

    There they lie among temporary files, whatever warehouse of an address they are of.
    """
    found = list(warehouse.path.glob(TRACEBACKS))
    if warehouse.is_elsewhere:
        found += [path for path in Path(tempfile.gettempdir()).glob(TRACEBACKS) if _is_ours(path)]
    return sorted(path for path in found if path.is_file())


def logs(warehouse: Warehouse) -> list[Path]:
    """Return Spark's logs, one for each day on which it was started."""
    return sorted(warehouse.logs.glob(LOGS))


def log_of_today(warehouse: Warehouse) -> Path:
    """Return where Spark writes its log: a file a day, so that each can grow old."""
    return warehouse.logs / f"spark-{datetime.now(UTC).date()}.log"


def last_written(path: Path) -> date:
    """Return the day (UTC) to which a file's age is counted; a log of unknown age is as old as can be."""
    if path.name == LOG_OF_EARLIER_VERSIONS:
        return date.min
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).date()


def _is_ours(path: Path) -> bool:
    """Whether a file among temporary ones is a traceback that a command of this user saved."""
    if not _SAVED.fullmatch(path.name) or path.is_symlink() or path.stat().st_uid != os.getuid():
        return False
    with path.open("rb") as handle:
        return handle.read(len(_BEGINS)) == _BEGINS
