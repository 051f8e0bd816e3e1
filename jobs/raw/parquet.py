"""The lines of files at rest in Parquet, read in other processes where that is worth it. Workers import it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from jobs.errors import WarehouseError
from jobs.raw.files import Input, RawFile
from jobs.raw.reader import PARSED, read_files
from jobs.workers import worker_pool

WORTH_A_POOL = 12 << 20  # bytes of files; starting processes takes as long as reading this
GROUP_BYTES = 24 << 20  # of files, that a worker reads at a time, at most
GROUPS_A_WORKER = 4  # at least, where there is enough: so that all end at about the same time
ROW_GROUP = 64 << 10
ROW_GROUP_BYTES = 64 << 20
# Columns of few values; in the others a dictionary would only cost time.
FEW_VALUES = (
    "file", "schema_uri", "wiki_db", "instrument_name", "action", "element_friendly_name", "client_platform_family",
    "edit_count_bucket",
)  # fmt: skip
Progress = Callable[[int, int], None]


def write_lines(source: Input, files: Sequence[RawFile], folder: Path, workers: int, progress: Progress | None) -> None:
    """Leave the lines of files in Parquet in a folder, telling how many files are read."""
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
