"""A small snapshot of mediawiki_history, which appears as one that was copied: whole, and hours old."""

from __future__ import annotations

import os
import time
from pathlib import Path

from tests.dumps import dump_rows

EDITORS = 12
"""On each wiki, all of them in the band 100-500."""


def appear(world: Path, snapshot: str, *wikis: str, day: str) -> None:
    """Move a snapshot with these wikis into `history/`, in one step.

    Args:
        world: the input directory.
        snapshot: its month, YYYY-MM.
        wikis: each has one file, of all time.
        day: of all its edits.
    """
    copied = world / "copied"
    hours_ago = time.time() - 7200
    for wiki in wikis:
        edits = [
            dump_rows.row(
                wiki_db=wiki,
                event_timestamp=f"{day} 12:00:{user:02d}.0",
                event_user_id=str(user),
                revision_id=str(user),
            )
            for user in range(1, EDITORS + 1)
        ]
        os.utime(dump_rows.put(copied, edits, wiki=wiki, bucket="all-time", snapshot=snapshot), (hours_ago, hours_ago))
    (world / "history").mkdir(exist_ok=True)
    (copied / snapshot).rename(world / "history" / snapshot)
