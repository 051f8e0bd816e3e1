"""From a file of a dump to revisions, in one pass: the one definition of what its rows are. No engine here."""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

from jobs.dumps.blocks import MAX_LINE, EndlessLineError, line_blocks
from jobs.dumps.columns import LAYOUTS
from jobs.dumps.files import DumpFile, Span
from jobs.dumps.judge import READ, VERDICTS, Judged, judge
from jobs.dumps.pace import pace_of
from jobs.errors import InputError, NoInputError
from jobs.raw.place import Input

_OUR_OWN_TROUBLE = {errno.EMFILE, errno.ENFILE, errno.ENOMEM}
_FETCH_AGAIN = "wait until it is copied, or fetch it again"
FileRow = tuple[str, str, str, str | None, int, int | None, date | None, date | None, date, float, int]


class Tally:
    """What became of the rows of a file: filled while it is read."""

    def __init__(self, file: DumpFile) -> None:
        self._file = file
        self._counts = np.zeros(len(VERDICTS), np.int64)
        self._first_lines = np.zeros(len(VERDICTS), np.int64)
        self._events: Counter[int] = Counter()
        self.n_rows = 0

    def add(self, judged: Judged) -> None:
        """Count rows that come next in the file."""
        verdicts = judged.verdicts
        counts = np.bincount(verdicts, minlength=len(VERDICTS))
        for verdict in np.flatnonzero(counts):
            if not self._counts[verdict]:
                self._first_lines[verdict] = self.n_rows + 1 + int(np.argmax(verdicts == verdict))
        self._counts += counts
        self.n_rows += len(verdicts)
        self._events.update(dict(zip(judged.days.tolist(), judged.events.tolist(), strict=True)))

    def rows(self) -> list[FileRow]:
        """Return rows of FILES: one for each fate and reason there is, and one for what is kept in any case."""
        pace = pace_of(self._events)
        return [
            (
                self._file.wiki_db, self._file.name, fate, reason, int(self._counts[verdict]),
                int(self._first_lines[verdict]) or None, pace.last_event_date, pace.usual_from,
                self._file.last, pace.events_a_day, pace.longest_silence,
            )
            for verdict, (fate, reason) in enumerate(VERDICTS)
            if self._counts[verdict] or verdict == 0
        ]  # fmt: skip


def read_dump(history: Input, file: DumpFile, spans: Sequence[Span], tally: Tally) -> Iterator[pa.RecordBatch]:
    """Read a file, once.

    Args:
        history: the directory it lies in.
        file: of `find_dumps`.
        spans: of the days whose revisions are kept.
        tally: counts its rows.

    Returns:
        Batches of REVISIONS, in the order of the file.

    Raises:
        NoInputError: it is cut off, as one that is still copied, or has no row.
        InputError: it is gone or damaged, or its rows have a wrong number of columns.
    """
    try:
        with history.filesystem.open_input_stream(file.path, compression=None) as stream:
            for rows in tables(line_blocks(stream), f"{history.uri}/{file.name}"):
                judged = judge(rows, file, spans)
                tally.add(judged)
                if judged.revisions.num_rows:
                    yield judged.revisions
        if tally.n_rows == 0:  # whole, of nothing: no bucket is made without an event
            raise NoInputError(
                "A dump of mediawiki_history is empty: it unzips to nothing.",
                where=f"{history.uri}/{file.name}", next_step=_FETCH_AGAIN,
            )  # fmt: skip
    except EndlessLineError as error:
        raise InputError(
            f"A line has no end within {MAX_LINE >> 20} MB: this is no dump of mediawiki_history.",
            where=_line(f"{history.uri}/{file.name}", error.args[0] + 1), next_step=_FETCH_AGAIN,
        ) from None  # fmt: skip
    except (OSError, EOFError) as error:
        raise _unreadable(history, file, error) from error


def _unreadable(history: Input, file: DumpFile, error: OSError | EOFError) -> Exception:
    """Return what to raise of an error that reading met: bzip2's own have no number."""
    number = getattr(error, "errno", None)
    if number in _OUR_OWN_TROUBLE:
        return error
    if number is not None and number != errno.ENOENT:
        return history.out_of_reach(error)
    where = f"{history.uri}/{file.name}"
    if isinstance(error, EOFError):  # as a file that is still copied looks: whoever waits for a snapshot waits on
        return NoInputError(f"A dump of mediawiki_history is cut off: {error}.", where=where, next_step=_FETCH_AGAIN)
    what = "is gone" if number else "is damaged, or no bzip2"
    return InputError(f"A dump of mediawiki_history {what}: {error}.", where=where, next_step=_FETCH_AGAIN)


def tables(blocks: Iterable[bytes], where: str) -> Iterator[pa.Table]:
    """Give the columns READ of a file's lines, as bytes; an empty cell is null.

    Args:
        blocks: whole lines, in order.
        where: names the file.

    Raises:
        InputError: a row has another number of columns than the first, or the first one that no layout has; an empty
            line is a row of one column.
    """
    names: tuple[str, ...] = ()
    n_lines = 0
    for block in blocks:
        names = names or _layout(block, where)
        rows = _parsed(block, names, where, n_lines)
        n_lines += rows.num_rows
        yield rows


def _layout(block: bytes, where: str) -> tuple[str, ...]:
    """Return the names of the columns by the number of those in the first row."""
    n_columns = block.partition(b"\n")[0].count(b"\t") + 1
    if n_columns not in LAYOUTS:
        raise _wrong_number(n_columns, None, where, 1)
    return LAYOUTS[n_columns]


def _parsed(block: bytes, names: tuple[str, ...], where: str, n_before: int) -> pa.Table:
    """Return the columns READ of some lines; n_before: how many lines of the file stand before them."""
    if b"\r" in block:
        # Arrow would end a row here. No column we read means anything else with another byte in its place.
        block = block.replace(b"\r", b"\x01")
    wrong: list[tuple[int, int]] = []

    def note(row: pacsv.InvalidRow) -> str:
        if not wrong:
            wrong.append((row.number, row.actual_columns))
        return "skip"

    present = [name for name in READ if name in names]
    rows = pacsv.read_csv(
        pa.BufferReader(block),
        read_options=pacsv.ReadOptions(column_names=names, use_threads=False, block_size=len(block) + 1),
        parse_options=pacsv.ParseOptions(
            delimiter="\t", quote_char=False, escape_char=False, double_quote=False, newlines_in_values=False,
            ignore_empty_lines=False, invalid_row_handler=note,
        ),
        convert_options=pacsv.ConvertOptions(
            include_columns=present, column_types=dict.fromkeys(present, pa.binary()), null_values=[""],
            strings_can_be_null=True, check_utf8=False,
        ),
    )  # fmt: skip
    wrong += _empty_line(block)
    if wrong:
        number, n_columns = min(wrong)
        raise _wrong_number(n_columns, len(names), where, n_before + number)
    return rows


def _empty_line(block: bytes) -> list[tuple[int, int]]:
    """Return the number of the first empty line, and its one column: Arrow makes a row of nulls of it."""
    at = 0 if block.startswith(b"\n") else block.find(b"\n\n") + 1
    return [] if at == 0 and not block.startswith(b"\n") else [(block.count(b"\n", 0, at) + 1, 1)]


def _wrong_number(n_columns: int, expected: int | None, where: str, line: int) -> InputError:
    has = f"{n_columns} column{'' if n_columns == 1 else 's'}"
    if expected is None:
        young, old = sorted(LAYOUTS, reverse=True)
        what = f"A row has {has}; a dump of mediawiki_history has {young}, or {old} in older snapshots."
    else:
        what = f"A row has {has}, where the first row of its file has {expected}."
    return InputError(
        what, where=_line(where, line), next_step="fetch the file again; if the format is a new one, report it"
    )


def _line(where: str, number: int) -> str:
    return f"{where}, line {number}"
