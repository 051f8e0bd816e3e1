"""The manifest of a run: what it was asked for, how far it got, and what it may keep others waiting for."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from jobs.log import get_logger

STEPS = ("ingest", "estimates", "marts", "report")
PUBLISHES = "marts"  # which of them
AUDIENCE = "audience"  # a command of its own: its step before the one that publishes
MANIFEST = "run.json"


@dataclass
class Backfill:
    """What a run of `backfill` notes beside.

    Attributes:
        reason: why, in the words of whoever asked.
        made_with: a digest of the code and the settings that it computes with.
        begun_at: UTC.
        ingested_to: the days before it are staged; null before the first chunk is done.
        estimated_to: the rows of its as-of dates before it are staged.
        heads: by table, the head of its branch when that was noted; what was staged after it counts no more once the
            command is killed.
        is_built: the marts of what it staged are built, checked and compared.
        snapshots: what `main` was and what it becomes with the run, by table; noted just before it is published.
        undoes: the run that a rollback takes back, empty for a backfill.
        removed: as-of dates whose rows a rollback takes away.
    """

    reason: str
    made_with: str
    begun_at: datetime
    ingested_to: date | None = None
    estimated_to: date | None = None
    heads: dict[str, int] = field(default_factory=dict)
    is_built: bool = False
    snapshots: dict[str, list[int]] = field(default_factory=dict)
    undoes: str = ""
    removed: list[date] = field(default_factory=list)


@dataclass
class Run:
    """One run: the days it was asked for, and how far it got.

    Attributes:
        run_id: also the name of its branches.
        start, end: the asked days, half-open.
        input_dir: where the raw events came from.
        done: finished steps, in order.
        changed: days whose facts it staged (the asked ones, and later ones whose duplicates had to be decided again).
        as_of: as-of dates whose metric rows it staged.
        lines_read: input lines by day.
        state: `open`, `failed` (a gate said no), `published`, or `dropped`: of a backfill, if another run took away
            what it had staged.
        claimed_until: UTC; until then what it staged waits for its next step, or for that step to be done, and a run
            of other days waits for it. Null while it ingests, and for one whose command ended with an error.
        published_at: UTC; null before, and in manifests of older versions.
        backfill: what a backfill or a rollback notes beside, null for other runs.
        begun_again: a later run of the same days was begun, whatever became of it.
        is_audience: it counts eligible editors as of its dates, and ingests nothing: no run of days.
        options: of an audience, what its command was given beside `--history`, for whoever repeats it.
    """

    run_id: str
    start: date
    end: date
    input_dir: str
    done: list[str] = field(default_factory=list)
    changed: list[date] = field(default_factory=list)
    as_of: list[date] = field(default_factory=list)
    lines_read: dict[date, int] = field(default_factory=dict)
    state: str = "open"
    claimed_until: datetime | None = None
    published_at: datetime | None = None
    backfill: Backfill | None = None
    begun_again: bool = False
    is_audience: bool = False
    options: list[str] = field(default_factory=list)

    @property
    def command(self) -> list[str]:
        """What it was begun with, behind `pdmetrics --warehouse …`."""
        if self.is_audience:
            return [AUDIENCE, "--history", self.input_dir, *self.options]
        days = ["--start", f"{self.start}", "--end", f"{self.end}", "--input", self.input_dir]
        if self.backfill is None:
            return ["run", *days]
        if self.backfill.undoes:
            return ["backfill", "--rollback", self.backfill.undoes]
        return ["backfill", *days, "--reason", self.backfill.reason]

    @property
    def days(self) -> list[date]:
        """The asked days."""
        return [self.start + timedelta(days=n) for n in range((self.end - self.start).days)]

    @property
    def number(self) -> int:
        """Its place in the order of runs."""
        return int(self.run_id.rsplit("_", 1)[-1])

    @property
    def removed(self) -> list[date]:
        """As-of dates whose rows it takes away; only a rollback does."""
        return self.backfill.removed if self.backfill is not None else []

    def is_claimed(self, now: datetime) -> bool:
        """Whether its next step is awaited, so that nobody else may drop what it staged."""
        return self.state == "open" and self.claimed_until is not None and now < self.claimed_until


def write_run(run: Run, folder: Path) -> None:
    """Write a run's manifest into its folder, atomically."""
    write_json(folder / MANIFEST, asdict(run))


def write_json(path: Path, value: Any) -> None:
    """Write JSON so that a reader finds the old file or the new one, never a part."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("w", encoding="utf-8") as handle:
        json.dump(_plain(value), handle, indent=1)
        handle.flush()
        os.fsync(handle.fileno())
    temporary.replace(path)


def _plain(value: Any) -> Any:
    """Turn dates, also as keys, into text."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, date) else value


def read_run(path: Path) -> Run | None:
    """Read a manifest; one that is damaged, or of a run of another name, counts as none."""
    day = date.fromisoformat
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        run = Run(
            raw["run_id"], day(raw["start"]), day(raw["end"]), raw["input_dir"], raw["done"],
            [day(text) for text in raw["changed"]], [day(text) for text in raw["as_of"]],
            {day(text): count for text, count in raw["lines_read"].items()}, raw["state"],
            _moment(raw.get("claimed_until")), _moment(raw.get("published_at")), _backfill(raw.get("backfill")),
            bool(raw.get("begun_again")), bool(raw.get("is_audience")), list(raw.get("options", [])),
        )  # fmt: skip
    except FileNotFoundError:  # forgotten meanwhile
        return None
    except (ValueError, KeyError, TypeError, AttributeError):
        run = None
    if run is None or run.run_id != path.parent.name:
        get_logger().warning("the file of a run is damaged; the next run deletes its folder", file=str(path))
        return None
    return run


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC)


def _backfill(raw: dict[str, Any] | None) -> Backfill | None:
    if raw is None:
        return None
    days = {name: _day(raw[name]) for name in ("ingested_to", "estimated_to")}
    removed = [date.fromisoformat(text) for text in raw["removed"]]
    return Backfill(**{**raw, **days, "removed": removed, "begun_at": datetime.fromisoformat(raw["begun_at"])})


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
