"""A lake for each test."""

from __future__ import annotations

from pathlib import Path

import pytest
from lake_cases import open_lake

from jobs.engine.session import SPARK, Engine, open_engine
from jobs.warehouse.catalog import catalog_properties
from jobs.warehouse.lake import Lake
from tests.conftest import ENGINE, engine_settings


@pytest.fixture
def lake(request: pytest.FixtureRequest, tmp_path: Path):
    """Spark opens one catalog for life, so there each lake has an engine of its own; the embedded one opens none."""
    warehouse = tmp_path / "warehouse"
    if ENGINE == SPARK:
        scratch = warehouse / "scratch"
        with open_engine(engine_settings(), scratch, catalog=catalog_properties({}, warehouse)) as engine:
            yield open_lake(engine, warehouse)
    else:
        engine: Engine = request.getfixturevalue("engine")
        yield open_lake(engine, warehouse)


@pytest.fixture
def warehouse(lake: Lake, tmp_path: Path) -> Path:
    return tmp_path / "warehouse"
