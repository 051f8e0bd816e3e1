"""From files to typed Arrow batches, in one pass: the one definition of what a line is. No engine here.

A file that cannot be read to its end yields one marker row and none of its lines: its batches are held back, on disk
when they are many, until its end is seen. What is a line: all up to a line feed, and what stands after the last one if
that is anything. A byte order mark at the beginning belongs to the file, not to its first line. A file with a line of
more than MAX_LINE bytes counts as one that cannot be read, and so does a Parquet file with texts that are no UTF-8.
"""

from __future__ import annotations

import base64
import codecs
import contextlib
import errno
import gzip
import io
import tempfile
import zlib
from collections.abc import Generator, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
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
MAX_LINE = 64 << 20
HELD_BYTES = 64 << 20  # of a file's batches, before they are held on disk
_CHUNK = 1 << 20
_NOTHING = (None,) * len(FIELDS)
_encode = msgspec.json.Encoder(decimal_format="number").encode
# ValueError and OverflowError: a text or a time of a Parquet file that is none, a line that is too long.
_UNREADABLE = (OSError, EOFError, zlib.error, pa.ArrowException, ValueError, OverflowError)
_OUR_OWN_TROUBLE = {errno.EMFILE, errno.ENFILE, errno.ENOMEM}


def read_files(source: Input, files: Iterable[RawFile], scratch: Path | None = None) -> Iterator[pa.RecordBatch]:
    """Read files of events, each once.

    Args:
        source: the input they lie in.
        files: of `files.discover`; empty ones have no lines.
        scratch: folder for what is held on disk, by default the system's.

    Returns:
        Batches of `PARSED`: a row per line, of a Parquet file one per row; one with `is_unreadable` for a file that is
        gone, damaged, cut off or not what its name says.
    """
    for file in files:
        if file.n_bytes == 0:
            continue
        with _Held(scratch) as held:
            if _hold(source, file, held):
                yield from held
            else:
                yield _marker(file)


def _hold(source: Input, file: RawFile, held: _Held) -> bool:
    """Read a file to its end; return whether that can be done. Only what reading meets is the file's fault."""
    with contextlib.closing(_lines(source, file)) as batches:
        while True:
            try:
                lines = next(batches, None)
            except _UNREADABLE as error:
                if not _is_its_fault(error, source):
                    if isinstance(error, OSError) and not source.is_local and error.errno not in _OUR_OWN_TROUBLE:
                        raise source.out_of_reach(error) from None
                    raise
                return False
            if lines is None:
                return True
            held.add(parse_lines(lines, file))


def _is_its_fault(error: Exception, source: Input) -> bool:
    """Whether a file is to blame for what reading met: not for our own want, nor for a store out of reach."""
    if isinstance(error, MemoryError | pa.ArrowCancelled):
        return False
    if not isinstance(error, OSError) or isinstance(error, gzip.BadGzipFile | FileNotFoundError):
        return True
    return source.is_local and error.errno not in _OUR_OWN_TROUBLE


def parse_lines(lines: Sequence[bytes], file: RawFile) -> pa.RecordBatch:
    """Return lines of a file as a batch of `PARSED`."""
    malformed, wrongs, rows = [], [], []
    for line in lines:
        event, wrong = decode(line)
        malformed.append(event is None)
        wrongs.append(wrong)
        rows.append(_NOTHING if event is None else values(event))
    n = len(rows)
    fields = zip(*rows, strict=True) if rows else [()] * len(FIELDS)
    return _batch([_text(lines), *_place(file, n), [False] * n, malformed, wrongs, *fields])


def _text(lines: Sequence[bytes]) -> pa.Array:
    try:
        return pa.array(lines, pa.string())  # looks at the bytes once, and makes no Python text of them
    except (pa.ArrowInvalid, UnicodeDecodeError):
        return pa.array([line.decode("utf-8", errors="replace") for line in lines], pa.string())


def _place(file: RawFile, n: int) -> list[pa.Array]:
    place = ((file.name, pa.string()), (file.day, pa.date32()), (file.hour, pa.int32()))
    return [pa.repeat(pa.scalar(value, kind), n) for value, kind in place]


def _marker(file: RawFile) -> pa.RecordBatch:
    return _batch([[None], *_place(file, 1), [True], [False], [None], *([None] for _ in FIELDS)])


def _batch(columns: Iterable[Sequence[Any] | pa.Array]) -> pa.RecordBatch:
    arrays = [
        column if isinstance(column, pa.Array) else pa.array(column, kind)
        for column, kind in zip(columns, PARSED.types, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=PARSED)


def _lines(source: Input, file: RawFile) -> Generator[list[bytes], None, None]:
    """Give the lines of a file, some at a time, without their line feeds. A bare carriage return ends no line."""
    if file.is_parquet:
        yield from _refined(source, file)
        return
    with _opened(source.filesystem, file) as stream:
        batch: list[bytes] = []
        rest: list[bytes] = []
        size = rest_size = 0
        chunk = stream.read(_CHUNK).removeprefix(codecs.BOM_UTF8)
        while chunk:
            *ended, last = chunk.split(b"\n")
            if ended:
                ended[0] = b"".join([*rest, ended[0]])
                batch += ended
                rest, rest_size = [], 0
            rest.append(last)
            rest_size += len(last)
            if rest_size > MAX_LINE:
                raise ValueError("this line has no end")
            size += len(chunk)
            if len(batch) >= BATCH_LINES or size >= BATCH_BYTES:
                yield from _in_batches(batch)
                batch, size = [], 0
            chunk = stream.read(_CHUNK)
        if tail := b"".join(rest):
            batch.append(tail)
        yield from _in_batches(batch)


def _in_batches(lines: list[bytes]) -> Iterator[list[bytes]]:
    for start in range(0, len(lines), BATCH_LINES):
        yield lines[start : start + BATCH_LINES]


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
            yield [_encode(_original(row)) for row in rows]


def _original(row: dict[str, Any]) -> Any:
    return _as_json({"$schema" if name == "_schema" else name: value for name, value in row.items()})


def _as_json(value: Any) -> Any:
    """Return a value as the JSON it came from has it; a time in UTC to the millisecond, as in `meta.dt`."""
    if isinstance(value, dict):
        return {str(name): _as_json(inner) for name, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [_as_json(inner) for inner in value]
    if isinstance(value, datetime):
        if value.tzinfo is None:
            return value.isoformat(timespec="milliseconds")
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value if isinstance(value, str | int | float | Decimal | date | None) else str(value)


class _Held:
    """The batches of one file: in memory, and from some size on in a file without a name."""

    def __init__(self, scratch: Path | None) -> None:
        self._scratch = scratch
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
            self._spill = cast(BinaryIO, tempfile.TemporaryFile(dir=self._scratch))  # noqa: SIM115 - closed with self
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
