"""Fixtures every test may use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession

from jobs.session import spark_session


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """The test process's one session, over a lake of its own.

    Tests run many queries on few rows: to compile these thoroughly, or in several partitions, would cost most of the
    time. With the first compiler alone the JVM's cache for code is small, and stops all compiling once it is full.
    """
    java = "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m"
    conf = {"spark.driver.extraJavaOptions": java, "spark.sql.shuffle.partitions": "1"}
    session = spark_session(tmp_path_factory.mktemp("warehouse"), master="local[2]", driver_memory="1g", conf=conf)
    yield session
    session.stop()
