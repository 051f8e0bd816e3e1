"""What becomes of each row of a dump: one fate and reason, and a revision of those that are kept.

All of it is vectorised. A column of few values (flags, namespaces, kinds of events) is looked at once a value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from jobs.dumps.files import DumpFile, Span
from jobs.dumps.rows import (
    ANONYMOUS,
    KEPT,
    MALFORMED,
    OTHER_EVENT,
    OUT_OF_SCOPE,
    OUTSIDE_WINDOWS,
    QUARANTINED,
    REVISIONS,
    WRONG_WIKI,
)  # fmt: skip
from jobs.schemas import arrow_schema
from jobs.scope import TEMPORARY_NAME
from jobs.windows import DAY

SCHEMA = arrow_schema(REVISIONS)
PARSED = (
    "wiki_db", "event_entity", "event_type", "event_timestamp", "event_user_is_anonymous", "event_user_is_temporary",
    "event_user_is_permanent", "event_user_id", "event_user_revision_count", "page_namespace_historical",
    "page_namespace", "event_user_is_cross_wiki", "revision_is_deleted_by_page_deletion",
)  # fmt: skip
"""Columns with a form, any of which can be malformed, in the order in which they are looked at."""
READ = (
    *PARSED, "event_user_text_historical", "event_user_text", "event_user_is_bot_by_historical", "event_user_is_bot_by",
)  # fmt: skip
"""Every column that is read. Of names only the beginning matters, of lists whether anything stands in them; so their
escapes, and bytes that are no UTF-8, make no difference."""
VERDICTS: tuple[tuple[str, str | None], ...] = (
    (KEPT, None), (OUT_OF_SCOPE, OTHER_EVENT), (OUT_OF_SCOPE, OUTSIDE_WINDOWS), (OUT_OF_SCOPE, ANONYMOUS),
    (QUARANTINED, WRONG_WIKI), *((QUARANTINED, f"{MALFORMED}{column}") for column in PARSED),
)  # fmt: skip
"""Fate and reason; a row's verdict is a place in here."""

_IS_QUARANTINED = np.array([fate == QUARANTINED for fate, _ in VERDICTS])
_PLACE = {reason: place for place, (_, reason) in enumerate(VERDICTS)}
_ENTITIES = {b"revision", b"user", b"page"}
_TYPE = re.compile(rb"[a-z]+([-_][a-z]+)*")
_BAD = -1  # of a flag or a kind of event that cannot be read; null is -2
_NULL = -2
_TRUE, _FALSE = 1, 0
_BOOLEANS = {None: _NULL, b"true": _TRUE, b"false": _FALSE}
_TIME = r"^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?$"
_NUMBER = "^[0-9]{1,18}$"
_SMALLEST, _LARGEST = -(2**31), 2**31 - 1
Mask = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Judged:
    """Some rows of a dump, judged.

    Attributes:
        revisions: a batch of REVISIONS.
        verdicts: a place in VERDICTS for each row.
        days, events: days since 1970 and how many events of any kind are of them, for days that the file can hold, by
            rows that are not quarantined.
    """

    revisions: pa.RecordBatch
    verdicts: Codes
    days: Codes
    events: Codes


def judge(rows: pa.Table, file: DumpFile, spans: Sequence[Span]) -> Judged:
    """Judge rows of a dump.

    Of a row that is out of scope by what it is of (another event, other days, no account) nothing more is looked at.

    Args:
        rows: the columns of READ as bytes, null where empty; those that old dumps do not have may be absent.
        file: where they lie: in the folder of a wiki, with a first and a last day.
        spans: of the days whose revisions are kept.
    """
    verdicts = np.zeros(rows.num_rows, np.int64)
    times = _times(rows["event_timestamp"])
    _judge_events(rows, verdicts, times, file.wiki_db, spans)
    asked = np.flatnonzero(verdicts == 0)
    accounts = rows.take(pa.array(asked))
    inner = np.zeros(len(asked), np.int64)
    columns = _judge_accounts(accounts, inner)
    verdicts[asked] = inner
    kept = np.flatnonzero(inner == 0)
    columns["event_time"] = times.take(pa.array(asked)).cast(SCHEMA.field("event_time").type)
    columns["wiki_db"] = pa.repeat(pa.scalar(file.wiki_db), len(asked))
    revisions = pa.RecordBatch.from_arrays(
        [columns[field.name].take(pa.array(kept)).cast(field.type) for field in SCHEMA], schema=SCHEMA
    )
    return Judged(revisions, verdicts, *_by_day(times, verdicts, file))


def _by_day(times: pa.Array, verdicts: Codes, file: DumpFile) -> tuple[Codes, Codes]:
    """Count events by day: what is of no day of the file, or of another wiki, is a mistake."""
    of_file = pc.and_(pc.greater_equal(times, _begin(file.first)), pc.less(times, _begin(file.last + DAY)))
    found = times.filter(pc.and_(of_file, pa.array(~_IS_QUARANTINED[verdicts])))
    days, events = np.unique(found.cast(pa.date32()).cast(pa.int32()).to_numpy(), return_counts=True)
    return days, events


def _judge_events(rows: pa.Table, verdicts: Codes, times: pa.Array, wiki: str, spans: Sequence[Span]) -> None:
    """Judge what rows are of: which wiki, which event, which day."""
    wikis = _by_value(rows["wiki_db"], lambda value: _BAD if value is None else int(value == wiki.encode()))
    entities = _by_value(rows["event_entity"], lambda value: int(value == b"revision") if value in _ENTITIES else _BAD)
    types = _by_value(rows["event_type"], _creation)
    _mark(verdicts, wikis == _BAD, f"{MALFORMED}wiki_db")
    _mark(verdicts, wikis == _FALSE, WRONG_WIKI)
    _mark(verdicts, entities == _BAD, f"{MALFORMED}event_entity")
    # A revision is only ever created: any other word there is a shifted or damaged row.
    _mark(verdicts, (types == _BAD) | ((entities == _TRUE) & (types == _FALSE)), f"{MALFORMED}event_type")
    _mark(verdicts, _mask(pc.is_null(times)), f"{MALFORMED}event_timestamp")
    _mark(verdicts, (entities == _FALSE) | (types == _FALSE), OTHER_EVENT)
    is_asked = np.zeros(rows.num_rows, np.bool_)
    for first, last in spans:
        is_asked |= _mask(pc.and_(pc.greater_equal(times, _begin(first)), pc.less(times, _begin(last + DAY))))
    _mark(verdicts, ~is_asked, OUTSIDE_WINDOWS)


def _begin(day: date) -> pa.Scalar:
    return pa.scalar(datetime(day.year, day.month, day.day))


def _creation(value: bytes | None) -> int:
    """Whether a type of event is a creation, or no type at all."""
    if value is None or _TYPE.fullmatch(value) is None:
        return _BAD
    return int(value == b"create")


def _judge_accounts(rows: pa.Table, verdicts: Codes) -> dict[str, pa.Array]:
    """Judge rows by who made the revision and what is counted of it; return the columns of all of them."""
    is_anonymous = _flag(rows, verdicts, "event_user_is_anonymous")
    is_temporary = _flag(rows, verdicts, "event_user_is_temporary")
    is_permanent = _flag(rows, verdicts, "event_user_is_permanent")
    _mark(verdicts, is_anonymous == _TRUE, ANONYMOUS)
    user_ids = _number(rows, verdicts, "event_user_id", null_is_bad=False)
    _mark(verdicts, _mask(pc.equal(user_ids, 0), null=True), ANONYMOUS)
    _mark(verdicts, (is_permanent == _FALSE) & (is_temporary == _FALSE), ANONYMOUS)
    _mark(verdicts, (is_permanent == _TRUE) & (is_temporary == _TRUE), f"{MALFORMED}event_user_is_permanent")
    counts = _number(rows, verdicts, "event_user_revision_count", null_is_bad=True)
    _mark(verdicts, _mask(pc.less(counts, 1)), f"{MALFORMED}event_user_revision_count")
    namespaces = {name: _namespace(rows, verdicts, f"page_namespace{of}") for name, of in _NAMESPACES.items()}
    cross = _flag(rows, verdicts, "event_user_is_cross_wiki")
    deleted = _flag(rows, verdicts, "revision_is_deleted_by_page_deletion")
    by_flags = np.where(is_temporary == _NULL, np.where(is_permanent == _NULL, _NULL, 1 - is_permanent), is_temporary)
    return {
        "user_id": user_ids,
        "edit_count": counts,
        **namespaces,
        "is_bot_then": pc.is_valid(rows["event_user_is_bot_by_historical"]).combine_chunks(),
        "is_bot_now": pc.is_valid(rows["event_user_is_bot_by"]).combine_chunks(),
        "is_temporary": pa.array(np.where(by_flags == _NULL, _has_temporary_name(rows), by_flags) == _TRUE),
        "is_cross_wiki": pa.array(cross == _TRUE, mask=cross < 0),
        "is_deleted": pa.array(deleted == _TRUE),
    }


_NAMESPACES = {"namespace_historical": "_historical", "namespace_current": ""}


def _has_temporary_name(rows: pa.Table) -> Mask:
    names = pc.coalesce(rows["event_user_text_historical"], rows["event_user_text"]).combine_chunks()
    return _mask(pc.match_substring_regex(names, TEMPORARY_NAME))


def _mark(verdicts: Codes, mask: Mask, reason: str) -> None:
    """Give rows without a verdict this one: the first that applies stands."""
    verdicts[(verdicts == 0) & mask] = _PLACE[reason]


def _mask(values: pa.Array, *, null: bool = False) -> Mask:
    found: Mask = pc.fill_null(values, null).to_numpy(zero_copy_only=False)
    return found


def _by_value(column: pa.ChunkedArray, code: Callable[[bytes | None], int]) -> Codes:
    """Return a code for each row, found once for each value; the codes of what is read stand above `_BAD`."""
    encoded = column.combine_chunks().dictionary_encode()
    codes = np.array([code(value) for value in [*encoded.dictionary.to_pylist(), None]], np.int64)
    found: Codes = codes[encoded.indices.fill_null(len(codes) - 1).to_numpy(zero_copy_only=False)]
    return found


def _flag(rows: pa.Table, verdicts: Codes, column: str) -> Codes:
    """Return a column of `true` and `false` as 1, 0, or -2 for null and where there is no such column."""
    if column not in rows.column_names:
        return np.full(rows.num_rows, _NULL)
    found = _by_value(rows[column], lambda value: _BOOLEANS.get(value, _BAD))
    _mark(verdicts, found == _BAD, f"{MALFORMED}{column}")
    return found


def _namespace(rows: pa.Table, verdicts: Codes, column: str) -> pa.Array:
    """Return a column of namespaces: whole numbers, of which talk of media has a negative one, or null."""
    null, bad = _LARGEST + 1, _LARGEST + 2

    def code(value: bytes | None) -> int:
        if value is None:
            return null
        is_number = value.removeprefix(b"-").isdigit() and len(value) < 12
        return int(value) if is_number and _SMALLEST <= int(value) <= _LARGEST else bad

    found = _by_value(rows[column], code)
    _mark(verdicts, found == bad, f"{MALFORMED}{column}")
    return pa.array(found, mask=found > _LARGEST)


def _number(rows: pa.Table, verdicts: Codes, column: str, *, null_is_bad: bool) -> pa.Array:
    """Return a column of whole numbers from 0, null where there is none or none that can be read."""
    texts = rows[column].combine_chunks()
    found = _fitting(texts, _NUMBER).cast(pa.string()).cast(pa.int64())
    is_bad = pc.is_null(found) if null_is_bad else pc.and_(pc.is_null(found), pc.is_valid(texts))
    _mark(verdicts, _mask(is_bad), f"{MALFORMED}{column}")
    return found


def _fitting(texts: pa.Array, pattern: str) -> pa.Array:
    return pc.if_else(pc.match_substring_regex(texts, pattern), texts, pa.scalar(None, texts.type))


def _times(column: pa.ChunkedArray) -> pa.Array:
    """Return times as `2009-10-22 21:58:45.0` without a zone, null for what is none."""
    texts = _fitting(column.combine_chunks(), _TIME).cast(pa.string())
    try:
        return texts.cast(pa.timestamp("us"))
    except pa.ArrowInvalid:  # one of them is a day or an hour that does not exist
        return pa.array(_times_one_by_one(texts.to_pylist()), pa.timestamp("us"))


def _times_one_by_one(texts: Iterable[str | None]) -> list[Any]:
    found: list[Any] = []
    for text in texts:
        try:
            found.append(None if text is None else datetime.fromisoformat(text))
        except ValueError:
            found.append(None)
    return found
