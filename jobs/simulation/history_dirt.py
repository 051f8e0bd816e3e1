"""Malformed rows of dumps: revisions of editors that no other row knows, each with one field that cannot be read.

Whoever passed over the field, or read it leniently, would count an eligible editor more.
"""

from __future__ import annotations

import math
from collections import Counter

import numpy as np

from jobs.simulation.history_edits import Edits
from jobs.simulation.history_lines import RevisionWriter

_SHARE = 0.002  # of the revisions of those days, at least one: a snapshot stays well below the share that fails it
_LAST_DAYS = 12  # so that every window to the end of the snapshot holds them
# Column, what it holds instead, and how such a row is told of.
_DEFECTS = (
    ("event_timestamp", "{day} 24:01:00.0", "malformed:event_timestamp"),
    ("event_user_id", "{user}e0", "malformed:event_user_id"),
    ("event_user_revision_count", "150.0", "malformed:event_user_revision_count"),
    ("page_namespace_historical", "0.0", "malformed:page_namespace_historical"),
    ("wiki_db", "frwiki", "wrong_wiki"),
    ("page_namespace", "0.5", "malformed:page_namespace"),
    ("event_user_is_anonymous", "yes", "malformed:event_user_is_anonymous"),
)
_ELIGIBLE = {
    "event_user_revision_count": "150", "page_namespace_historical": "0", "page_namespace": "0",
    "event_user_is_bot_by_historical": "", "event_user_is_bot_by": "", "event_user_text_historical": "Smudge",
    "event_user_is_temporary": "false", "event_user_is_permanent": "true", "event_user_is_cross_wiki": "false",
    "revision_is_deleted_by_page_deletion": "false",
}  # fmt: skip
NOBODY_FROM = 90_000_000


def with_malformed_rows(
    rng: np.random.Generator, writer: RevisionWriter, edits: Edits, last: int
) -> tuple[list[str], Counter[str]]:
    """Return malformed rows of the last days of a snapshot, and how many there are of each reason.

    Args:
        rng: of the snapshot.
        writer: of the wiki's rows.
        edits: its revisions.
        last: the snapshot's last day of detail.
    """
    recent = np.flatnonzero((edits.day <= last) & (edits.day > last - _LAST_DAYS))
    n = math.ceil(len(recent) * _SHARE)
    chosen = edits.take(np.sort(rng.choice(recent, n, replace=False)))
    kinds = [(number + int(rng.integers(0, len(_DEFECTS)))) % len(_DEFECTS) for number in range(n)]
    rows: list[str] = []
    for row, kind in zip(writer.rows(chosen), kinds, strict=True):
        column, value, _ = _DEFECTS[kind]
        fields = dict(zip(writer.layout.columns, row.split("\t"), strict=True))
        user, day = str(NOBODY_FROM + len(rows)), fields["event_timestamp"][:10]
        fields |= {name: text for name, text in _ELIGIBLE.items() if name in fields} | {"event_user_id": user}
        rows.append("\t".join((fields | {column: value.format(day=day, user=user)}).values()))
    return rows, Counter(_DEFECTS[kind][2] for kind in kinds)
