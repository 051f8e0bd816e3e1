"""The first raw event of an instrument on a wiki within a few hours, read past Spark: what a late policy would lose."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from jobs.csv_input import parse_time


def find_event(input_dir: Path, instrument_name: str, wiki_db: str, start: datetime, end: datetime) -> datetime | None:
    """Return the time of the first raw event of an instrument on a wiki in `[start, end)`, hours of one UTC day.

    Events that would be out of scope in any case (bots, users without an account) do not count, nor do damaged files.
    """
    # Brings Spark along, which most checks do not need: they have no start in doubt.
    from jobs.raw import discover

    if not (input_dir / "raw").is_dir():
        return None
    by_hour: dict[int, list[Path]] = {}
    for file in discover(input_dir, [start.date()]).files:
        if file.n_bytes:
            by_hour.setdefault(file.hour, []).append(file.path)
    for hour in sorted(hour for hour in by_hour if start.replace(hour=hour) < end):
        found = [moment for path in by_hour[hour] for moment in _moments(path, instrument_name, wiki_db)]
        if any(start <= moment < end for moment in found):
            return min(moment for moment in found if start <= moment < end)
    return None


def _moments(path: Path, instrument_name: str, wiki_db: str) -> list[datetime]:
    """Return the receive times of the events of an instrument on a wiki by named users; none of a damaged file."""
    try:
        rows = _parquet_rows(path) if path.suffix == ".parquet" else _json_rows(path, wiki_db)
        times = [_received(row) for row in rows if _is_counted(row, instrument_name, wiki_db)]
    except (OSError, EOFError, zlib.error, pa.ArrowException):
        return []
    return [moment for moment in times if moment is not None]


def _parquet_rows(path: Path) -> Iterator[Mapping[str, Any]]:
    with pq.ParquetFile(path) as table:
        names = [
            name for name in ("instrument_name", "meta", "mediawiki", "performer") if name in table.schema_arrow.names
        ]
        for batch in table.iter_batches(columns=names):
            yield from batch.to_pylist()


def _json_rows(path: Path, wiki_db: str) -> Iterator[Mapping[str, Any]]:
    """Yield the JSON objects of the lines that name a wiki; other lines are not worth parsing."""
    opener = gzip.open if path.suffix == ".gz" else Path.open
    with opener(path, "rb") as lines:
        for line in lines:
            if wiki_db.encode() not in line:
                continue
            try:
                row = json.loads(line)
            except ValueError:
                continue
            if isinstance(row, dict):
                yield row


def _is_counted(row: Mapping[str, Any], instrument_name: str, wiki_db: str) -> bool:
    performer = _part(row, "performer")
    is_named = performer.get("is_logged_in") is not False and not performer.get("is_temp")
    is_ours = row.get("instrument_name") == instrument_name and _part(row, "mediawiki").get("database") == wiki_db
    return is_ours and is_named and not performer.get("is_bot")


def _received(row: Mapping[str, Any]) -> datetime | None:
    moment = _part(row, "meta").get("dt")
    return parse_time(str(moment)) if isinstance(moment, str | datetime) else None


def _part(row: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = row.get(name)
    return part if isinstance(part, Mapping) else {}
