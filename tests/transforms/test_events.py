from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.engine.session import Engine
from jobs.raw.files import RawFile, open_input
from jobs.raw.reader import PARSED, read_files
from jobs.schemas import spark_schema, spark_type_of
from jobs.transforms import events
from tests.transforms.ingest_cases import Case, as_text, decide, frames, line_frame, outcome, pairs, read_cases

pytestmark = [pytest.mark.spark, pytest.mark.on_spark]
CASES = read_cases()


@pytest.fixture(scope="module")
def decided(spark: SparkSession) -> dict[str, tuple[Case, Any]]:
    return {case.name: (case, row) for case, row in pairs(CASES, decide(spark, CASES).collect())}


@pytest.mark.parametrize("name", [case.name for case in CASES if case.expect != "either"])
def test_golden_case(decided: dict[str, tuple[Case, Any]], name: str) -> None:
    case, row = decided[name]
    assert outcome(row) == case.expect
    for column, value in case.gives.items():
        found = as_text(row[column])
        assert found == (pytest.approx(value, rel=1e-6) if isinstance(value, float) else value), column


def test_of_identical_copies_one_is_kept(decided: dict[str, tuple[Case, Any]]) -> None:
    fates = Counter(row.fate for case, row in decided.values() if case.expect == "either")
    assert fates == {"kept": 1, "duplicate": 1}


def test_quarantined_rows_keep_the_raw_line(decided: dict[str, tuple[Case, Any]]) -> None:
    for case, row in decided.values():
        assert row.line == (case.line if row.fate == "quarantined" else None), case.name


def test_columns_are_those_of_the_contract(spark: SparkSession) -> None:
    classified = events.classify(line_frame(spark, []), **frames(spark))
    contract = spark_schema(events.CLASSIFIED_COLUMNS)
    assert [(f.name, f.dataType) for f in classified.schema] == [(f.name, f.dataType) for f in contract]


def test_bytes_that_are_no_utf8_are_malformed_and_kept_readable(spark: SparkSession) -> None:
    good = next(case.line for case in CASES if case.name == "json: a good line")
    damaged = good.encode().replace(b"ExampleUser", b"Example\xffUser")
    # In a field nobody reads such bytes do no harm.
    unread = good.encode().replace(b"product_metrics.web_base", b"product_metrics\xffweb_base")
    lines = line_frame(spark, [(damaged, "used", CASES[0].day, 14), (unread, "unread", CASES[0].day, 14)])
    rows = {row.file: row for row in events.classify(lines, **frames(spark)).collect()}
    assert (rows["used"].fate, rows["used"].reason) == ("quarantined", "malformed_json")
    assert rows["used"].line == damaged.decode(errors="replace")
    assert rows["unread"].fate is None


def test_hashes_are_keyed_and_local_to_the_wiki(spark: SparkSession, decided: dict[str, tuple[Case, Any]]) -> None:
    case, row = decided["json: a good line"]
    other_wiki = case.line.replace("trwiki", "enwiki")
    lines = line_frame(spark, [(text.encode(), "f", case.day, 14) for text in (case.line, other_wiki)])
    hashes = ("user_hash", "session_hash", "pageview_hash")
    first, second = events.classify(lines, **frames(spark)).orderBy(F.col("wiki_db").desc()).collect()
    resalted = events.classify(lines, **frames(spark, "other")).where("wiki_db = 'trwiki'").head()
    for name in hashes:
        assert first[name] == row[name]
        assert len({first[name], second[name], resalted[name]}) == 3


def test_the_salt_stands_in_no_plan(spark: SparkSession, capsys: pytest.CaptureFixture[str]) -> None:
    """Spark's pages and logs show plans to whoever may see them."""
    lines = line_frame(spark, [(CASES[0].line.encode(), "f", CASES[0].day, 14)])
    events.classify(lines, **frames(spark, "hunter2")).explain(extended=True)
    plan = capsys.readouterr().out
    assert "user_hash" in plan
    assert "hunter2" not in plan


def test_an_unreadable_file_is_one_quarantined_row(spark: SparkSession, tmp_path: Path) -> None:
    gone = RawFile(str(tmp_path / "gone.json"), CASES[0].day, 3, 5)
    (batch,) = read_files(open_input(tmp_path), [gone])
    lines = spark.createDataFrame(pa.Table.from_batches([batch]), schema=spark_type_of(PARSED))
    row = events.classify(lines, **frames(spark)).head()
    assert (row.fate, row.reason, row.file, row.event_hour, row.line) == (
        "quarantined", "unreadable_file", gone.name, 3, None,
    )  # fmt: skip
    assert row.line_hash is not None


def test_generated_code_stays_small_enough_to_be_compiled(engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    """HotSpot interprets methods over 8,000 bytes: the same plan then takes twice as long, and nothing says why."""
    if engine.is_embedded:
        pytest.skip("only Spark generates code")
    spark = engine.spark
    adaptive = spark.conf.get("spark.sql.adaptive.enabled")
    spark.conf.set("spark.sql.adaptive.enabled", "false")  # else the plan is not compiled before it runs
    try:
        lines = line_frame(spark, [(case.line.encode(), case.name, case.day, case.hour) for case in CASES[:5]])
        events.classify(lines.repartition(2), **frames(spark)).explain("codegen")
    finally:
        spark.conf.set("spark.sql.adaptive.enabled", str(adaptive))
    sizes = [int(size) for size in re.findall(r"maxMethodCodeSize:(\d+)", capsys.readouterr().out)]
    assert sizes
    assert max(sizes) < 8000
