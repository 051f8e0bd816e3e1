"""The revisions of dumps as a frame: worker processes leave Parquet for the embedded engine, Spark maps over the files.

A file is one task: bzip2 is unzipped from its beginning.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.columns import DATE, INT, Columns
from jobs.dumps.files import DumpFile, Span
from jobs.dumps.judge import SCHEMA
from jobs.dumps.parquet import Progress, write_revisions
from jobs.dumps.reader import FileRow, Tally, read_dump
from jobs.dumps.rows import FILES
from jobs.engine.session import Engine
from jobs.errors import InputError, NoInputError
from jobs.raw.place import Input
from jobs.schemas import spark_type_of
from jobs.warehouse.frames import frame_of

_PLACES: Columns = {"place": INT}  # in the list of files: what Spark hands out to its tasks
_TOLD = "told"  # a column beside REVISIONS, null there: what a task tells of a file, one row a file


@dataclass(frozen=True)
class Dumps:
    """What some files of a dump hold.

    Attributes:
        revisions: the columns of REVISIONS; it can be used any number of times.
        files: the columns of FILES, ordered by file.
    """

    revisions: DataFrame
    files: pd.DataFrame


def read_dumps(
    engine: Engine,
    history: Input,
    files: Sequence[DumpFile],
    spans: Sequence[Span],
    *,
    workers: int,
    progress: Progress | None = None,
) -> Dumps:
    """Read files of a dump, each once.

    Args:
        engine: what the frame is for.
        history: the directory they lie in.
        files: of `find_dumps`.
        spans: of the days whose revisions are kept.
        workers: processes that read for the embedded engine.
        progress: called with (files read, all files).

    Raises:
        NoInputError: a file is cut off, as one that is still copied, or has no row.
        InputError: a file is damaged, or no dump.
        WarehouseError: a process that read was ended from outside.
    """
    if engine.is_embedded:
        folder = engine.scratch / "dumps" / uuid.uuid4().hex
        folder.mkdir(parents=True)
        told = write_revisions(history, files, folder, spans, workers, progress)
        if told:
            revisions = engine.spark.read.schema(spark_type_of(SCHEMA)).parquet(str(folder))
        else:
            revisions = engine.spark.createDataFrame(SCHEMA.empty_table(), schema=spark_type_of(SCHEMA))
        return Dumps(revisions, _frame(told))
    return _by_tasks(engine, history, files, spans, progress)


def _frame(rows: Iterable[FileRow]) -> pd.DataFrame:
    """Return rows of FILES as a frame; a line that is none is null, not a number that is none."""
    ordered = sorted(rows, key=lambda row: row[1])
    found = pd.DataFrame(ordered, columns=list(FILES), dtype=object)
    return found.astype(
        {"n_rows": "int64", "first_line": "Int64", "events_a_day": "float64", "longest_silence": "int64"}
    )


def _by_tasks(
    engine: Engine,
    history: Input,
    files: Sequence[DumpFile],
    spans: Sequence[Span],
    progress: Progress | None,
) -> Dumps:
    """Read files in Spark's tasks, which tell what became of a file in a row beside its revisions."""
    schema = SCHEMA.append(pa.field(_TOLD, pa.string()))

    def read(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for place in batch["place"].to_pylist():
                yield from _with_what_is_told(history, files[place], spans, schema)

    listed = frame_of(engine.spark, [(place,) for place in range(len(files))], _PLACES)
    n_tasks = max(min(len(files), engine.parallelism() * 4), 1)
    read_rows = engine.materialise(listed.repartition(n_tasks).mapInArrow(read, spark_type_of(schema)))
    told: list[FileRow] = []
    for row in read_rows.where(F.col(_TOLD).isNotNull()).select(_TOLD).collect():
        found = json.loads(row[_TOLD])
        if "what" in found:
            raise (NoInputError if found.pop("is_awaited") else InputError)(**found)
        told += map(_untold, found["rows"])
    if progress is not None:
        progress(len(files), len(files))
    return Dumps(read_rows.where(F.col(_TOLD).isNull()).drop(_TOLD), _frame(told))


def _untold(fields: Sequence[Any]) -> Any:
    """Return a row of FILES as it was before it was told in JSON."""
    kinds = zip(fields, FILES.values(), strict=True)
    return tuple(date.fromisoformat(field) if kind == DATE and field else field for field, kind in kinds)


def _with_what_is_told(
    history: Input, file: DumpFile, spans: Sequence[Span], schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    """Give the revisions of a file, and a row of what there is to tell: an error too, which Spark would bury."""
    tally = Tally(file)
    told: dict[str, Any]
    try:
        for batch in read_dump(history, file, spans, tally):
            yield batch.append_column(_TOLD, pa.nulls(batch.num_rows, pa.string()))
        told = {"rows": tally.rows()}
    except (InputError, NoInputError) as error:
        told = {
            "is_awaited": isinstance(error, NoInputError),
            "what": error.what,
            "where": error.where,
            "next_step": error.next_step,
        }
    nothing = [pa.nulls(1, kind) for kind in schema.types[:-1]]
    yield pa.RecordBatch.from_arrays([*nothing, pa.array([json.dumps(told, default=str)])], schema=schema)
