"""Lines that were quarantined, read past any engine: how many for which reason, and some of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from pyiceberg.expressions import And

from jobs.warehouse.masking import masked, printable
from jobs.warehouse.tables import Tables, equal_to, within

LOG, LINES = "ingest_log", "quarantine"
LETTERS_SHOWN = 1000
REASONS = (
    "unreadable_file", "malformed_json", "missing_meta_id", "partition_mismatch", "unknown_wiki", "no_sampling_policy",
    "sampling_rate_zero", "not_in_sample",
)  # fmt: skip
_OF_A_FIELD = re.compile(r"schema:\S+")


@dataclass(frozen=True)
class Refused:
    """A quarantined line.

    Attributes:
        file: where it came from, as the input names it.
        reason: why it was refused.
        line: its text, ids masked or not; None for a file that cannot be read.
    """

    file: str
    reason: str
    line: str | None


def refused_by_day(tables: Tables, days: Sequence[date], run_id: str | None = None) -> Mapping[tuple[date, str], int]:
    """Return the number of quarantined lines by day and reason, as a run sees them, most first."""
    found: Counter[tuple[date, str]] = Counter()
    for row in tables.arrow_days(LOG, days, run_id).to_pylist():
        if row["fate"] == "quarantined":
            found[row["event_date"], row["reason"]] += row["n_lines"]
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def refused_lines(
    tables: Tables,
    days: Sequence[date],
    run_id: str | None = None,
    *,
    reason: str | None = None,
    limit: int,
    is_raw: bool = False,
) -> list[Refused]:
    """Return some quarantined lines of these days, as a run sees them.

    Args:
        tables: of the warehouse.
        days: which days.
        run_id: the run; None for what is published.
        reason: only lines refused for it.
        limit: at most so many; no more than these are held in memory.
        is_raw: show ids as they came.
    """
    condition = within("event_date", days)
    if reason is not None:
        condition = And(condition, equal_to("reason", reason))
    columns = ("file", "reason", "line")
    scan = tables.table(LINES).scan(condition, columns, snapshot_id=tables.snapshot(LINES, run_id), limit=limit)
    return [
        Refused(row["file"], row["reason"], _shown(row["line"], is_raw=is_raw)) for row in scan.to_arrow().to_pylist()
    ]


def is_reason(text: str) -> bool:
    """Whether a line may be quarantined for it (docs/contract.md, section 3): a word, or `schema:` with a field."""
    return text in REASONS or _OF_A_FIELD.fullmatch(text) is not None


def shorten(line: str) -> str:
    """Return a line as an example shows it: a browser may send any amount of text."""
    return line if len(line) <= LETTERS_SHOWN else line[:LETTERS_SHOWN] + "…"


def _shown(line: str | None, *, is_raw: bool) -> str | None:
    return None if line is None else printable(line if is_raw else masked(line))
