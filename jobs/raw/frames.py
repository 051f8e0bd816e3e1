"""The lines as a frame: worker processes leave Parquet for the embedded engine, Spark maps over the files."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession

from jobs.engine.session import Engine
from jobs.errors import WarehouseError
from jobs.frames import frame_of
from jobs.raw.files import Input, RawFile
from jobs.raw.reader import PARSED, read_files
from jobs.schemas import spark_type_of
from jobs.workers import worker_pool

WORTH_A_POOL = 4 << 20  # bytes of files; starting processes takes as long as reading this
GROUP_BYTES = 24 << 20  # of files, that a worker reads at a time, at most
GROUPS_A_WORKER = 4  # at least, where there is enough: so that all end at about the same time
ROW_GROUP = 64 << 10
ROW_GROUP_BYTES = 64 << 20
# Columns of few values; in the others a dictionary would only cost time.
FEW_VALUES = (
    "file", "schema_uri", "wiki_db", "instrument_name", "action", "element_friendly_name", "client_platform_family",
    "edit_count_bucket",
)  # fmt: skip
FILES = "path string, day date, hour int, n_bytes bigint"
Progress = Callable[[int, int], None]


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
        The columns of `reader.PARSED`, read already and at rest: on the embedded engine in its scratch folder, on Spark
        where it keeps what is materialised.
    """
    filled = [file for file in files if file.n_bytes]
    schema = spark_type_of(PARSED)
    if not filled:
        return engine.spark.createDataFrame(PARSED.empty_table(), schema=schema)
    if engine.is_embedded:
        folder = engine.scratch / "lines" / uuid.uuid4().hex
        folder.mkdir(parents=True)
        _write_all(source, filled, folder, workers, progress)
        return engine.spark.read.schema(schema).parquet(str(folder))

    def read(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            rows = batch.to_pylist()
            yield from read_files(source, [RawFile(r["path"], r["day"], r["hour"], r["n_bytes"]) for r in rows])

    listed = frame_of(engine.spark, [(file.path, file.day, file.hour, file.n_bytes) for file in filled], FILES)
    n_tasks = max(min(len(filled), engine.parallelism() * 4), 1)
    return engine.materialise(listed.repartition(n_tasks).mapInArrow(read, schema))


def hour_frame(spark: SparkSession, hours: Sequence[tuple[date, int]]) -> DataFrame:
    """Arrived or missing hours as a frame (event_date, event_hour)."""
    return frame_of(spark, hours, "event_date date, event_hour int")


def _write_all(source: Input, files: Sequence[RawFile], folder: Path, workers: int, progress: Progress | None) -> None:
    """Read groups of files into Parquet, in other processes where that is worth it."""
    groups = _groups(files, workers)
    done = 0

    def tell(group: Sequence[RawFile]) -> None:
        nonlocal done
        done += len(group)
        if progress is not None:
            progress(done, len(files))

    if workers <= 1 or len(groups) == 1 or sum(file.n_bytes for file in files) < WORTH_A_POOL:
        for number, group in enumerate(groups):
            write_group(source, group, folder / f"{number:05}.parquet")
            tell(group)
        return
    try:
        with worker_pool(min(workers, len(groups))) as pool:
            futures = {
                pool.submit(write_group, source, group, folder / f"{number:05}.parquet"): group
                for number, group in enumerate(groups)
            }
            for future in as_completed(futures):
                future.result()
                tell(futures[future])
    except BrokenProcessPool:
        raise WarehouseError(
            "A process that read raw lines was ended from outside, most likely for want of memory.",
            where=f"--input {source.uri}",
            next_step="give it more memory, or lower [engine] workers, and rerun; nothing was published",
        ) from None


def write_group(source: Input, files: Sequence[RawFile], target: Path) -> None:
    """Read some files and leave their lines in one Parquet file."""
    with pq.ParquetWriter(
        target, PARSED, compression="zstd", compression_level=1, use_dictionary=list(FEW_VALUES)
    ) as writer:
        batches: list[pa.RecordBatch] = []
        n_rows = n_bytes = 0
        for batch in read_files(source, files, target.parent):
            batches.append(batch)
            n_rows, n_bytes = n_rows + batch.num_rows, n_bytes + batch.nbytes
            if n_rows >= ROW_GROUP or n_bytes >= ROW_GROUP_BYTES:
                writer.write_table(pa.Table.from_batches(batches))
                batches, n_rows, n_bytes = [], 0, 0
        if batches:
            writer.write_table(pa.Table.from_batches(batches))


def _groups(files: Sequence[RawFile], workers: int) -> list[list[RawFile]]:
    """Put files together, in their order, into groups of bounded size; a file of unknown size counts as small."""
    total = sum(max(file.n_bytes, 0) for file in files)
    bound = min(GROUP_BYTES, max(WORTH_A_POOL // 2, total // (workers * GROUPS_A_WORKER)))
    groups: list[list[RawFile]] = [[]]
    size = 0
    for file in files:
        if groups[-1] and size + max(file.n_bytes, 0) > bound:
            groups.append([])
            size = 0
        groups[-1].append(file)
        size += max(file.n_bytes, 0)
    return groups
