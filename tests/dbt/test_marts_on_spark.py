"""The same rows from Iceberg: DuckDB at the staged snapshots, and Spark with the same models, must agree."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from parquet_lake import MONDAY, world, write_reference
from pyspark.sql import SparkSession

from jobs.contracts import TABLES
from jobs.marts import DBT_PROJECT, REFERENCE_COLUMNS, BuiltMarts, build_marts
from jobs.storage import Lake, schema_of

pytestmark = [pytest.mark.dbt, pytest.mark.spark]

RUN = "run_marts_on_spark"


@pytest.fixture(scope="module")
def lake(spark: SparkSession) -> Iterator[Lake]:
    """A lake of fresh tables, as the session is shared, whose rows are all on a run's branch, not on main."""
    lake = Lake(spark, Path(spark.conf.get("spark.sql.catalog.lake.warehouse")).parent)
    _drop_tables(lake)
    lake.ensure_tables()
    for name, rows in world().items():
        schema = schema_of(name)
        values = [tuple(row.get(column) for column in schema.fieldNames()) for row in rows]
        dates = sorted({row[TABLES[name].partition] for row in rows})
        lake.stage(name, spark.createDataFrame(values, schema=schema), RUN, dates)
    yield lake
    _drop_tables(lake)


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_reference(tmp_path_factory.mktemp("reference"))


@pytest.fixture(scope="module")
def on_duckdb(lake: Lake, reference: Path, tmp_path_factory: pytest.TempPathFactory) -> BuiltMarts:
    live = tmp_path_factory.mktemp("marts") / "personal_dashboard.duckdb"
    return build_marts(lake.staged_tables(RUN), reference, live)


def test_duckdb_reads_the_staged_branch_while_main_is_empty(lake: Lake, on_duckdb: BuiltMarts) -> None:
    assert lake.read("ingest_log").count() == 0
    with duckdb.connect(str(on_duckdb.path), read_only=True) as connection:
        assert connection.execute("select sum(n_lines) from marts.fct_ingest_log").fetchone() == (503,)
        assert connection.execute("select distinct ingest_date from marts.fct_ingest_log").fetchone() == (MONDAY,)


def test_spark_builds_the_same_marts(
    lake: Lake, reference: Path, on_duckdb: BuiltMarts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _publish_for_spark(lake, reference)
    monkeypatch.setenv("PD_DBT_PROJECT", str(DBT_PROJECT))
    _run_dbt_on_spark(tmp_path / "target")
    with duckdb.connect(str(on_duckdb.path), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        marts = connection.execute("select table_name from duckdb_tables() where schema_name = 'marts'").fetchall()
        assert len(marts) == on_duckdb.n_tables
        for (mart,) in marts:
            lake.spark.table(f"lake.marts.{mart}").write.parquet(str(tmp_path / mart))
            columns = connection.execute(f"describe marts.{mart}").fetchall()
            cast = ", ".join(f"cast({name} as {kind}) as {name}" for name, kind, *_ in columns)
            theirs = f"select {cast} from read_parquet('{tmp_path / mart}/*.parquet')"
            ours = f"select * from marts.{mart}"
            assert connection.execute(f"({theirs}) except all ({ours})").fetchall() == [], mart
            assert connection.execute(f"({ours}) except all ({theirs})").fetchall() == [], mart


def _drop_tables(lake: Lake) -> None:
    for name in TABLES:
        lake.spark.sql(f"drop table if exists {lake.identifier(name)}")


def _publish_for_spark(lake: Lake, reference: Path) -> None:
    """Put the run's rows on main, and its CSVs into tables: Spark's models read tables by name."""
    lake.publish(RUN)
    lake.spark.sql("create namespace if not exists lake.reference")
    for name, ddl in REFERENCE_COLUMNS.items():
        rows = lake.spark.read.csv(str(reference / f"{name}.csv"), schema=ddl, header=True, escape='"')
        rows.writeTo(f"lake.reference.{name}").using("iceberg").createOrReplace()


def _run_dbt_on_spark(target: Path) -> None:
    from dbt.cli.main import dbtRunner

    places = ["--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT), "--target-path", str(target)]
    quiet = ["--log-level", "none", "--log-path", str(target)]
    outcome = dbtRunner().invoke([*quiet, "run", *places, "--target", "spark"])
    results = getattr(outcome.result, "results", None) or []
    assert outcome.success, [outcome.exception, *(f"{r.node.name}: {r.message}" for r in results if r.message != "OK")]
