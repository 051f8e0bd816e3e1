"""From files to typed Arrow batches, in one pass: the one definition of what a line is. No engine here.

A file that cannot be read to its end yields one marker row and none of its lines: its batches are held back, on disk
when they are many, until its end is seen.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, BinaryIO, cast

import msgspec
import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from jobs.raw.event import decode, values
from jobs.raw.files import Input, RawFile

# The order of `event.values`.
FIELDS = (
    ("schema_uri", pa.string()), ("has_agent", pa.bool_()), ("meta_dt", pa.string()), ("client_dt", pa.string()),
    ("meta_id", pa.string()), ("wiki_db", pa.string()), ("instrument_name", pa.string()), ("action", pa.string()),
    ("element_friendly_name", pa.string()), ("client_platform_family", pa.string()),
    ("edit_count_bucket", pa.string()), ("funnel_entry_token", pa.string()), ("session_id", pa.string()),
    ("pageview_id", pa.string()), ("user_id", pa.int64()), ("name", pa.string()), ("is_logged_in", pa.bool_()),
    ("is_temp", pa.bool_()), ("is_bot", pa.bool_()),
)  # fmt: skip
PARSED = pa.schema(
    [
        ("line", pa.string()), ("file", pa.string()), ("event_date", pa.date32()), ("event_hour", pa.int32()),
        ("is_unreadable", pa.bool_()), ("is_malformed", pa.bool_()),
        ("wrong_types", pa.list_(pa.field("element", pa.string()))), *FIELDS,
    ]
)  # fmt: skip
"""A row per line. `line`: its text, bytes that are no UTF-8 replaced; null for an unreadable file, which is one row.
`wrong_types`: see `event.decode`; `meta_dt` and `client_dt` are the texts of `meta.dt` and `dt`."""

BATCH_LINES = 16_384
BATCH_BYTES = 16 << 20
HELD_BYTES = 64 << 20  # of a file's batches, before they are held on disk
_CHUNK = 1 << 20
_NOTHING = (None,) * len(FIELDS)
_UNREADABLE = (OSError, EOFError, zlib.error, pa.ArrowException)


def read_files(source: Input, files: Iterable[RawFile]) -> Iterator[pa.RecordBatch]:
    """Read files of events, each once.

    Args:
        source: the input they lie in.
        files: of `files.discover`; empty ones have no lines.

    Returns:
        Batches of `PARSED`: a row per line, of a Parquet file one per row; one with `is_unreadable` for a file that is
        gone, damaged, cut off or not what its name says.
    """
    for file in files:
        if file.n_bytes == 0:
            continue
        with _Held() as held:
            try:
                for lines in _lines(source, file):
                    held.add(parse_lines(lines, file))
            except _UNREADABLE:
                yield _marker(file)
            else:
                yield from held


def parse_lines(lines: Sequence[bytes], file: RawFile) -> pa.RecordBatch:
    """Return lines of a file as a batch of `PARSED`."""
    texts, malformed, wrongs, rows = [], [], [], []
    for line in lines:
        event, wrong = decode(line)
        texts.append(line.decode("utf-8", errors="replace"))
        malformed.append(event is None)
        wrongs.append(wrong)
        rows.append(_NOTHING if event is None else values(event))
    n = len(rows)
    columns = [texts, [file.name] * n, [file.day] * n, [file.hour] * n, [False] * n, malformed, wrongs]
    fields = list(zip(*rows, strict=True)) if rows else [()] * len(FIELDS)
    return _batch([*columns, *fields])


def _marker(file: RawFile) -> pa.RecordBatch:
    return _batch([[None], [file.name], [file.day], [file.hour], [True], [False], [None], *([None] for _ in FIELDS)])


def _batch(columns: Sequence[Sequence[Any]]) -> pa.RecordBatch:
    arrays = [pa.array(column, kind) for column, kind in zip(columns, PARSED.types, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=PARSED)


def _lines(source: Input, file: RawFile) -> Iterator[list[bytes]]:
    """Give the lines of a file, some at a time, without their line feeds. A bare carriage return ends no line."""
    if file.is_parquet:
        yield from _refined(source, file)
        return
    with _opened(source.filesystem, file) as stream:
        batch: list[bytes] = []
        size, rest = 0, []
        while chunk := stream.read(_CHUNK):
            *ended, last = chunk.split(b"\n")
            if not ended:
                rest.append(last)
                continue
            ended[0] = b"".join([*rest, ended[0]])
            rest = [last]
            batch += ended
            size += len(chunk)
            if len(batch) >= BATCH_LINES or size >= BATCH_BYTES:
                yield batch
                batch, size = [], 0
        if tail := b"".join(rest):
            batch.append(tail)
        if batch:
            yield batch


@contextlib.contextmanager
def _opened(filesystem: pafs.FileSystem, file: RawFile) -> Iterator[BinaryIO]:
    with filesystem.open_input_stream(file.path, compression=None) as raw:
        if file.path.endswith(".gz"):
            with gzip.GzipFile(fileobj=io.BufferedReader(raw, _CHUNK)) as stream:
                yield cast(BinaryIO, stream)
        else:
            yield cast(BinaryIO, raw)


def _refined(source: Input, file: RawFile) -> Iterator[list[bytes]]:
    """Give rows after Refine as the JSON lines they came from: nulls left out, `_schema` by its own name."""
    with source.filesystem.open_input_file(file.path) as handle, pq.ParquetFile(handle) as table:
        for batch in table.iter_batches(BATCH_LINES):
            rows = batch.to_pylist(maps_as_pydicts="lossy")
            yield [msgspec.json.encode(_original(row), enc_hook=str) for row in rows]


def _original(row: dict[str, Any]) -> dict[str, Any]:
    named = {"$schema" if name == "_schema" else name: value for name, value in row.items()}
    return cast(dict[str, Any], _without_nulls(named))


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(inner) for name, inner in value.items() if inner is not None}
    return value


class _Held:
    """The batches of one file: in memory, and from some size on in a file without a name."""

    def __init__(self) -> None:
        self._batches: list[pa.RecordBatch] = []
        self._size = 0
        self._spill: BinaryIO | None = None
        self._writer: pa.ipc.RecordBatchStreamWriter | None = None

    def __enter__(self) -> _Held:
        return self

    def __exit__(self, *_: object) -> None:
        if self._spill is not None:
            self._spill.close()

    def add(self, batch: pa.RecordBatch) -> None:
        """Hold one more."""
        if self._writer is not None:
            self._writer.write_batch(batch)
            return
        self._batches.append(batch)
        self._size += batch.nbytes
        if self._size > HELD_BYTES:
            self._spill = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115 - closed with self
            self._writer = pa.ipc.new_stream(self._spill, PARSED, options=pa.ipc.IpcWriteOptions(compression="lz4"))
            for held in self._batches:
                self._writer.write_batch(held)
            self._batches = []

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Give them all, in order."""
        yield from self._batches
        if self._writer is not None and self._spill is not None:
            self._writer.close()
            self._spill.seek(0)
            yield from pa.ipc.open_stream(self._spill)
