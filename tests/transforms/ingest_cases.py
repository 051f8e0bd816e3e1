"""Reads the golden cases of tests/cases/ingest and puts them through the transforms."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml
from pyspark.sql import DataFrame, SparkSession

from jobs.columns import STRING, columns_of
from jobs.contracts import EVENT_COLUMNS
from jobs.policy.timeline import Regime
from jobs.raw.files import RawFile
from jobs.raw.reader import PARSED, parse_lines
from jobs.reference.rows import COLUMNS, INSTRUMENTS_CSV
from jobs.schemas import spark_type_of
from jobs.transforms import dedup, events
from jobs.warehouse.frames import frame_of

CASES = Path(__file__).parent.parent / "cases" / "ingest"
SALT = "pepper"
COPIES = {name: EVENT_COLUMNS[name] for name in dedup.COPY_COLUMNS}


@dataclass
class Case:
    """A line, where it lies and what should become of it."""

    name: str
    line: str
    day: date
    hour: int
    expect: str
    gives: dict[str, Any] = field(default_factory=dict)


def read_cases() -> list[Case]:
    """Every line of every case file, in order; the names are unique."""
    good = yaml.safe_load((CASES / "good.yaml").read_text())
    cases: list[Case] = []
    for path in sorted(CASES.glob("*.yaml")):
        for case in yaml.safe_load(path.read_text()).get("cases", []):
            lines = case.get("lines", [case])
            for place, line in enumerate(lines):
                name = f"{path.stem}: {case['name']}" + (f" [{place}]" if len(lines) > 1 else "")
                cases.append(_case(name, line, good))
    assert len({case.name for case in cases}) == len(cases)
    return cases


def _case(name: str, spec: dict[str, Any], good: dict[str, Any]) -> Case:
    event = deepcopy(good)
    event["meta"]["id"] = name
    for path, value in spec.get("set", {}).items():
        *parents, leaf = path.split(".")
        _node(event, parents)[leaf] = value
    for path in spec.get("drop", []):
        *parents, leaf = path.split(".")
        del _node(event, parents)[leaf]
    line = json.dumps(event)
    if "raw" in spec:
        line = spec["raw"].replace("{GOOD-OPEN", line[:-1]).replace("{GOOD}", line)
    return Case(
        name, line, spec.get("day", date(2026, 3, 24)), spec.get("hour", 14), spec["expect"], spec.get("gives", {})
    )


def _node(event: dict[str, Any], parents: list[str]) -> dict[str, Any]:
    for parent in parents:
        event = event[parent]
    return event


def frames(spark: SparkSession, salt: str = SALT) -> dict[str, DataFrame]:
    """The reference frames of world.yaml, by parameter of `classify`."""
    world = yaml.safe_load((CASES / "world.yaml").read_text())
    return {
        "instruments": frame_of(spark, [tuple(row) for row in world["instruments"]], COLUMNS[INSTRUMENTS_CSV]),
        "wikis": frame_of(spark, [(wiki, salt) for wiki in world["wikis"]], {"wiki_db": STRING, "salt": STRING}),
        "regimes": frame_of(spark, [_regime(row) for row in world["regimes"]], columns_of(Regime)),
    }


def _regime(row: list[Any]) -> tuple[Any, ...]:
    return tuple(value.replace(tzinfo=None) if isinstance(value, datetime) else value for value in row)


def decide(spark: SparkSession, cases: list[Case]) -> DataFrame:
    """All cases, classified and deduplicated."""
    lines = line_frame(spark, [(case.line.encode(), case.name, case.day, case.hour) for case in cases])
    classified = events.classify(lines, **frames(spark))
    marked = dedup.mark_duplicates(classified.where("fate is null"), frame_of(spark, [], COPIES))
    return dedup.with_verdict(classified, marked)


def line_frame(spark: SparkSession, lines: Sequence[tuple[bytes, str, date, int]]) -> DataFrame:
    """Lines (bytes, file, day, hour) as the reader gives them."""
    batches = [parse_lines([line], RawFile(file, day, hour, len(line))) for line, file, day, hour in lines]
    table = pa.Table.from_batches(batches) if batches else PARSED.empty_table()
    return spark.createDataFrame(table, schema=spark_type_of(PARSED))


def outcome(row: Any) -> str:
    """A row's fate as the cases write it."""
    return f"{row.fate}: {row.reason}" if row.reason else str(row.fate)


def as_text(value: Any) -> Any:
    """Dates and timestamps as the cases write them."""
    if isinstance(value, datetime):
        return value.isoformat(" ", "milliseconds")
    return str(value) if isinstance(value, date) else value


def pairs(cases: list[Case], rows: list[Any]) -> Iterator[tuple[Case, Any]]:
    """Each case with its row."""
    by_name = {row.file: row for row in rows}
    assert len(by_name) == len(rows) == len(cases)
    for case in cases:
        yield case, by_name[case.name]
