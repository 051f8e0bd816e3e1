"""Which days can be run again: those whose windows, and whose copies of events, reach into no day that was purged."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from jobs import contracts
from jobs.catalogue import load_catalogue
from jobs.errors import UsageError
from jobs.settings import Settings
from jobs.warehouse.look import tables_if_any
from jobs.warehouse.receipts import purged_days
from jobs.warehouse.runs import Warehouse
from jobs.warehouse.tables import Tables
from jobs.windows import DAY, LONGEST_QUARTER, affected_as_of, days, earliest_day, in_words

USERS = tuple(name for name, table in contracts.TABLES.items() if table.keep == "user_days")
COPIES = ("events", "duplicates")
KEEPS = "[privacy] events_keep_days, user_days_keep_days"


class _Kept:
    """What was purged of a warehouse, and what runs of it need.

    Args:
        tables: of the warehouse.
        lookback: days around an event in which a copy of it makes a duplicate.
    """

    def __init__(self, tables: Tables, lookback: int) -> None:
        self.users, self.copies = purged_days(tables, USERS), purged_days(tables, COPIES)
        self._lookback = lookback
        self._published = tables.days("metric_values") if self.users or self.copies else []
        self._longest = load_catalogue().longest_days

    def lacking(self, asked: Sequence[date]) -> list[date]:
        """Return the purged days that a run of some days needs and does not read itself."""
        first, end = min(asked), max(asked) + DAY
        later = days(end, end + self._lookback * DAY)
        copies = {*days(first - self._lookback * DAY, end), *later}
        as_of = affected_as_of([*asked, *later], self._published, asked, self._longest)
        return sorted({*self.in_windows(as_of), *(self.copies & copies)} - set(asked))

    def in_windows(self, as_of: Sequence[date]) -> list[date]:
        """Return the days in windows of some as-of dates whose users were purged."""
        windows = {day for last in as_of for day in days(earliest_day(last, self._longest), last + DAY)}
        return sorted(self.users & windows)

    def runnable_after(self, day: date) -> date:
        """Return the first day after one that can be run again."""
        last = max(*self.users, *self.copies, day) + timedelta(days=LONGEST_QUARTER + self._lookback + 1)
        return next(one for one in days(day + DAY, last + DAY) if not self.lacking([one]))


def require_kept(tables: Tables, settings: Settings, asked: Sequence[date]) -> None:
    """Refuse to run days whose numbers cannot be made again, since what they are made of was purged.

    Later published days, which a run of these would recompute, are asked of as well.

    Args:
        tables: of the warehouse.
        settings: how far back copies are looked for.
        asked: all days of the run or the backfill, which are read anew.

    Raises:
        UsageError: with the first day that can be run.
    """
    kept = _Kept(tables, settings.ingest.dedup_lookback_days)
    if (kept.users or kept.copies) and (lacking := kept.lacking(asked)):
        first = min(asked)
        raise UsageError(
            f"{first} cannot be run again: it needs users' days and events that were purged, of "
            f"{in_words(lacking[0], lacking[-1] + DAY)}.",
            where=KEEPS,
            next_step=f"the first day that can be run is {kept.runnable_after(first)}; what is published of earlier "
            "days stays as it is",
        )


def require_windows(tables: Tables, settings: Settings, as_of: Sequence[date]) -> None:
    """Refuse to compute as-of dates again whose windows reach into days that were purged.

    Raises:
        UsageError: they do.
    """
    kept = _Kept(tables, settings.ingest.dedup_lookback_days)
    if gone := kept.in_windows(as_of):
        raise UsageError(
            f"What is published as of {min(as_of)} cannot be computed again: users' days of "
            f"{in_words(gone[0], gone[-1] + DAY)} were purged.",
            where=KEEPS,
            next_step="it stays as it is",
        )


def check_kept(settings: Settings, warehouse: Warehouse, asked: Sequence[date]) -> None:
    """Ask `require_kept` before an engine starts; nothing is made or changed.

    Raises:
        UsageError: as `require_kept`.
    """
    tables = tables_if_any(settings.catalog.properties(), warehouse.path)
    if tables is not None:
        require_kept(tables, settings, asked)
