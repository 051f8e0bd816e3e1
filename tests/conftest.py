"""Fixtures every test may use."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import structlog
from pyspark.sql import SparkSession

from jobs.engine.session import SPARK, Engine, open_engine
from jobs.settings import Settings, load_settings
from jobs.warehouse.catalog import catalog_properties

pytest_plugins = ["tests.world_fixture"]

ENGINE = os.environ.get("PDMETRICS_TEST_ENGINE", "embedded")
# Tests run many queries on few rows: to compile these thoroughly, or in several partitions, would cost most of the
# time. With the first compiler alone the JVM's cache for code is small, and stops all compiling once it is full.
SPARK_SETTINGS = (
    "spark.master=local[2]",
    "spark.driver_memory=1g",
    "spark.conf={'spark.sql.shuffle.partitions'='1', "
    "'spark.driver.extraJavaOptions'='-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m'}",
)


def engine_settings(name: str = ENGINE) -> Settings:
    """The settings of an engine as tests want it."""
    return load_settings(None, (f"engine.name={name}", "engine.memory=1g", *(SPARK_SETTINGS if name == SPARK else ())))[
        0
    ]


@pytest.fixture(autouse=True)
def _log_as_it_was() -> Iterator[None]:
    """Leave the log as the test found it: a command that ran in this process may have silenced it."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The test process's one engine, over a lake of its own: embedded, or what PDMETRICS_TEST_ENGINE names."""
    folder = tmp_path_factory.mktemp("warehouse")
    properties = catalog_properties({}, folder)
    with open_engine(engine_settings(), folder / "scratch", catalog=properties, log_file=folder / "spark.log") as found:
        yield found


@pytest.fixture(scope="session")
def spark(engine: Engine) -> SparkSession:
    """Its session."""
    return engine.spark
