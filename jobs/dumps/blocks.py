"""A file of bzip2 as blocks of whole lines: memory is that of a block, however large the file."""

from __future__ import annotations

import bz2
from collections.abc import Iterator
from typing import Protocol

BLOCK = 8 << 20  # bytes of lines that are parsed at a time
MAX_LINE = 64 << 20
_CHUNK = 256 << 10  # zipped
_PIECE = 1 << 20  # about what bzip2 unzips at once


class Stream(Protocol):
    """What bytes are read from."""

    def read(self, size: int, /) -> bytes:
        """Return some bytes, none at the end."""
        ...


class EndlessLineError(Exception):
    """A line is longer than MAX_LINE. `args[0]`: how many lines stand before it."""


def line_blocks(stream: Stream) -> Iterator[bytes]:
    """Unzip a file and give its lines, some megabytes at a time; only the last block may end without a line feed.

    Raises:
        EOFError: it is cut off.
        OSError: it is no bzip2, or damaged; without an `errno`, unlike what the stream itself raises.
        EndlessLineError: no line feed comes.
    """
    pieces: list[bytes] = []
    size = n_lines = 0
    for piece in unzipped(stream):
        pieces.append(piece)
        size += len(piece)
        if size < BLOCK or (b"\n" not in piece and size <= MAX_LINE):
            continue
        data = b"".join(pieces)
        cut = data.rfind(b"\n") + 1
        if len(data) - cut > MAX_LINE:
            raise EndlessLineError(n_lines + data.count(b"\n"))
        n_lines += data.count(b"\n")
        yield data[:cut]
        pieces, size = [data[cut:]], len(data) - cut
    if tail := b"".join(pieces):
        yield tail


def unzipped(stream: Stream) -> Iterator[bytes]:
    """Unzip a file of one stream of bzip2 or of several, as parallel programs write it.

    The standard library's file objects take what follows the first stream and is none for padding, so that a file with
    a damaged second stream would end early and in silence.

    Raises:
        EOFError: it is cut off.
        OSError: it is no bzip2, or damaged.
    """
    unzip = bz2.BZ2Decompressor()
    while chunk := stream.read(_CHUNK):
        while chunk:
            if unzip.eof:
                unzip = bz2.BZ2Decompressor()
            yield unzip.decompress(chunk, _PIECE)
            while not (unzip.needs_input or unzip.eof):
                yield unzip.decompress(b"", _PIECE)
            chunk = unzip.unused_data
    if not unzip.eof:
        raise EOFError("it ends in the middle of a stream of bzip2")
