"""The revisions of dumps at rest in Parquet, read in other processes where that is worth it. Workers import it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from jobs.dumps.files import DumpFile, Span
from jobs.dumps.judge import SCHEMA
from jobs.dumps.reader import FileRow, Tally, read_dump
from jobs.errors import WarehouseError
from jobs.raw.place import Input
from jobs.workers import worker_pool

WORTH_A_POOL = 4 << 20  # bytes of files; starting processes takes as long as reading this
ROW_GROUP = 64 << 10
Progress = Callable[[int, int], None]


def write_revisions(
    history: Input,
    files: Sequence[DumpFile],
    folder: Path,
    spans: Sequence[Span],
    workers: int,
    progress: Progress | None,
) -> list[FileRow]:
    """Leave the revisions of each file in Parquet in a folder; return rows of FILES."""
    targets = [(file, folder / f"{number:05}.parquet") for number, file in enumerate(files)]
    targets.sort(key=lambda target: -target[0].n_bytes)  # the largest first, so that all end at about the same time
    told: list[FileRow] = []
    done = 0

    def tell(rows: Iterable[FileRow]) -> None:
        nonlocal done
        told.extend(rows)
        done += 1
        if progress is not None:
            progress(done, len(files))

    if workers <= 1 or len(files) <= 1 or sum(file.n_bytes for file in files) < WORTH_A_POOL:
        for file, target in targets:
            tell(write_file(history, file, target, spans))
        return told
    try:
        with worker_pool(min(workers, len(files))) as pool:
            for future in as_completed(
                [pool.submit(write_file, history, file, target, spans) for file, target in targets]
            ):
                tell(future.result())
    except BrokenProcessPool:
        raise WarehouseError(
            "A process that read dumps was ended from outside, most likely for want of memory.",
            where=f"--history {history.uri}",
            next_step="give it more memory, or lower [engine] workers, and rerun; nothing was published",
        ) from None
    return told


def write_file(history: Input, file: DumpFile, target: Path, spans: Sequence[Span]) -> list[FileRow]:
    """Read a file and leave its revisions in Parquet; return its rows of FILES."""
    tally = Tally(file)
    batches: list[pa.RecordBatch] = []
    with pq.ParquetWriter(target, SCHEMA, compression="zstd", compression_level=1) as writer:
        for batch in read_dump(history, file, spans, tally):
            batches.append(batch)
            if sum(held.num_rows for held in batches) >= ROW_GROUP:
                writer.write_table(pa.Table.from_batches(batches))
                batches = []
        if batches:
            writer.write_table(pa.Table.from_batches(batches))
    return tally.rows()
