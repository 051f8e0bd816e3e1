"""What the tests of the lake share: a lake on the test process's engine, and rows of a small table."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession

from jobs import contracts
from jobs.engine.session import Engine
from jobs.warehouse.frames import frame_of
from jobs.warehouse.home import open_home
from jobs.warehouse.lake import Lake

FIRST = date(2026, 3, 1)
DAYS = [FIRST + timedelta(days=n) for n in range(3)]
TABLE = "ingest_log"


def open_lake(engine: Engine, warehouse: Path) -> Lake:
    warehouse.mkdir(parents=True, exist_ok=True)
    lake = Lake(engine, open_home({}, warehouse)[0])
    lake.ensure_tables()
    return lake


def rows(spark: SparkSession, n_lines: int, days: list[date] = DAYS) -> DataFrame:
    return frame_of(spark, [(day, 4, "kept", None, n_lines) for day in days], contracts.table(TABLE).columns)


def found(lake: Lake, run_id: str | None = None) -> dict[date, int]:
    return {row.event_date: row.n_lines for row in lake.read(TABLE, run_id).collect()}
