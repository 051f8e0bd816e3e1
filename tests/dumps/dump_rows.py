"""Writes dumps of mediawiki_history as tests want them, and reads them the slow way."""

from __future__ import annotations

import bz2
from collections.abc import Sequence
from pathlib import Path

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
