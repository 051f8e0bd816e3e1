"""Test Kitchen instrument records: read the JSON, check it, and say which unit and rate each wiki should have.

A record is `{name, start, end, sample_unit, sample_rate, utc_journal_dt}`; `sample_rate` maps rate strings to lists of
wikis and `default` to the rate of all others. As in the client (TestKitchen `ConfigsFetcher`): a missing rate is 0, a
missing unit is `session`, and outside `start` to `end` the instrument is off.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from jobs.errors import InputError
from jobs.policy.timeline import UnitRate
from jobs.reference.csv_file import Problems, parse_number, parse_time
from jobs.reference.rows import ANY_WIKI, UNITS

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Wanted:
    """What a record asks for.

    Attributes:
        source: where it stands, for messages.
        name: the instrument.
        unit_rates: by wiki, `*` for all others.
        start: when the instrument begins, if it says so.
        end: when it ends, if it says so.
        journal_time: when the record was changed, if it says so.
    """

    source: str
    name: str
    unit_rates: Mapping[str, UnitRate]
    start: datetime | None
    end: datetime | None
    journal_time: datetime | None


def load_records(paths: Sequence[Path]) -> tuple[list[Record], list[str]]:
    """Read the records of some JSON files: one record, a list of them, or an object with a list.

    Returns:
        The records, and for each a name of where it stands (`file.json record 2`).

    Raises:
        InputError: naming a file that is missing, no JSON, or has no records.
    """
    records: list[Record] = []
    sources: list[str] = []
    for path in paths:
        try:
            content = json.loads(path.read_text(encoding="utf-8-sig"))
        except (OSError, ValueError) as error:
            step = "give a file of Test Kitchen records, as /api/v1/instruments returns them"
            raise InputError(f"cannot read instrument records: {error}", where=str(path), next_step=step) from error
        if isinstance(content, dict) and "name" not in content:
            lists = [value for value in content.values() if isinstance(value, list)]
            content = lists[0] if len(lists) == 1 else content
        found = content if isinstance(content, list) else [content]
        for number, record in enumerate(found, start=1):
            records.append(record)
            sources.append(f"{path.name} record {number}" if len(found) > 1 else path.name)
    return records, sources


def parse_record(record: object, source: str, problems: Problems) -> Wanted | None:
    """Check one record; null, and a note in `problems`, where it cannot be used."""
    before = len(problems.found)
    if not isinstance(record, Mapping):
        problems.add(source, None, "", "", "not a JSON object", "Give an instrument record")
        return None
    name = record.get("name")
    if not isinstance(name, str) or not name:
        problems.add(source, None, "name", name or "", "no instrument name", "Give an instrument record")
        name = ""
    unit = record.get("sample_unit") or "session"
    if unit not in UNITS:
        what = "the client sends nothing for this unit"
        problems.add(source, None, "sample_unit", unit, what, "Only pageview and session can be sampled")
    start, end, journal = (_time(record, key, source, problems) for key in ("start", "end", "utc_journal_dt"))
    if start is not None and end is not None and end <= start:
        problems.add(source, None, "end", record["end"], f"not after start {record['start']}", "Correct the record")
    unit_rates = {
        wiki: UnitRate(str(unit), rate) for wiki, rate in _rates(record.get("sample_rate"), source, problems).items()
    }
    return Wanted(source, name, unit_rates, start, end, journal) if len(problems.found) == before else None


def _rates(declared: object, source: str, problems: Problems) -> dict[str, float]:
    """Turn `{rate: [wikis], default: rate}` into a rate by wiki, `*` being the default."""
    if not isinstance(declared, Mapping):
        declared = {"default": 0.0 if declared is None else declared}
    rates = {ANY_WIKI: 0.0}
    for key, value in declared.items():
        if key == "default":
            rates[ANY_WIKI] = _rate(value, source, problems)
            continue
        rate = _rate(key, source, problems)
        wikis = [value] if isinstance(value, str) else value
        if not isinstance(wikis, list) or not all(isinstance(w, str) and w and w != ANY_WIKI for w in wikis):
            problems.add(source, None, "sample_rate", value, f"no list of wikis under {key}", "Correct the record")
            continue
        for wiki in wikis:
            if rates.setdefault(wiki, rate) != rate:
                what = f"{wiki} has the rates {rates[wiki]:g} and {rate:g}"
                problems.add(source, None, "sample_rate", wiki, what, "Leave one of them")
    return rates


def _rate(value: object, source: str, problems: Problems) -> float:
    number = parse_number(str(value).strip()) if not isinstance(value, bool) else None
    if number is None:
        problems.add(source, None, "sample_rate", value, "not a number", "Rates are shares such as 0.1")
        return 0.0
    if not 0 <= number <= 1:
        hint = f"{number:g} looks like a percentage: write {number / 100:g}"
        step = hint if 1 < number <= 100 else "Write a share between 0 and 1"
        problems.add(source, None, "sample_rate", value, "outside 0 to 1", step)
    return number


def _time(record: Record, key: str, source: str, problems: Problems) -> datetime | None:
    value = record.get(key)
    if value is None or value == "":
        return None
    moment = parse_time(value) if isinstance(value, str) else None
    if moment is None:
        problems.add(source, None, key, value, "not a time", "Write UTC as 2026-03-19T20:36:00Z")
    return moment
