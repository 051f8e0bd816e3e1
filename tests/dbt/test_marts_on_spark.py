"""The same rows from Iceberg: DuckDB at the staged snapshots, and Spark with the same models, must agree."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest
from parquet_lake import MONDAY, SINGLE, Row, editors_value, link_week, weeks, world, write_reference

from jobs.contracts import TABLES
from jobs.engine.session import SPARK, open_engine
from jobs.marts.build import BuiltMarts, build_marts
from jobs.reference.rows import COLUMNS
from jobs.resources import shipped
from jobs.schemas import spark_schema
from jobs.warehouse.catalog import catalog_properties, open_catalog
from jobs.warehouse.frames import frame_of
from jobs.warehouse.lake import Lake
from tests.conftest import ENGINE, engine_settings

pytestmark = [
    pytest.mark.on_spark,
    pytest.mark.skipif(ENGINE != SPARK, reason="a process has one engine: PDMETRICS_TEST_ENGINE=spark"),
]

RUN = "run_marts_on_spark"
EMPTY = {"dim_wiki_config"}  # every other mart has rows to compare


def month_ends() -> dict[str, list[Row]]:
    """Eligible editors of the last days of two months, of which the second has a month before it."""
    found: dict[str, list[Row]] = {"audience": [], "audience_values": []}
    for day in (date(2026, 4, 30), date(2026, 5, 31)):
        begin = day - timedelta(13)
        of_day = {"as_of_date": day, "window_start": begin, "read_from": begin, "read_to": day}
        found["audience"].append(SINGLE["audience"] | of_day | {"snapshot": f"{day:%Y-%m}"})
        found["audience_values"].append(editors_value(as_of_date=day, metric_date=begin))
    return found


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """A lake whose rows are all on a run's branch, not on main."""
    folder = tmp_path_factory.mktemp("warehouse")
    properties = catalog_properties({}, folder)
    catalog = open_catalog(properties)
    with open_engine(engine_settings(SPARK), folder / "scratch", catalog=properties) as engine:
        lake = Lake(engine, catalog)
        lake.ensure_tables()
        tables = world()
        tables["metric_values"] += [*weeks(), *link_week()]
        for table, rows in month_ends().items():
            tables[table] += rows
        for name, rows in tables.items():
            values = [tuple(row.get(column) for column in TABLES[name].columns) for row in rows]
            dates = sorted({row[TABLES[name].partition] for row in rows})
            lake.stage(name, frame_of(engine.spark, values, TABLES[name].columns), RUN, dates)
        yield lake


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_reference(tmp_path_factory.mktemp("reference"))


@pytest.fixture(scope="module")
def on_duckdb(lake: Lake, reference: Path, tmp_path_factory: pytest.TempPathFactory) -> BuiltMarts:
    live = tmp_path_factory.mktemp("marts") / "personal_dashboard.duckdb"
    return build_marts(lake.staged_tables(RUN, live.parent / "copies"), reference, live)


def test_duckdb_reads_the_staged_branch_while_main_is_empty(lake: Lake, on_duckdb: BuiltMarts) -> None:
    assert lake.read("ingest_log").count() == 0
    with duckdb.connect(str(on_duckdb.path), read_only=True) as connection:
        assert connection.execute("select sum(n_lines) from marts.fct_ingest_log").fetchone() == (503,)
        assert connection.execute("select distinct ingest_date from marts.fct_ingest_log").fetchone() == (MONDAY,)


def test_spark_builds_the_same_marts(
    lake: Lake, reference: Path, on_duckdb: BuiltMarts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _publish_for_spark(lake, reference)
    monkeypatch.setenv("PD_DBT_PROJECT", str(shipped("dbt_project")))
    _run_dbt_on_spark(tmp_path / "target")
    with duckdb.connect(str(on_duckdb.path), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        marts = connection.execute("select table_name from duckdb_tables() where schema_name = 'marts'").fetchall()
        assert len(marts) == on_duckdb.n_tables
        for (mart,) in marts:
            lake.spark.table(f"lake.marts.{mart}").write.parquet(str(tmp_path / mart))
            columns = connection.execute(f"describe marts.{mart}").fetchall()
            cast = ", ".join(f"cast({name} as {kind}) as {name}" for name, kind, *_ in columns)
            assert connection.execute(f"select count(*) > 0 from marts.{mart}").fetchone() == (mart not in EMPTY,), mart
            theirs = f"select {cast} from read_parquet('{tmp_path / mart}/*.parquet')"
            ours = f"select * from marts.{mart}"
            assert connection.execute(f"({theirs}) except all ({ours})").fetchall() == [], mart
            assert connection.execute(f"({ours}) except all ({theirs})").fetchall() == [], mart


def _publish_for_spark(lake: Lake, reference: Path) -> None:
    """Put the run's rows on main, and its CSVs into tables: Spark's models read tables by name."""
    lake.publish(RUN)
    lake.spark.sql("create namespace if not exists lake.reference")
    for file, columns in COLUMNS.items():
        rows = lake.spark.read.csv(str(reference / file), schema=spark_schema(columns), header=True, escape='"')
        rows.writeTo(f"lake.reference.{Path(file).stem}").using("iceberg").createOrReplace()


def _run_dbt_on_spark(target: Path) -> None:
    from dbt.cli.main import dbtRunner

    project = str(shipped("dbt_project"))
    places = ["--project-dir", project, "--profiles-dir", project, "--target-path", str(target)]
    quiet = ["--log-level", "none", "--log-path", str(target)]
    outcome = dbtRunner().invoke([*quiet, "run", *places, "--target", "spark"])
    results = getattr(outcome.result, "results", None) or []
    assert outcome.success, [outcome.exception, *(f"{r.node.name}: {r.message}" for r in results if r.message != "OK")]
