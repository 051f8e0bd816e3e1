"""dbt by hand on a clone: the small lake of the target `dev` follows the code, and every mart builds from it."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from jobs.contracts import TABLES
from jobs.reference.load import Reference
from jobs.reference.rows import COLUMNS
from jobs.resources import shipped
from jobs.schemas import duckdb_types

PROJECT = Path(__file__).parents[2] / "dbt_project"
FIXTURE = PROJECT / "fixture"
RENEW = "the fixture does not follow the code: make fixture"
SHOWN = {name: duckdb_types(table.columns) for name, table in TABLES.items() if table.personal_data == "none"}
LONGEST = 400_000  # bytes; a clone carries every version there ever was


def dbt(project: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run dbt as somebody does who has no more than the project's folder."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PD_", "DBT_"))}
    command = [str(Path(sys.executable).with_name("dbt")), "--no-use-colors", *arguments]
    return subprocess.run(
        command, cwd=project, env=kept | variables, capture_output=True, text=True, check=False, timeout=300
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of dbt_project as it is in a fresh clone."""
    built = shutil.ignore_patterns("target", "logs", "__pycache__", ".user.yml")
    return Path(shutil.copytree(PROJECT, tmp_path_factory.mktemp("clone") / "dbt_project", ignore=built))


def test_the_fixture_has_the_columns_of_the_contract() -> None:
    tables = json.loads((FIXTURE / "lake.json").read_text(encoding="utf-8"))["tables"]
    assert {name: table["columns"] for name, table in tables["pd"].items()} == SHOWN, RENEW
    assert {name: table["columns"] for name, table in tables["reference"].items()} == {
        Path(file).stem: duckdb_types(columns) for file, columns in COLUMNS.items()
    }, RENEW
    staged = {name for name in SHOWN if (PROJECT / "models" / "staging" / f"stg_pd__{name}.sql").exists()}
    assert {name for name, table in tables["pd"].items() if table["kind"] == "parquet"} == staged, RENEW
    with duckdb.connect() as connection:
        for name, table in tables["pd"].items():
            if table["kind"] == "parquet":
                found = connection.execute(f"describe from read_parquet('{FIXTURE / table['path']}')").fetchall()
                kinds = {column: str(kind).lower() for column, kind, *_ in found}
                assert list(kinds) == list(SHOWN[name]), f"{name}: {RENEW}"
                assert {**kinds, **_zoned(kinds)} == SHOWN[name], f"{name}: {RENEW}"


def _zoned(kinds: dict[str, str]) -> dict[str, str]:
    return {column: "timestamptz" for column, kind in kinds.items() if kind == "timestamp with time zone"}


def test_the_fixtures_csvs_are_what_a_run_would_write_today(tmp_path: Path) -> None:
    Reference.read(FIXTURE).write(tmp_path)
    for file in COLUMNS:
        assert (FIXTURE / file).read_bytes() == (tmp_path / file).read_bytes(), f"{file}: {RENEW}"


def test_the_fixture_is_small_and_has_weeks_of_several_wikis_one_of_them_sampled() -> None:
    assert sum(path.stat().st_size for path in FIXTURE.iterdir() if path.is_file()) < LONGEST
    days = "select distinct event_date, wiki_db, sample_rate from read_parquet(?)"
    weeks = "select wiki_db, count(*) filter (where isodow(event_date) = 7), min(sample_rate)"
    with duckdb.connect() as connection:
        query = f"{weeks} from ({days}) group by 1"
        found = connection.execute(query, [str(FIXTURE / "baseline_daily.parquet")]).fetchall()
    assert len(found) >= 3
    assert all(n_weeks >= 5 for _, n_weeks, _ in found)
    assert min(rate for *_, rate in found) < 1


@pytest.mark.dbt
def test_every_mart_builds_in_a_clone_and_has_rows(project: Path) -> None:
    done = dbt(project, "build")
    assert done.returncode == 0, done.stdout[-3000:]
    assert (project / "target" / "semantic_manifest.json").exists()
    with duckdb.connect(str(project / "target" / "personal_dashboard.duckdb"), read_only=True) as connection:
        tables = connection.execute("select schema_name, table_name from duckdb_tables()").fetchall()
        assert {schema for schema, _ in tables} == {"marts"}
        rows = {name: connection.execute(f"select count(*) from marts.{name}").fetchone() for _, name in tables}
    assert {path.stem for path in (project / "models" / "marts").rglob("*.sql")} == set(rows)
    assert [name for name, found in rows.items() if found == (0,)] == []


@pytest.mark.dbt
def test_a_lake_that_is_not_there_is_an_error_that_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from dbt_common.exceptions import DbtRuntimeError

    monkeypatch.syspath_prepend(str(shipped("dbt_project/plugins")))
    lake_views = importlib.import_module("lake_views")
    monkeypatch.delenv("PD_LAKE_FILE", raising=False)
    assert lake_views.lake_file(None) is None
    assert lake_views.lake_file("fixture/lake.json") == FIXTURE / "lake.json"
    with pytest.raises(DbtRuntimeError, match=r"There is no .*/nothing\.json, .*make fixture"):
        lake_views.lake_file("fixture/nothing.json")
    monkeypatch.setenv("PD_LAKE_FILE", str(tmp_path / "gone.json"))
    with pytest.raises(DbtRuntimeError, match=r"There is no .*/gone\.json, .*pdmetrics run writes one"):
        lake_views.lake_file("fixture/lake.json")
