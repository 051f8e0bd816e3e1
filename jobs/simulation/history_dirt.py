"""Malformed rows of dumps: copies of true rows, each with one field that cannot be read."""

from __future__ import annotations

from collections import Counter

import numpy as np

from jobs.simulation.history_edits import Edits
from jobs.simulation.history_lines import RevisionWriter

_SHARE = 0.001  # of the revisions of those days, so that a snapshot stays well below the share that fails it
_LAST_DAYS = 12  # so that every window to the end of the snapshot holds them
# Column, what it holds instead, and how such a row is told of.
_DEFECTS = (
    ("event_timestamp", "2026-02-30 12:00:00.0", "malformed:event_timestamp"),
    ("event_user_id", "id 12", "malformed:event_user_id"),
    ("event_user_revision_count", "many", "malformed:event_user_revision_count"),
    ("page_namespace_historical", "Talk", "malformed:page_namespace_historical"),
    ("wiki_db", "frwiki", "wrong_wiki"),
    ("page_namespace", "0.5", "malformed:page_namespace"),
    ("event_user_is_anonymous", "yes", "malformed:event_user_is_anonymous"),
)


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
    n = int(len(recent) * _SHARE)
    chosen = edits.take(np.sort(rng.choice(recent, n, replace=False)))
    kinds = [(number + int(rng.integers(0, len(_DEFECTS)))) % len(_DEFECTS) for number in range(n)]
    rows = []
    for row, kind in zip(writer.rows(chosen), kinds, strict=True):
        column, value, _ = _DEFECTS[kind]
        fields = row.split("\t")
        fields[writer.layout.columns.index(column)] = value
        rows.append("\t".join(fields))
    return rows, Counter(_DEFECTS[kind][2] for kind in kinds)
