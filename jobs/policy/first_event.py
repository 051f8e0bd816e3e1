"""The first raw event of an instrument on a wiki within a few hours: what a late policy would lose. No engine here."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from jobs.raw.files import Input, RawFile, discover
from jobs.raw.reader import read_files
from jobs.reference.csv_file import parse_time
from jobs.reference.rows import InstrumentRow
from jobs.scope import RULES, out_of_scope

_OF_INSTRUMENT = "has_user_id"
_OF_LINE = sorted({field for cases in RULES.values() for case in cases for field in case} - {_OF_INSTRUMENT})
READ = ("instrument_name", "wiki_db", "meta_dt", *_OF_LINE)


def find_event(
    source: Input,
    instruments: Iterable[InstrumentRow],
    instrument_name: str,
    wiki_db: str,
    start: datetime,
    end: datetime,
) -> datetime | None:
    """Return the time of the first raw event of an instrument on a wiki in `[start, end)`, hours of one UTC day.

    Events that are out of scope in any case (`scope.RULES`) do not count, nor do damaged files.
    """
    if not source.is_folder("raw"):
        return None
    own = (row for row in instruments if row.instrument_name == instrument_name and row.stretch.holds(start.date()))
    has_user_id = next((row.has_user_id for row in own), None)
    by_hour: dict[int, list[RawFile]] = {}
    for file in discover(source, [start.date()]).files:
        by_hour.setdefault(file.hour, []).append(file)
    for hour in sorted(hour for hour in by_hour if start.replace(hour=hour) < end):
        found = _moments(source, by_hour[hour], instrument_name, wiki_db, has_user_id)
        if any(start <= moment < end for moment in found):
            return min(moment for moment in found if start <= moment < end)
    return None


def _moments(
    source: Input, files: list[RawFile], instrument_name: str, wiki_db: str, has_user_id: bool | None
) -> list[datetime]:
    """Return the receive times of the events of an instrument on a wiki that are in scope; none of a damaged file."""
    rows = (row for batch in read_files(source, files) for row in batch.select(READ).to_pylist())
    times = [
        parse_time(row["meta_dt"])
        for row in rows
        if row["meta_dt"]
        and (row["instrument_name"], row["wiki_db"]) == (instrument_name, wiki_db)
        and out_of_scope({**row, _OF_INSTRUMENT: has_user_id}) is None
    ]
    return [moment for moment in times if moment is not None]
