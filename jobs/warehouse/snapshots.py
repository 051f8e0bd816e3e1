"""Where the lake's tables are, for those who read them without an engine, and how long what they were is kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

KEEP_SNAPSHOTS = timedelta(days=30)  # so long a backfill can be undone


@dataclass(frozen=True)
class LakeTable:
    """Where a table of the lake is, as of one snapshot.

    Attributes:
        name: its name in `jobs/contracts.py`.
        metadata: the Iceberg metadata JSON in force, or the table's directory; a `.parquet` file will do too.
        snapshot_id: the snapshot to read, of a branch or of main; None while the table has no rows.
    """

    name: str
    metadata: Path | None
    snapshot_id: int | None
