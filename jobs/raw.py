"""The raw partitions under `--input`: which files and hours there are, and their lines.

Layout (interface, section 2): `raw/<stream>/year=2026/month=3/day=19/hour=20/<any>.json.gz|.json|.parquet`, UTC,
unpadded numbers. The listing needs no Spark; `read_lines` is the only reader of event files.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import reduce
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.errors import InputError, NoInputError

LINE_COLUMNS = "line string, file string, event_date date, event_hour int"
_TEXT_SUFFIXES = (".json", ".json.gz")
_SUFFIXES = (*_TEXT_SUFFIXES, ".parquet")
_HOURS = range(24)
_CHUNK = 1 << 20
# raw/<stream>/year=/month=/day=/hour=/<file>: the last seven parts of a path.
_PARTS_OF_PATH = 7


@dataclass(frozen=True, order=True)
class RawFile:
    """A file of events.

    Attributes:
        path: where it is.
        day: UTC day of its partition.
        hour: UTC hour of its partition.
        n_bytes: its size; an empty file makes its hour arrive and is not read.
    """

    path: Path
    day: date
    hour: int
    n_bytes: int

    @property
    def name(self) -> str:
        """Its path relative to the input directory, with slashes."""
        return "/".join(self.path.parts[-_PARTS_OF_PATH:])

    @property
    def is_parquet(self) -> bool:
        """Whether it holds rows as they are after Refine instead of JSON lines."""
        return self.path.name.endswith(".parquet")


@dataclass(frozen=True)
class RawDays:
    """What the input holds for the asked days.

    Attributes:
        files: the files of events, ordered by path.
        arrived: (day, hour) with at least one file, of whatever stream.
        missing: (day, hour) for which a stream with any file that day has none.
        empty_days: days without any file.
        ignored: files of an unknown kind in the partitions of the asked days (hidden and `_` files are no surprise).
    """

    files: tuple[RawFile, ...]
    arrived: tuple[tuple[date, int], ...]
    missing: tuple[tuple[date, int], ...]
    empty_days: tuple[date, ...]
    ignored: tuple[Path, ...] = ()


def discover(input_dir: Path, days: Iterable[date]) -> RawDays:
    """List the files of exactly the asked days.

    Raises:
        InputError: there is no such directory, or no `raw` in it.
    """
    raw = input_dir / "raw"
    if not raw.is_dir():
        missing = input_dir if not input_dir.is_dir() else raw
        raise InputError(
            "there is no such input directory" if missing == input_dir else "the input directory has no raw events",
            where=str(missing),
            next_step="--input wants a directory with raw/<stream>/year=…/month=…/day=…/hour=…; see interface 2",
        )
    streams = sorted(path for path in raw.iterdir() if path.is_dir() and not _is_hidden(path))
    files: list[RawFile] = []
    ignored: list[Path] = []
    missing_hours: set[tuple[date, int]] = set()
    wanted = sorted(set(days))
    for day in wanted:
        for stream in streams:
            found, strange = _list_day(stream, day)
            files += found
            ignored += strange
            if found:
                missing_hours |= {(day, hour) for hour in _HOURS} - {(file.day, file.hour) for file in found}
    arrived = {(file.day, file.hour) for file in files}
    with_input = {day for day, _ in arrived}
    return RawDays(
        files=tuple(sorted(files)),
        arrived=tuple(sorted(arrived)),
        missing=tuple(sorted(missing_hours)),
        empty_days=tuple(day for day in wanted if day not in with_input),
        ignored=tuple(ignored),
    )


def find_input(input_dir: Path, days: Sequence[date]) -> RawDays:
    """List the files of some days, of which at least one must have input.

    Raises:
        NoInputError: none of the days has any file.
        InputError: there is no such directory, or no `raw` in it.
    """
    found = discover(input_dir, days)
    if not found.arrived:
        first = days[0]
        raise NoInputError(
            f"There is no input for {first}{f' to {days[-1]}' if len(days) > 1 else ''}.",
            where=f"{input_dir}/raw/<stream>/year={first.year}/month={first.month}/day={first.day}",
            next_step="wait for the data, or check --input and the days",
        )
    return found


def read_lines(spark: SparkSession, files: Sequence[RawFile]) -> DataFrame:
    """Read the lines of the given files, once.

    Grain: one row per line; of a parquet file one per row, turned into the JSON it was refined from.

    Args:
        spark: the session.
        files: of `discover`; empty ones are skipped.

    Returns:
        LINE_COLUMNS: `line` without its line feed, `file` relative to the input directory, and the day and hour of
        its partition. It is lazy: a damaged file fails the job that reads it (see `is_unreadable_error`).
    """
    filled = [file for file in files if file.n_bytes]
    texts = [file for file in filled if not file.is_parquet]
    with _listing_here(spark):
        frames = [_read_text(spark, texts)] if texts else []
        frames += [_read_parquet(spark, group) for group in _by_schema([file for file in filled if file.is_parquet])]
    if not frames:
        return spark.createDataFrame([], LINE_COLUMNS)
    return _with_place(spark, reduce(DataFrame.unionByName, frames), filled)


def file_frame(spark: SparkSession, files: Sequence[RawFile]) -> DataFrame:
    """The files as a frame (file, event_date, event_hour), for `events.unreadable`."""
    names, days, hours = ([file.name for file in files], [file.day for file in files], [file.hour for file in files])
    return _small_frame(spark, {"file": (names, pa.string()), **_hour_columns(days, hours)})


def hour_frame(spark: SparkSession, hours: Sequence[tuple[date, int]]) -> DataFrame:
    """Arrived or missing hours as a frame (event_date, event_hour)."""
    return _small_frame(spark, _hour_columns([day for day, _ in hours], [hour for _, hour in hours]))


def is_unreadable_error(error: BaseException) -> bool:
    """Whether a job, or the listing of parquet schemas, failed on a file that cannot be read.

    The message names at most one file, and only the first: ask `find_unreadable` for all of them. If that finds
    none, the error is something else and should be raised again.
    """
    if isinstance(error, pa.ArrowException | EOFError | gzip.BadGzipFile):
        return True
    text = str(error)
    is_spark = isinstance(error, PySparkException) or "Spark" in text
    return is_spark and "FAILED_READ_FILE" in text


def find_unreadable(files: Sequence[RawFile], *, workers: int = 2) -> list[RawFile]:
    """Read every file to its end and return those that cannot be: truncated, damaged, gone, or not what they claim.

    A file of zero bytes is an empty file, whatever its name.
    """
    filled = [file for file in files if file.n_bytes]
    with ThreadPoolExecutor(workers) as pool:  # zlib and pyarrow let go of the interpreter while they work
        are_bad = list(pool.map(_is_unreadable, filled))
    return [file for file, is_bad in zip(filled, are_bad, strict=True) if is_bad]


def _is_hidden(path: Path) -> bool:
    return path.name.startswith(("_", "."))


def _list_day(stream: Path, day: date) -> tuple[list[RawFile], list[Path]]:
    """Files of one stream's day, and those of unknown kind."""
    found, strange = [], []
    for hour in _HOURS:
        folder = stream / f"year={day.year}" / f"month={day.month}" / f"day={day.day}" / f"hour={hour}"
        if not folder.is_dir():
            continue
        for path in sorted(folder.iterdir()):
            if _is_hidden(path) or path.is_dir():
                continue
            if path.name.endswith(_SUFFIXES):
                found.append(RawFile(path, day, hour, path.stat().st_size))
            else:
                strange.append(path)
    return found, strange


@contextmanager
def _listing_here(spark: SparkSession) -> Iterator[None]:
    """Let Spark look up the files itself: for more than 32 it would run a job with a task for each."""
    key = "spark.sql.sources.parallelPartitionDiscovery.threshold"
    before = str(spark.conf.get(key))
    spark.conf.set(key, "1000000")
    try:
        yield
    finally:
        spark.conf.set(key, before)


def _read_text(spark: SparkSession, files: Sequence[RawFile]) -> DataFrame:
    """Lines of JSON files, gzipped or not. Spark packs many small files into one task by its own settings."""
    # Without recursiveFileLookup Spark looks for partition columns in the paths; a bare carriage return ends no line.
    reader = spark.read.option("recursiveFileLookup", "true").option("lineSep", "\n")
    lines = reader.text([_as_pattern(file.path) for file in files])
    return lines.select(F.col("value").alias("line"), F.col("_metadata.file_path").alias("_uri"))


def _as_pattern(path: Path) -> str:
    """A path for Spark's readers, which take it for a pattern."""
    return re.sub(r"([{}\[\]*?\\])", r"\\\1", str(path))


def _by_schema(files: Sequence[RawFile]) -> list[list[RawFile]]:
    """Parquet files grouped by their schema, since Spark takes the schema of one file for all it reads together."""
    groups: dict[str, list[RawFile]] = {}
    for file in files:
        schema = pq.read_schema(file.path).remove_metadata()
        groups.setdefault(schema.to_string(show_field_metadata=False), []).append(file)
    return list(groups.values())


def _read_parquet(spark: SparkSession, files: Sequence[RawFile]) -> DataFrame:
    """Rows after Refine as the JSON lines they came from: nulls left out, `_schema` by its own name."""
    reader = spark.read.option("recursiveFileLookup", "true")
    rows = reader.parquet(*[_as_pattern(file.path) for file in files])
    names = {name: "$schema" if name == "_schema" else name for name in rows.columns}
    columns = [F.col(f"`{name}`").alias(known) for name, known in names.items()]
    return rows.select(F.to_json(F.struct(*columns)).alias("line"), F.col("_metadata.file_path").alias("_uri"))


def _with_place(spark: SparkSession, lines: DataFrame, files: Sequence[RawFile]) -> DataFrame:
    """Replace the address of a line's file by its name, day and hour.

    A join, since taking the address apart again for each line costs a fifth of the whole parse. The addresses come
    from Spark itself, whose way of escaping them would be hard to foresee; only their beginnings differ.
    """
    by_name = {file.name: file for file in files}
    uris = ["/".join(uri.split("/")[-_PARTS_OF_PATH:]) for uri in lines.inputFiles()]
    placed = [(uri, by_name[unquote(uri)]) for uri in uris]
    places = _small_frame(
        spark,
        {
            "_uri": ([uri for uri, _ in placed], pa.string()),
            "file": ([file.name for _, file in placed], pa.string()),
            **_hour_columns([file.day for _, file in placed], [file.hour for _, file in placed]),
        },
    )
    addressed = lines.withColumn("_uri", F.substring_index("_uri", "/", -_PARTS_OF_PATH))
    joined = addressed.join(F.broadcast(places), "_uri", how="left")
    return joined.select("line", "file", "event_date", "event_hour")


def _hour_columns(days: list[date], hours: list[int]) -> dict[str, tuple[list[Any], pa.DataType]]:
    return {"event_date": (days, pa.date32()), "event_hour": (hours, pa.int32())}


def _small_frame(spark: SparkSession, columns: dict[str, tuple[list[Any], pa.DataType]]) -> DataFrame:
    """A local frame; by way of Arrow, since Python rows would start Python workers."""
    return spark.createDataFrame(pa.table({name: pa.array(values, kind) for name, (values, kind) in columns.items()}))


def _is_unreadable(file: RawFile) -> bool:
    try:
        if file.is_parquet:
            with pq.ParquetFile(file.path) as table:
                for _ in table.iter_batches():
                    pass
        else:
            opener = gzip.open if file.path.name.endswith(".gz") else Path.open
            with opener(file.path, "rb") as stream:
                while stream.read(_CHUNK):
                    pass
    except (OSError, EOFError, zlib.error, pa.ArrowException):
        return True
    return False
