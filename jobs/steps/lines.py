"""The lines as a frame: worker processes leave Parquet for the embedded engine, Spark maps over the files."""

from __future__ import annotations

import math
import uuid
from collections.abc import Iterable, Iterator, Sequence
from datetime import date

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from jobs.columns import BIGINT, DATE, INT, STRING, Columns
from jobs.engine.session import Engine
from jobs.raw.files import Input, RawFile
from jobs.raw.parquet import Progress, write_lines
from jobs.raw.reader import PARSED, read_files
from jobs.schemas import spark_type_of
from jobs.warehouse.frames import frame_of

FILES: Columns = {"path": STRING, "day": DATE, "hour": INT, "n_bytes": BIGINT}
TASK_BYTES = 32 << 20  # of zipped lines; a quarter of a million of them
HOURS: Columns = {"event_date": DATE, "event_hour": INT}


def parsed_lines(
    engine: Engine, source: Input, files: Sequence[RawFile], *, workers: int, progress: Progress | None = None
) -> DataFrame:
    """Read the lines of files, once.

    Args:
        engine: what the frame is for.
        source: the input.
        files: of `files.discover`.
        workers: processes that read for the embedded engine.
        progress: called with (files read, all files).

    Returns:
        The columns of `reader.PARSED`: on the embedded engine read already, in its scratch folder; on Spark read by the
        first action and kept where it keeps what is materialised.
    """
    filled = [file for file in files if file.n_bytes]
    schema = spark_type_of(PARSED)
    if not filled:
        return engine.spark.createDataFrame(PARSED.empty_table(), schema=schema)
    if engine.is_embedded:
        folder = engine.scratch / "lines" / uuid.uuid4().hex
        folder.mkdir(parents=True)
        write_lines(source, filled, folder, workers, progress)
        return engine.spark.read.schema(schema).parquet(str(folder))

    def read(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            rows = batch.to_pylist()
            yield from read_files(source, [RawFile(r["path"], r["day"], r["hour"], r["n_bytes"]) for r in rows])

    listed = frame_of(engine.spark, [(file.path, file.day, file.hour, file.n_bytes) for file in filled], FILES)
    return engine.materialise(listed.repartition(n_tasks(filled, engine.parallelism())).mapInArrow(read, schema))


def n_tasks(files: Sequence[RawFile], n_cores: int) -> int:
    """Return in how many tasks files are read: some for each core, and more of them the more there is.

    A cluster that grows with its work has few cores in the beginning; and what a task reads is kept as one block.
    """
    by_size = math.ceil(sum(file.n_bytes for file in files) / TASK_BYTES)
    return max(min(len(files), max(n_cores * 4, by_size)), 1)


def hour_frame(spark: SparkSession, hours: Sequence[tuple[date, int]]) -> DataFrame:
    """Arrived or missing hours as a frame (event_date, event_hour)."""
    return frame_of(spark, hours, HOURS)
