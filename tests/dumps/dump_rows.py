"""Writes dumps of mediawiki_history as tests want them, and reads them the slow way."""

from __future__ import annotations

import bz2
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from jobs.dumps.columns import ALL_COLUMNS, OLD_COLUMNS

# A revision by an account, as both layouts have it.
GOOD = {
    "wiki_db": "trwiki", "event_entity": "revision", "event_type": "create",
    "event_timestamp": "2026-03-10 21:58:45.0", "event_user_id": "7", "event_user_text_historical": "Ayşe",
    "event_user_text": "Ayşe", "event_user_is_anonymous": "false", "event_user_is_temporary": "false",
    "event_user_is_permanent": "true", "event_user_is_cross_wiki": "true", "event_user_revision_count": "120",
    "page_namespace_historical": "0", "page_namespace": "0", "revision_is_deleted_by_page_deletion": "false",
    "revision_id": "1",
}  # fmt: skip


def row(layout: Sequence[str] = ALL_COLUMNS, /, **changes: str) -> bytes:
    """A row of a dump without its line feed: a good one, but for some cells."""
    assert set(changes) <= set(ALL_COLUMNS)
    cells = {**GOOD, **changes}
    return "\t".join(cells.get(name, "") for name in layout).encode("utf-8", "surrogateescape")


def put(
    root: Path,
    rows: Sequence[bytes] = (),
    *,
    wiki: str = "trwiki",
    bucket: str = "2026",
    snapshot: str = "2026-03",
    content: bytes | None = None,
) -> Path:
    """Write a file of a dump: rows, or any content."""
    folder = root / snapshot / wiki
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{snapshot}.{wiki}.{bucket}.tsv.bz2"
    path.write_bytes(bz2.compress(b"".join(line + b"\n" for line in rows)) if content is None else content)
    return path


BOTH = (ALL_COLUMNS, OLD_COLUMNS)


def unescaped(cell: str) -> str:
    """Return a text as it was before it was written into a dump."""
    told = {"t": "\t", "n": "\n", "r": "\r"}
    found, letters = [], iter(cell)
    for letter in letters:
        following = next(letters, "\\") if letter == "\\" else None
        found.append(letter if following is None else told.get(following, following))
    return "".join(found)


def elements(cell: str) -> list[str]:
    """Return the elements of a list: commas inside of one are escaped."""
    return [part.replace("\\,", ",") for part in re.split(r"(?<!\\),", cell)] if cell else []


class MalformedError(Exception):
    """A row that cannot be read; `args[0]` is its reason."""


def by_hand(line: bytes, wiki: str, first: date, last: date) -> tuple[str | None, dict[str, Any] | None, date | None]:
    """Read a row one cell after the other: its reason (none if it is kept), its revision, the day of its event."""
    cells = dict(zip({78: ALL_COLUMNS, 70: OLD_COLUMNS}[line.count(b"\t") + 1], line.split(b"\t"), strict=True))
    moment = _moment(cells["event_timestamp"])
    day = moment.date() if moment else None
    try:
        if reason := _reason(cells, wiki, moment, first, last):
            return reason, None, day
        return None, _revision(cells, wiki, moment), day
    except MalformedError as error:
        return error.args[0], None, day


def _reason(cells: dict[str, bytes], wiki: str, moment: datetime | None, first: date, last: date) -> str | None:
    if not cells["wiki_db"]:
        raise MalformedError("malformed:wiki_db")
    if cells["wiki_db"] != wiki.encode():
        return "wrong_wiki"
    if cells["event_entity"] not in (b"revision", b"user", b"page"):
        raise MalformedError("malformed:event_entity")
    is_word = re.fullmatch(rb"[a-z]+([-_][a-z]+)*", cells["event_type"])
    if not is_word or (cells["event_entity"] == b"revision" and cells["event_type"] != b"create"):
        raise MalformedError("malformed:event_type")
    if moment is None:
        raise MalformedError("malformed:event_timestamp")
    if (cells["event_entity"], cells["event_type"]) != (b"revision", b"create"):
        return "other_event"
    return None if first <= moment.date() <= last else "outside_windows"


def _revision(cells: dict[str, bytes], wiki: str, moment: datetime | None) -> dict[str, Any]:
    anonymous, temporary, permanent = (
        _flag(cells, f"event_user_is_{name}") for name in ("anonymous", "temporary", "permanent")
    )
    user = None if anonymous else _number(cells, "event_user_id", 0, 10**18 - 1)
    if anonymous or not user or (permanent is False and temporary is False):
        raise MalformedError("anonymous")
    if permanent and temporary:
        raise MalformedError("malformed:event_user_is_permanent")
    count = _number(cells, "event_user_revision_count", 1, 10**18 - 1)
    if count is None:
        raise MalformedError("malformed:event_user_revision_count")
    if temporary is None and permanent is None:
        name = cells["event_user_text_historical"] or cells["event_user_text"]
        temporary = re.match(r"~\d{4}-", unescaped(name.decode(errors="replace")), re.ASCII) is not None
    elif temporary is None:
        temporary = not permanent
    bots = [elements(cells[f"event_user_is_bot_by{of}"].decode(errors="replace")) for of in ("_historical", "")]
    smallest, largest = -(2**31), 2**31 - 1
    return {
        "wiki_db": wiki, "user_id": user, "event_time": moment, "edit_count": count,
        "namespace_historical": _number(cells, "page_namespace_historical", smallest, largest),
        "namespace_current": _number(cells, "page_namespace", smallest, largest),
        "is_bot_then": len(bots[0]) > 0, "is_bot_now": len(bots[1]) > 0, "is_temporary": temporary,
        "is_cross_wiki": _flag(cells, "event_user_is_cross_wiki"),
        "is_deleted": _flag(cells, "revision_is_deleted_by_page_deletion") or False,
    }  # fmt: skip


def _flag(cells: dict[str, bytes], name: str) -> bool | None:
    if not (cell := cells.get(name, b"")):
        return None
    if cell not in (b"true", b"false"):
        raise MalformedError(f"malformed:{name}")
    return cell == b"true"


def _number(cells: dict[str, bytes], name: str, least: int, most: int) -> int | None:
    if not (cell := cells[name]):
        return None
    if not re.fullmatch(rb"-?[0-9]{1,18}", cell) or not least <= int(cell) <= most or (least >= 0 and cell[:1] == b"-"):
        raise MalformedError(f"malformed:{name}")
    return int(cell)


def _moment(cell: bytes) -> datetime | None:
    if not re.fullmatch(rb"[1-9]\d{3}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?", cell):
        return None
    try:
        return datetime.strptime(cell.decode(), "%Y-%m-%d %H:%M:%S" + (".%f" if b"." in cell else "")).replace(
            tzinfo=UTC
        )
    except ValueError:
        return None
