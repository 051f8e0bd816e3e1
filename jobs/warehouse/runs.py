"""Runs on disk: the lock, the manifest of the open run, the publishing journal. No engine here.

Layout under the warehouse: `lock`, `publish.json` (only while a publish is under way), `runs/<run_id>/run.json` and
`runs/<run_id>/reference/*.csv` (the input's tables as the run read them), `next/` (the marts being built),
`scratch/` (what the engine of the command that holds the lock keeps on disk), `report/` (the site of the last run).
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from jobs.errors import UsageError, WarehouseError
from jobs.warehouse.key import key_at
from jobs.warehouse.lock import holder_of, locked
from jobs.warehouse.manifest import AUDIENCE, MANIFEST, PUBLISHES, STEPS, Run, read_run, write_run
from jobs.warehouse.snapshots import KEEP_SNAPSHOTS
from jobs.windows import DAY, in_words

MARTS_FILE = "personal_dashboard.duckdb"
LATE_REFUSED_FILE = "late_refused.json"  # `steps/late_refused.py`
KEPT_RUNS = 10


class Warehouse:
    """Paths and state of a warehouse directory."""

    is_elsewhere = False  # whether the directory is a command's own, and the warehouse at an address

    def __init__(
        self, path: Path, *, lock_wait_seconds: float = 0, require_own: Callable[[], None] | None = None
    ) -> None:
        self.path = path.resolve()
        self._require_own = require_own  # raises where the catalog's tables are another warehouse's
        self._last_number = 0  # of a run, if more is known than its folders tell
        self.lock_wait_seconds = lock_wait_seconds
        self.marts = self.path / MARTS_FILE
        self.next_marts = self.path / "next" / MARTS_FILE
        self.journal = self.path / "publish.json"
        self.lock_file = self.path / "lock"
        self.runs = self.path / "runs"
        self.scratch = self.path / "scratch"
        self.logs = self.path  # of Spark
        self.data_docs = self.path / "data_docs"
        self.report = self.path / "report"
        self.dbt_docs = self.path / "dbt_docs"  # dbt's page, made once for each version of the code

    @property
    def place(self) -> str:
        """What `--warehouse` calls it."""
        return str(self.path)

    def said(self, path: Path) -> str:
        """Return a path in the warehouse as a message names it."""
        return str(path).replace(str(self.path), self.place, 1)

    # What a warehouse that lies elsewhere does more (`stored.py`); here the folder is the warehouse.

    def attach(self) -> None:
        """Fetch what is published."""

    def has_moved_on(self) -> bool:
        """Whether another publish has begun since what is published was fetched."""
        return False

    def fetch_docs(self) -> None:
        """Fetch the pages about the gates."""

    def close(self) -> None:
        """Put away what only this command needed."""

    def sync(self) -> None:
        """Write through what must outlast this machine."""

    def check_held(self) -> None:
        """Raise where the lock was lost meanwhile."""

    def hand_over(self, run_id: str) -> dict[str, Any]:
        """Put built marts where any machine can publish them; return what the journal has to say of them."""
        return {}

    def replace_marts(self) -> None:
        """Replace the published marts by those of the journal; repeatable."""
        if self.next_marts.exists():
            os.replace(self.next_marts, self.marts)  # noqa: PTH105 - one atomic rename, named as such

    def keep_report(self) -> None:
        """Put the report where its readers look."""

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
        """Hold the warehouse for writing, after waiting for whoever does as long as is set."""
        self.prepare()
        with locked(self.lock_file, self.lock_wait_seconds):
            if self._require_own is not None:
                self._require_own()
            yield

    @contextlib.contextmanager
    def not_waiting(self) -> Iterator[None]:
        """Wait for nobody who holds the lock, in this block."""
        seconds, self.lock_wait_seconds = self.lock_wait_seconds, 0
        try:
            yield
        finally:
            self.lock_wait_seconds = seconds

    def holder(self) -> str | None:
        """Return which living process holds the warehouse; a lock file alone says nothing."""
        return holder_of(self.lock_file)

    def folder(self, run_id: str) -> Path:
        """Return a run's folder."""
        return self.runs / run_id

    def reference(self, run_id: str) -> Path:
        """Return the folder of the CSVs that a run froze."""
        return self.folder(run_id) / "reference"

    def new_run(self, start: date, end: date, input_dir: str, *, audience: Sequence[str] | None = None) -> Run:
        """Open a run; its number follows the last one. Of an audience its options are given."""
        numbers = [int(path.name.rsplit("_", 1)[-1]) for path in self.runs.glob("run_*") if path.name[-1:].isdigit()]
        run = Run(f"run_{start:%Y%m%d}_{end:%Y%m%d}_{max([self._last_number, *numbers]) + 1}", start, end, input_dir)
        run.is_audience, run.options = audience is not None, [*(audience or ())]
        self.reference(run.run_id).mkdir(parents=True)
        self.save(run)
        return run

    def save(self, run: Run) -> None:
        """Write a run's manifest, atomically."""
        write_run(run, self.folder(run.run_id))

    def all_runs(self) -> list[Run]:
        """Return every run that left a readable manifest, oldest first; one that is damaged is told."""
        found = [run for path in self.runs.glob(f"run_*/{MANIFEST}") if (run := read_run(path)) is not None]
        return sorted(found, key=lambda run: run.number)

    def runs_of_days(self) -> list[Run]:
        """Return the same without those that counted the audience, which know nothing of days."""
        return [run for run in self.all_runs() if not run.is_audience]

    def marts_are_lost(self) -> bool:
        """Whether a run is published and the marts file, which it left, is not there; a publish may be cut off."""
        if self.marts.exists() or self.journal.exists():
            return False
        return self.last_published() is not None

    def last_published(self) -> Run | None:
        """Return the newest run that was published, if there is one."""
        return next((run for run in reversed(self.all_runs()) if run.state == "published"), None)

    def last_of_days(self) -> Run | None:
        """Return the newest run of days that was published, if there is one."""
        return next((run for run in reversed(self.runs_of_days()) if run.state == "published"), None)

    def unpublished_run(self, days: Sequence[date]) -> Run | None:
        """Return the newest run, if it holds some days and is not published; it may have failed."""
        run = next(reversed(self.all_runs()), None)
        if (
            run is None
            or run.state == "published"
            or run.is_audience
            or not set(days) <= {*run.days, *run.changed, *run.as_of}
        ):
            return None
        return run

    def nothing_staged(self, days: Sequence[date], next_step: str) -> UsageError:
        """Return what to raise where `unpublished_run` finds none."""
        run = next(reversed(self.all_runs()), None)
        of = " and of an audience" if run is not None and run.is_audience else ""
        newest = f"the newest run, {run.run_id}, is {run.state}{of}" if run else "there are no runs"
        return UsageError(
            f"Nothing is staged of {in_words(min(days), max(days) + DAY)}: {newest}.", next_step=next_step
        )

    def state_of(self, run: Run) -> str | None:
        """Return what the manifest on disk says; a publish writes it before whoever publishes knows."""
        found = read_run(self.folder(run.run_id) / MANIFEST)
        return None if found is None else found.state

    def newest_run(self, start: date, end: date) -> Run | None:
        """Return the newest run of these days, whatever became of it."""
        return next((run for run in reversed(self.runs_of_days()) if (run.start, run.end) == (start, end)), None)

    def staged_run(self, start: date, end: date, after: str) -> Run:
        """Find the open run of these days that has finished a step; after the one that publishes, the published run."""
        for run in reversed(self.runs_of_days()):
            is_staged = run.state == "open" and run.backfill is None and after in run.done
            is_done = run.state == "published" if after == PUBLISHES else is_staged
            if is_done and (run.start, run.end) == (start, end):
                return run
        raise UsageError(
            f"No staged run of {in_words(start, end)} has finished its step `{after}`.",
            where=self.said(self.runs),
            next_step=self._first_missing(start, end, after),
        )

    def report_command(self) -> str:
        """Return the command that makes the site of what is published, whatever run that was."""
        return shlex.join(["pdmetrics", "--warehouse", self.place, "report", "--out", f"{self.report}"])

    def _first_missing(self, start: date, end: date, after: str) -> str:
        """Return the command of the first missing step: what a failed or published run staged counts no more."""
        run = self.newest_run(start, end)
        if run is None and after == PUBLISHES and (last := self.last_of_days()) and start < last.end:
            return (
                f"the run of these days may be forgotten by now; what is published is shown by {self.report_command()}"
            )
        done = run.done if run is not None and run.state == "open" and run.backfill is None else []
        step = next(name for name in STEPS if name not in done)
        days = ["--start", f"{start}", "--end", f"{end}", "--input", run.input_dir if run is not None else "DIR"]
        return shlex.join(["pdmetrics", "--warehouse", self.place, "run", *days, "--steps", step])

    def forget_old(self) -> None:
        """Delete all folders but those of the newest published runs, and of backfills as long as they can be undone.

        Audiences are counted apart: many of them push out no run of days, whose folders tell what they read.
        """
        runs, since = self.all_runs(), datetime.now(UTC) - KEEP_SNAPSHOTS
        published = [run for run in runs if run.state == "published"]
        kinds = ([run.run_id for run in published if run.is_audience is kind] for kind in (False, True))
        kept = [run_id for kind in kinds for run_id in kind[-KEPT_RUNS:]]
        for run in runs:
            noted = run.backfill if run.state in ("published", "dropped") else None
            if noted is not None and (run.published_at or noted.begun_at) > since:
                kept.append(run.run_id)
        for folder in self.runs.glob("run_*"):
            if folder.name not in kept:
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
            raise self.damaged_journal() from None

    def journaled(self, what: str) -> dict[str, Any]:
        """Return what the journal of a publish says of something; a journal of an older version may say nothing."""
        found = json.loads(self.journal.read_text(encoding="utf-8")).get(what, {})
        if not isinstance(found, dict):
            raise self.damaged_journal()
        return found

    def damaged_journal(self) -> WarehouseError:
        """Return what to raise of a journal that cannot be read."""
        ready = [run for run in self.all_runs() if run.state == "open" and {"estimates", AUDIENCE} & {*run.done}]
        step = "restore the warehouse from a backup"
        if ready:
            last = ready[-1]
            days = f"--start {last.start} --end {last.end} --input {last.input_dir}"
            again = shlex.join(last.command) if last.is_audience else f"run {days}"
            what = "do this again" if last.is_audience else "run these days at once, all steps"
            step = f"delete it and {what}: pdmetrics --warehouse {self.place} {again}"
        return WarehouseError(
            "The journal of a publish that was cut off cannot be read.", where=self.said(self.journal), next_step=step
        )

    def salt_path(self, salt_file: Path | None) -> Path:
        """Return where the key of the user hashes is: as set, else in the warehouse."""
        return salt_file or self.path / "salt"

    def salt(self, salt_file: Path | None) -> str:
        """Return the key of the user hashes; create it on first use, readable by its owner only.

        Whoever hashes asks `salt.salt_of`, which knows whether it is the right one.
        """
        return key_at(self.salt_path(salt_file))
