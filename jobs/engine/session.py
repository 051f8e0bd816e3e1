"""The one session factory: `[engine] name` decides which engine the same PySpark code runs on."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession

from jobs.settings import Settings

EMBEDDED, SPARK = "embedded", "spark"


@dataclass(frozen=True)
class Engine:
    """A running engine.

    Attributes:
        name: `embedded` or `spark`.
        spark: its session; UTC and ANSI.
        scratch: folder for what is materialised or spilled; it lives as long as the engine.
    """

    name: str
    spark: SparkSession
    scratch: Path

    @property
    def is_embedded(self) -> bool:
        """Whether the engine runs in this process, without Java."""
        return self.name == EMBEDDED

    def parallelism(self) -> int:
        """Return on how many cores the engine works: those of a cluster's executors, as many as there are by now.

        Behind a Spark Connect address nobody says: there it is `spark.default.parallelism`, or this machine's cores.
        """
        told = self.spark.conf.get("spark.default.parallelism", None)
        if told is None and not self.is_embedded and isinstance(self.spark, SparkSession):
            return int(self.spark.sparkContext.defaultParallelism)
        return int(str(told or os.cpu_count() or 1))

    def materialise(self, frame: DataFrame) -> DataFrame:
        """Have a frame that is used more than once computed once: at once when embedded, by its first action on Spark.

        The embedded engine ignores `persist`, and a Spark checkpoint would compute everything twice: so the one writes
        a checkpoint into the scratch folder, the other keeps what fits in memory and the rest there. Either is gone
        with `release`, or with the engine at the latest; what a kill leaves in the folder goes with the next command.
        """
        if self.is_embedded:
            return frame.checkpoint()
        from pyspark import StorageLevel

        return frame.persist(StorageLevel.MEMORY_AND_DISK)

    def release(self, frame: DataFrame) -> None:
        """Give back what `materialise` holds; the frame is not used any more. A checkpoint goes with its last frame."""
        if not self.is_embedded:
            frame.unpersist()


@contextlib.contextmanager
def open_engine(
    settings: Settings, scratch: Path, *, catalog: Mapping[str, str] | None = None, log_file: Path | None = None
) -> Iterator[Engine]:
    """Start the engine that the settings name, and stop it at the end, errors and interrupts included.

    Args:
        settings: `[engine]` and, for Spark only, `[spark]`.
        scratch: an empty folder of this run, on a disk with room for a day's lines several times over.
        catalog: PyIceberg's properties of the catalog `lake`, which Spark opens as its own; the embedded engine never
            opens it.
        log_file: where the engine's own messages go; None leaves them on standard error.

    Raises:
        UsageError: the engine did not start.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    if settings.engine.name == EMBEDDED:
        from jobs.engine.embedded import embedded_session

        with embedded_session(scratch, memory=settings.engine.memory) as session:
            yield Engine(EMBEDDED, session, scratch)
        return
    from jobs.engine.spark import spark_session

    with spark_session(settings.spark, scratch, catalog or {}, log_file) as session:
        yield Engine(SPARK, session, scratch)
