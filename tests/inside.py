"""Everything that the files of a folder hold, also where it is packed: what a search for somebody's traces reads."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Collection
from pathlib import Path

import duckdb
import pyarrow.parquet as pq


def files_with(folder: Path, needles: Collection[bytes]) -> dict[str, set[bytes]]:
    """Return by file which of some texts stand in it, as they are or inside of Parquet, Avro, gzip and DuckDB."""
    found = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        text = inside(path)
        if hits := {needle for needle in needles if needle in text}:
            found[str(path.relative_to(folder))] = hits
    return found


def inside(path: Path) -> bytes:
    """Return the bytes of a file, and after them what it holds packed; numbers of rows as digits."""
    raw = path.read_bytes()
    if raw[:4] == b"PAR1":
        table = pq.ParquetFile(path).read()
        return raw + "\n".join(str(column.to_pylist()) for column in table.columns).encode()
    if raw[:4] == b"Obj\x01":
        return raw + _avro(raw)
    if raw[:2] == b"\x1f\x8b":
        return raw + gzip.decompress(raw)
    if path.suffix == ".duckdb":
        return raw + _duckdb(path)
    return raw


def needles_of(*values: str | int) -> set[bytes]:
    """Return what to look for: texts, and of numbers the digits and the eight bytes that bounds are kept in."""
    texts = {str(value).encode() for value in values}
    return texts | {value.to_bytes(8, "little", signed=True) for value in values if isinstance(value, int)}


def _avro(raw: bytes) -> bytes:
    """Unpack the blocks of an Avro file: between the marks that its head ends with."""
    head = raw.index(b"avro.codec")
    mark_at = _end_of_map(raw)
    mark, rest = raw[mark_at : mark_at + 16], raw[mark_at + 16 :]
    packed = b"deflate" in raw[head : head + 32]
    blocks = []
    while rest:
        _, rest = _number(rest)
        size, rest = _number(rest)
        blocks.append(zlib.decompress(rest[:size], -15) if packed else rest[:size])
        assert rest[size : size + 16] == mark
        rest = rest[size + 16 :]
    return b"".join(blocks)


def _end_of_map(raw: bytes) -> int:
    rest = raw[4:]
    while True:
        n_entries, rest = _number(rest)
        if n_entries == 0:
            return len(raw) - len(rest)
        if n_entries < 0:
            _, rest = _number(rest)
        for _ in range(2 * abs(n_entries)):
            size, rest = _number(rest)
            rest = rest[size:]


def _number(raw: bytes) -> tuple[int, bytes]:
    value = shift = place = 0
    while True:
        byte = raw[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if not byte & 0x80:
            return (value >> 1) ^ -(value & 1), raw[place:]


def _duckdb(path: Path) -> bytes:
    with duckdb.connect(str(path), read_only=True) as connection:
        tables = connection.execute("select table_schema, table_name from information_schema.tables").fetchall()
        rows = [connection.execute(f'select * from "{schema}"."{name}"').fetchall() for schema, name in tables]
    return str(rows).encode()
