"""One build of the small lake, with unit tests and manifest, shared by the tests of this folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from parquet_lake import world, write_reference, write_tables

from jobs.marts.build import BuiltMarts, build_marts


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> BuiltMarts:
    folder: Path = tmp_path_factory.mktemp("marts")
    tables = write_tables(folder / "lake", world())
    reference = write_reference(folder / "reference")
    return build_marts(tables, reference, folder / "personal_dashboard.duckdb", unit_tests=True)


@pytest.fixture(scope="session")
def manifest(built: BuiltMarts) -> dict[str, Any]:
    return json.loads((built.path.parent / "dbt" / "manifest.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def run_results(built: BuiltMarts) -> list[dict[str, Any]]:
    return json.loads((built.path.parent / "dbt" / "run_results.json").read_text(encoding="utf-8"))["results"]


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where further builds think the published file is: one place, so that dbt parses the project only once for it."""
    return tmp_path_factory.mktemp("scratch") / "personal_dashboard.duckdb"
