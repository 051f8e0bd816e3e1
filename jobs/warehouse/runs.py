"""Runs on disk: the lock, the manifest of the open run, the publishing journal. No engine here.

Layout under the warehouse: `lock`, `publish.json` (only while a publish is under way), `runs/<run_id>/run.json` and
`runs/<run_id>/reference/*.csv` (the input's tables as the run read them), `next/` (the marts being built),
`scratch/` (what the engine of the command that holds the lock keeps on disk), `report/` (the site of the last run).
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shlex
import shutil
import socket
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from jobs.errors import LockedError, UsageError, WarehouseError
from jobs.log import get_logger
from jobs.warehouse.key import key_at
from jobs.windows import DAY, in_words

MARTS_FILE = "personal_dashboard.duckdb"
KEPT_RUNS = 10
STEPS = ("ingest", "estimates", "marts", "report")
PUBLISHES = "marts"  # which of them


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
        state: `open`, `failed` (a gate said no) or `published`.
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

    @property
    def days(self) -> list[date]:
        """The asked days."""
        return [self.start + timedelta(days=n) for n in range((self.end - self.start).days)]


class Warehouse:
    """Paths and state of a warehouse directory."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.marts = self.path / MARTS_FILE
        self.next_marts = self.path / "next" / MARTS_FILE
        self.journal = self.path / "publish.json"
        self.lock_file = self.path / "lock"
        self.runs = self.path / "runs"
        self.scratch = self.path / "scratch"
        self.data_docs = self.path / "data_docs"
        self.report = self.path / "report"

    def prepare(self) -> None:
        """Create the directory and make sure it can be written to."""
        try:
            self.runs.mkdir(parents=True, exist_ok=True)
            probe = self.path / f".probe-{os.getpid()}"
            probe.write_bytes(b"\0" * 4096)
            probe.unlink()
        except OSError as error:
            raise WarehouseError(
                f"The warehouse cannot be written: {error.strerror}.",
                where=str(self.path),
                next_step="free space or permissions there, or name another with --warehouse",
            ) from None

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the warehouse for writing. The lock names its holder and dies with its process."""
        self.prepare()
        with self.lock_file.open("a+", encoding="utf-8") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                handle.seek(0)
                raise LockedError(
                    f"Another command is writing: {handle.read().strip() or 'unknown holder'}.",
                    where=str(self.lock_file),
                    next_step="wait until it is done; the lock goes with its process",
                ) from None
            handle.truncate(0)
            handle.write(f"process {os.getpid()} on {socket.gethostname()}, {' '.join(sys.argv[1:]) or sys.argv[0]}\n")
            handle.flush()
            yield
            handle.truncate(0)

    def folder(self, run_id: str) -> Path:
        """Return a run's folder."""
        return self.runs / run_id

    def reference(self, run_id: str) -> Path:
        """Return the folder of the CSVs that a run froze."""
        return self.folder(run_id) / "reference"

    def new_run(self, start: date, end: date, input_dir: str) -> Run:
        """Open a run; its number follows the last one."""
        numbers = [int(path.name.rsplit("_", 1)[-1]) for path in self.runs.glob("run_*") if path.name[-1:].isdigit()]
        run = Run(f"run_{start:%Y%m%d}_{end:%Y%m%d}_{max(numbers, default=0) + 1}", start, end, input_dir)
        self.reference(run.run_id).mkdir(parents=True)
        self.save(run)
        return run

    def save(self, run: Run) -> None:
        """Write a run's manifest, atomically."""
        write_json(self.folder(run.run_id) / "run.json", asdict(run))

    def all_runs(self) -> list[Run]:
        """Return every run that left a readable manifest, oldest first; one that is damaged is told."""
        found = [run for path in self.runs.glob("run_*/run.json") if (run := _read_run(path)) is not None]
        return sorted(found, key=lambda run: int(run.run_id.rsplit("_", 1)[-1]))

    def marts_are_lost(self) -> bool:
        """Whether a run is published and the marts file, which it left, is not there; a publish may be cut off."""
        if self.marts.exists() or self.journal.exists():
            return False
        return self.last_published() is not None

    def last_published(self) -> Run | None:
        """Return the newest run that was published, if there is one."""
        return next((run for run in reversed(self.all_runs()) if run.state == "published"), None)

    def unpublished_run(self, days: Sequence[date]) -> Run | None:
        """Return the newest run, if it holds some days and is not published; it may have failed."""
        run = next(reversed(self.all_runs()), None)
        if run is None or run.state == "published" or not set(days) <= {*run.days, *run.changed, *run.as_of}:
            return None
        return run

    def nothing_staged(self, days: Sequence[date], next_step: str) -> UsageError:
        """Return what to raise where `unpublished_run` finds none."""
        run = next(reversed(self.all_runs()), None)
        newest = f"the newest run, {run.run_id}, is {run.state}" if run else "there are no runs"
        return UsageError(
            f"Nothing is staged of {in_words(min(days), max(days) + DAY)}: {newest}.", next_step=next_step
        )

    def newest_run(self, start: date, end: date) -> Run | None:
        """Return the newest run of these days, whatever became of it."""
        return next((run for run in reversed(self.all_runs()) if (run.start, run.end) == (start, end)), None)

    def staged_run(self, start: date, end: date, after: str) -> Run:
        """Find the open run of these days that has finished a step; after the one that publishes, the published run."""
        for run in reversed(self.all_runs()):
            is_done = run.state == "published" if after == PUBLISHES else run.state == "open" and after in run.done
            if is_done and (run.start, run.end) == (start, end):
                return run
        raise UsageError(
            f"No staged run of {in_words(start, end)} has finished its step `{after}`.",
            where=str(self.runs),
            next_step=self._first_missing(start, end, after),
        )

    def report_command(self) -> str:
        """Return the command that makes the site of what is published, whatever run that was."""
        return shlex.join(["pdmetrics", "--warehouse", f"{self.path}", "report", "--out", f"{self.report}"])

    def _first_missing(self, start: date, end: date, after: str) -> str:
        """Return the command of the first missing step: what a failed or published run staged counts no more."""
        run = self.newest_run(start, end)
        if run is None and after == PUBLISHES and (last := self.last_published()) and start < last.end:
            return (
                f"the run of these days may be forgotten by now; what is published is shown by {self.report_command()}"
            )
        done = run.done if run is not None and run.state == "open" else []
        step = next(name for name in STEPS if name not in done)
        days = ["--start", f"{start}", "--end", f"{end}", "--input", run.input_dir if run is not None else "DIR"]
        return shlex.join(["pdmetrics", "--warehouse", str(self.path), "run", *days, "--steps", step])

    def forget_old(self) -> None:
        """Delete all folders but those of the newest published runs: of older ones, and of what never got there."""
        published = [run.run_id for run in self.all_runs() if run.state == "published"]
        for folder in self.runs.glob("run_*"):
            if folder.name not in published[-KEPT_RUNS:]:
                shutil.rmtree(folder, ignore_errors=True)

    def publishing(self) -> str | None:
        """Return the run whose publishing was cut off, or None.

        Raises:
            WarehouseError: the journal is damaged; which run it was is a guess, and to be made by a person.
        """
        if not self.journal.exists():
            return None
        try:
            return str(json.loads(self.journal.read_text(encoding="utf-8"))["run_id"])
        except (ValueError, KeyError, TypeError):
            raise self._damaged_journal() from None

    def _damaged_journal(self) -> WarehouseError:
        ready = [run for run in self.all_runs() if run.state == "open" and "estimates" in run.done]
        step = "restore the warehouse from a backup"
        if ready:
            last = ready[-1]
            days = f"--start {last.start} --end {last.end} --input {last.input_dir}"
            step = f"delete it and run these days at once, all steps: pdmetrics --warehouse {self.path} run {days}"
        return WarehouseError(
            "The journal of a publish that was cut off cannot be read.", where=str(self.journal), next_step=step
        )

    def salt_path(self, salt_file: Path | None) -> Path:
        """Return where the key of the user hashes is: as set, else in the warehouse."""
        return salt_file or self.path / "salt"

    def salt(self, salt_file: Path | None) -> str:
        """Return the key of the user hashes; create it on first use, readable by its owner only.

        Whoever hashes asks `salt.salt_of`, which knows whether it is the right one.
        """
        return key_at(self.salt_path(salt_file))


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


def _read_run(path: Path) -> Run | None:
    """Read a manifest; one that is damaged, or of a run of another name, counts as none."""
    day = date.fromisoformat
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        run = Run(
            raw["run_id"], day(raw["start"]), day(raw["end"]), raw["input_dir"], raw["done"],
            [day(text) for text in raw["changed"]], [day(text) for text in raw["as_of"]],
            {day(text): count for text, count in raw["lines_read"].items()}, raw["state"],
        )  # fmt: skip
    except FileNotFoundError:  # forgotten meanwhile
        return None
    except (ValueError, KeyError, TypeError, AttributeError):
        run = None
    if run is None or run.run_id != path.parent.name:
        get_logger().warning("the file of a run is damaged; the next run deletes its folder", file=str(path))
        return None
    return run
