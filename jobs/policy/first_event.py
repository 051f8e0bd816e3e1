"""The first raw event of an instrument on a wiki within a few hours: what a late policy would lose. No engine here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from jobs.raw.files import Input, RawFile, discover
from jobs.raw.reader import read_files
from jobs.reference.csv_file import parse_time

READ = ("instrument_name", "wiki_db", "is_logged_in", "is_temp", "is_bot", "meta_dt")


def find_event(source: Input, instrument_name: str, wiki_db: str, start: datetime, end: datetime) -> datetime | None:
    """Return the time of the first raw event of an instrument on a wiki in `[start, end)`, hours of one UTC day.

    Events that would be out of scope in any case (bots, users without an account) do not count, nor do damaged files.
    """
    if not source.is_folder("raw"):
        return None
    by_hour: dict[int, list[RawFile]] = {}
    for file in discover(source, [start.date()]).files:
        by_hour.setdefault(file.hour, []).append(file)
    for hour in sorted(hour for hour in by_hour if start.replace(hour=hour) < end):
        found = _moments(source, by_hour[hour], instrument_name, wiki_db)
        if any(start <= moment < end for moment in found):
            return min(moment for moment in found if start <= moment < end)
    return None


def _moments(source: Input, files: list[RawFile], instrument_name: str, wiki_db: str) -> list[datetime]:
    """Return the receive times of the events of an instrument on a wiki by named users; none of a damaged file."""
    rows = (row for batch in read_files(source, files) for row in batch.select(READ).to_pylist())
    times = [
        parse_time(row["meta_dt"]) for row in rows if row["meta_dt"] and _is_counted(row, instrument_name, wiki_db)
    ]
    return [moment for moment in times if moment is not None]


def _is_counted(row: Mapping[str, Any], instrument_name: str, wiki_db: str) -> bool:
    is_named = row["is_logged_in"] is not False and not row["is_temp"]
    is_ours = row["instrument_name"] == instrument_name and row["wiki_db"] == wiki_db
    return is_ours and is_named and not row["is_bot"]
