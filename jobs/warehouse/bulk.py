"""Rows of the embedded engine into tables: the engine writes Parquet, PyIceberg takes it in.

A flat table on this machine takes the very files. Where a table holds lists, or lies elsewhere, the rows go through
Arrow, a bounded number at a time: the engine calls the inside of a list `item`, which PyIceberg does not find in
Iceberg's numbering of columns, and only PyIceberg has what it takes to write elsewhere.
"""

from __future__ import annotations

import contextlib
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
from pyiceberg.expressions import BooleanExpression
from pyiceberg.table import Table
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.warehouse.catalog import file_location, local_path

CHUNK_BYTES = 192 << 20  # what of a table with lists is in memory at once
_DAY = "_day"


def has_lists(schema: pa.Schema) -> bool:
    """Whether a table's rows hold lists."""
    return any(pa.types.is_nested(field.type) for field in schema)


def write_files(rows: DataFrame, folder: str, column: str) -> list[str]:
    """Let the engine write a frame as Parquet files, each with rows of one partition; return where they are.

    The partition column stays in the files as a column, where Iceberg looks for it; the folders repeat it. In a table's
    folder, files that no commit takes in are orphans, as those of a run that was killed.

    Args:
        rows: the frame.
        folder: where to on this machine; a new folder is made in it.
        column: the partition column.
    """
    own = f"{folder.rstrip('/')}/{uuid.uuid4().hex}"
    rows.withColumn(_DAY, F.col(column)).write.partitionBy(_DAY).option("compression", "zstd").parquet(own)
    found = sorted(path for path in Path(str(local_path(own))).rglob("*.parquet") if path.stat().st_size)
    return [file_location(path) for path in found]


@contextlib.contextmanager
def written_chunks(rows: DataFrame, scratch: Path, column: str, schema: pa.Schema) -> Iterator[Iterator[pa.Table]]:
    """Let the engine write a frame into the scratch folder, and give it back in Arrow tables, in order of the days."""
    folder = scratch.resolve() / "rows" / uuid.uuid4().hex
    try:
        files = write_files(rows, file_location(folder), column)
        yield _chunks([str(local_path(file)) for file in files], schema)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def replace_with_files(table: Table, files: list[str], replaced: BooleanExpression, branch: str) -> None:
    """Replace partitions of a branch by data files that are there already, in one commit of the catalog."""
    with table.transaction() as transaction:
        transaction.delete(replaced, branch=branch)
        if files:
            transaction.add_files(files, check_duplicate_files=False, branch=branch)


def replace_with_rows(table: Table, chunks: Iterator[pa.Table], replaced: BooleanExpression, branch: str) -> None:
    """Replace partitions of a branch by rows, in one commit of the catalog."""
    with table.transaction() as transaction:
        transaction.delete(replaced, branch=branch)
        for chunk in chunks:
            transaction.append(chunk, branch=branch)


def _chunks(files: list[str], schema: pa.Schema) -> Iterator[pa.Table]:
    batches: list[pa.RecordBatch] = []
    size = 0
    for file in files:
        for batch in ds.dataset(file, format="parquet").to_batches(columns=schema.names):
            batches.append(batch)
            size += batch.nbytes
            if size >= CHUNK_BYTES:
                yield pa.Table.from_batches(batches).cast(schema)
                batches, size = [], 0
    if size:
        yield pa.Table.from_batches(batches).cast(schema)
