"""A warehouse beside its tables: state and marts are objects at an address, and a command works in a folder of its own.

    ADDRESS/runs/<run_id>/…       manifests, frozen reference, what gates and reports noted: as in a local warehouse
    ADDRESS/publish.json          the journal of a publish; it also says which marts belong to it
    ADDRESS/alarms.json, late_refused.json, data_docs/
    ADDRESS/marts/<run_id>-<digest>.duckdb, marts/current.json     marts, and the pointer to those that are published
    ADDRESS/report/index.html     leads to the pages of the last report, which lie beside it

Under the lock the folder is a copy of what is stored; `sync` writes through what changed, and each step of publishing
waits for it. So another machine finishes what one that was killed began.
"""

from __future__ import annotations

import contextlib
import json
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from jobs.errors import WarehouseError
from jobs.log import get_logger
from jobs.warehouse.manifest import MANIFEST, Run
from jobs.warehouse.mirror import Mirror, each
from jobs.warehouse.runs import LATE_REFUSED_FILE, Warehouse
from jobs.warehouse.stale import forget_stale_journal, forget_stale_runs
from jobs.warehouse.store import Store, digest_of, open_store, out_of_reach
from jobs.warehouse.work import WorkFolder, default_root, link

RUNS, DOCS = "runs", "data_docs"
FILES = ("alarms.json", LATE_REFUSED_FILE, "publish.json")
REPORT = "report"
MARTS, POINTER = "marts", "marts/current.json"
KEPT_MARTS = 3
KEPT_REPORTS = 2
GO_THERE = (
    '<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url={place}/"><title>Report</title>'
)
GO_THERE += '<a href="{place}/index.html">The report</a>\n'


class Lease(Protocol):
    """The lock over all machines, as `lease.Lease` has it."""

    def held(self, wait_seconds: float) -> contextlib.AbstractContextManager[None]:
        """Hold it for a block."""

    def require(self) -> None:
        """Raise where it was lost, as far as the clock tells."""

    def check(self) -> None:
        """Raise where it was lost; asks the catalog."""

    def renew(self) -> None:
        """Begin its time anew."""

    def holder(self) -> str | None:
        """Return who holds it, for people."""


class StoredWarehouse(Warehouse):
    """Paths and state of a warehouse at an address; the paths are those of the command's own folder.

    Args:
        store: the address.
        work: the folder of this command.
        lease: None for who only reads.
        lock_wait_seconds: how long to wait for another command that writes.
    """

    is_elsewhere = True

    def __init__(self, store: Store, work: WorkFolder, lease: Lease | None, *, lock_wait_seconds: float = 0) -> None:
        super().__init__(work.path, lock_wait_seconds=lock_wait_seconds)
        self.store, self.work, self._lease = store, work, lease
        self.dbt_docs = work.root / self.dbt_docs.name  # of the code alone
        self.logs = work.root  # a message names them when the command's folder is gone
        self._mirror = Mirror(store, self.path)
        self._pointer: bytes | None = None  # by which the marts here were fetched

    def __reduce__(self) -> tuple[type[Warehouse], tuple[Path]]:
        """Travel to another process as the folder that it is here: what is stored is the command's affair."""
        return Warehouse, (self.path,)

    @property
    def place(self) -> str:
        """The address."""
        return self.store.address

    def said(self, path: Path) -> str:
        """Return a path as a message names it: where what it holds is stored."""
        return f"{self.place}/{POINTER}" if path == self.marts else super().said(path)

    def report_command(self) -> str:
        """Return the command that makes a site of what is published."""
        return shlex.join(["pdmetrics", "--warehouse", self.place, "report", "--out", "DIR"])

    def attach(self) -> None:
        """Fetch what is stored, as it is now: runs, journal and the published marts.

        Raises:
            WarehouseError: the store cannot be reached.
        """
        with self._reached():
            if self._lease is None:  # the marts are all that is read
                self.fetch_marts()
                return
            self._mirror.fetch([RUNS], FILES)
            try:
                self.fetch_marts()
            except WarehouseError as error:  # the next run builds them anew; until then they are lost
                get_logger().warning(error.what, where=error.where)

    def has_moved_on(self) -> bool:
        """Whether another publish has begun, or was done, since `attach`."""
        with self._reached():
            return self.store.get(self.journal.name) is not None or self.store.get(POINTER) != self._pointer

    def fetch_docs(self) -> None:
        """Fetch the pages about the gates too."""
        with self._reached():
            self._mirror.fetch([DOCS])

    def holder(self) -> str | None:
        """Return which command writes now, on whatever machine."""
        return None if self._lease is None else self._lease.holder()

    def close(self) -> None:
        """Delete the command's folder."""
        self.work.close()

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the warehouse for writing on every machine, with what is stored as it is now."""
        assert self._lease is not None, "who only reads takes no lock"
        self.prepare()
        with self._lease.held(self.lock_wait_seconds):
            self.attach()
            self.fetch_docs()
            # No number comes twice: a machine that was stopped may still stage on a branch of its run's name.
            self._last_number = max((run.number for run in self.all_runs()), default=0)
            forget_stale_journal(self)
            forget_stale_runs(self)
            try:
                yield
            except BaseException:
                with contextlib.suppress(WarehouseError):  # lost, or out of reach: the first trouble is told
                    self.sync()
                raise
            self.sync()

    def save(self, run: Run) -> None:
        """Write a run's manifest, and with it what else changed, through to the store."""
        super().save(run)
        self.sync()

    def sync(self) -> None:
        """Put what changed in the folder, a run's manifest after its other files, then delete what is gone.

        Raises:
            LockedError: the lease was lost.
            WarehouseError: the store cannot be reached.
        """
        if self._lease is None:
            return
        self._lease.require()
        with self._reached():
            self._mirror.put([RUNS, DOCS, *FILES], (f"/{MANIFEST}", self.journal.name), self._lease.require)

    def check_held(self) -> None:
        """Ask the catalog whether the lease still holds."""
        if self._lease is not None:
            self._lease.check()

    def hand_over(self, run_id: str) -> dict[str, Any]:
        """Put the built marts beside the published ones; return what the journal says of them."""
        assert self._lease is not None
        self._lease.renew()  # all of its time for what follows
        digest = digest_of(self.next_marts)
        name = f"{run_id}-{digest[:12]}.duckdb"
        with self._reached():
            self.store.put_file(f"{MARTS}/{name}", self.next_marts)
        self._lease.renew()  # the file may have taken long
        return {"marts": {"run_id": run_id, "file": name, "size": self.next_marts.stat().st_size, "sha256": digest}}

    def replace_marts(self) -> None:
        """Point to the marts of the journal, then let old ones go."""
        try:
            told = json.loads(self.journal.read_text(encoding="utf-8"))["marts"]
        except (ValueError, KeyError, TypeError):
            raise self.damaged_journal() from None
        self.check_held()
        with self._reached():
            if self.next_marts.exists() and digest_of(self.next_marts) == told["sha256"]:
                self.work.link_marts(told["sha256"], self.marts, lambda file: link(self.next_marts, file))
                self.next_marts.unlink()
            self.store.put(POINTER, json.dumps(told, indent=1).encode())
            self.fetch_marts()
            stored = [one for one in self.store.listed(MARTS) if one.path not in (POINTER, f"{MARTS}/{told['file']}")]
            for old in sorted(stored, key=lambda one: one.changed or 0)[: 1 - KEPT_MARTS]:
                self.store.delete(old.path)

    def fetch_marts(self) -> None:
        """Fetch the published marts where those here are others: all of one publish, whatever happens meanwhile.

        Raises:
            WarehouseError: what the pointer says is not there, or is another file.
        """
        for _ in range(3):  # they may be replaced, and let go, while they are fetched
            self._pointer = pointer = self.store.get(POINTER)
            if pointer is None:
                return
            try:
                told = json.loads(pointer)
                sha256, file = told["sha256"], told["file"]
            except (ValueError, KeyError, TypeError):  # cut off, or written by somebody else
                break
            with contextlib.suppress(FileNotFoundError):
                self.work.link_marts(sha256, self.marts, partial(self._fetch, file, sha256))
                return
        raise WarehouseError(
            "The published marts are not where their pointer says, or are damaged.",
            where=f"{self.place}/{POINTER}",
            next_step="rerun a day, which builds them anew from the tables, or restore them from a backup",
        )

    def keep_report(self) -> None:
        """Put the report of this folder beside earlier ones, then lead readers to it."""
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
        pages = [f"{page.relative_to(self.report)}" for page in self.report.rglob("*") if page.is_file()]
        self.check_held()
        with self._reached():
            each(lambda page: self.store.put_file(f"{REPORT}/{name}/{page}", self.report / page), pages)
            self.store.put(f"{REPORT}/index.html", GO_THERE.format(place=name).encode())
            stored = [one.path for one in self.store.listed(REPORT)]
            folders = sorted({path.split("/")[1] for path in stored} - {"index.html", name})
            old = tuple(f"{REPORT}/{folder}/" for folder in folders[: 1 - KEPT_REPORTS])
            each(self.store.delete, [path for path in stored if path.startswith(old)])

    def salt_path(self, salt_file: Path | None) -> Path:
        """Return where the key of the user hashes is, as set: it never lies where the tables are."""
        if salt_file is not None and salt_file.exists():
            return salt_file
        raise WarehouseError(
            "A warehouse at an address takes its salt from elsewhere and makes none, and "
            + ("none is set." if salt_file is None else "there is no such file."),
            where="[privacy] salt, salt_file" if salt_file is None else str(salt_file),
            next_step="set PDMETRICS_PRIVACY__SALT from your secrets, or name its file with [privacy] salt_file; "
            "a first one makes: python -c 'import secrets; print(secrets.token_hex(32))'",
        )

    def _fetch(self, name: str, sha256: str, file: Path) -> None:
        if self.store.get_file(f"{MARTS}/{name}", file) != sha256:
            raise FileNotFoundError(name)

    @contextlib.contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise out_of_reach(self.place, error) from None


def open_for_reading(address: str, work_dir: Path | None) -> StoredWarehouse:
    """Return the warehouse of an address for who reads its marts and needs no settings: no lock, no catalog.

    Args:
        address: as `--warehouse` names it; credentials are Arrow's, from the environment.
        work_dir: where marts are kept, or the default.

    Raises:
        WarehouseError: it cannot be opened.
    """
    store = open_store(address)
    return StoredWarehouse(store, WorkFolder(work_dir or default_root(store.address)), None)
