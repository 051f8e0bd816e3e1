"""Late days that a gate refused: they are not run again until further hours arrive, `WAREHOUSE/late_refused.json`.

Without it each daily run would compute them again, and end with the same error, as long as late hours are looked for.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date

from jobs.log import get_logger
from jobs.warehouse.manifest import write_json
from jobs.warehouse.runs import LATE_REFUSED_FILE, Warehouse

Hours = Mapping[date, Sequence[int]]


def refused_hours(warehouse: Warehouse) -> Hours:
    """Return by day the hours (UTC) that had arrived late when a gate refused it; of a damaged file none."""
    path = warehouse.path / LATE_REFUSED_FILE
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        return {date.fromisoformat(day): [int(hour) for hour in hours] for day, hours in raw.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError):
        get_logger().warning("the file of refused late days is damaged; they are run again", file=str(path))
        return {}


def note_refused(warehouse: Warehouse, refused: Hours, late: Sequence[date]) -> None:
    """Note days that a gate refused, and forget those that are not late any more. Takes the lock.

    Args:
        warehouse: the warehouse.
        refused: by day the hours that have arrived.
        late: all days of which hours have arrived late.
    """
    with warehouse.lock():
        known = {day: hours for day, hours in refused_hours(warehouse).items() if day in late}
        write_json(warehouse.path / LATE_REFUSED_FILE, known | dict(refused))
