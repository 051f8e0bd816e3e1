"""Entries: check the sampling policy, import Test Kitchen records into it."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console

from jobs.csv_input import parse_time
from jobs.errors import InputError
from jobs.policy import timeline
from jobs.policy_check import TIMELINE_HEADER, check_policy, timeline_table
from jobs.policy_import import import_records, write_policy
from jobs.policy_records import load_records
from jobs.query import as_table
from jobs.reference import load_reference, read_policy
from jobs.reference_rows import POLICY_CSV
from jobs.settings import Settings


def check(console: Console, settings: Settings, input_dir: Path) -> None:
    """Print the timeline of the policy and everything wrong with it.

    Raises:
        InputError: it has an error; warnings are only printed.
    """
    reference = load_reference(input_dir, allow_unknown_policy_wikis=True)
    grace = timedelta(minutes=settings.ingest.rate_change_grace_minutes)
    console.print(as_table(TIMELINE_HEADER, timeline_table(timeline(reference, grace)), "Sampling in force"))
    problems = check_policy(reference, partial(find_event, input_dir))
    for problem in problems:
        console.print(f"{problem.severity}: {problem}", highlight=False, markup=False)
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        raise InputError(
            f"The sampling policy has {len(errors)} error{'s' if len(errors) > 1 else ''}, named above.",
            where=str(input_dir / POLICY_CSV),
            next_step="mend these lines; until then events they concern are quarantined",
        )
    console.print("The policy is sound.")


def import_files(console: Console, files: Sequence[Path], input_dir: Path, effective_from: datetime | None) -> None:
    """Import records into the policy and print what was done; nothing is written if anything is wrong."""
    if not input_dir.is_dir():
        raise InputError("There is no such input directory.", where=str(input_dir), next_step="check --input")
    path = input_dir / POLICY_CSV
    records, sources = load_records(files)
    wikis = load_reference(input_dir, allow_unknown_policy_wikis=True).wikis if _is_complete(input_dir) else ()
    before = read_policy(path)
    result = import_records(
        records,
        before,
        effective_from=None if effective_from is None else effective_from.replace(tzinfo=UTC),
        sources=sources,
        known_wikis=frozenset(row.wiki_db for row in wikis) or None,
    )
    for line in result.summary:
        console.print(line, highlight=False, markup=False)
    if result.rows == before:
        console.print(f"{path} is unchanged: it says all of this already.")
        return
    write_policy(path, result.rows)
    console.print(f"{path}: {len(result.rows)} rows. Next: pdmetrics policy check --input {input_dir}", highlight=False)


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


def _is_complete(input_dir: Path) -> bool:
    """Whether the directory has the files beside the policy that tell which wikis there are."""
    return (input_dir / "wikis.csv").exists() and (input_dir / POLICY_CSV).exists()
