"""The lock of a warehouse beside its tables: a lease in the catalog, which one command holds and every machine sees.

It is the newest snapshot of the table `pd.lease`, which has no rows: who holds it, and until when, stands in the
snapshot's summary. To take, renew or give back is to commit a snapshot on top of the one that was read. A catalog takes
such a commit only if the head is still that one, so that of two that try at once one fails, whatever catalog it is.
"""

from __future__ import annotations

import contextlib
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.table import Table

from jobs import contracts
from jobs.errors import LockedError, WarehouseError
from jobs.log import get_logger
from jobs.secrets import shown
from jobs.warehouse.lease_table import TABLE, table_of
from jobs.warehouse.processes import is_dead, process, whose

HOLDER, TOKEN, UNTIL, PROCESS = (f"pdmetrics.lease-{name}" for name in ("holder", "token", "until", "process"))
CLOCKS_DIFFER = timedelta(minutes=1)  # by so much at most: whoever takes a lease over waits so much longer
RENEWALS = 10  # in the time it lasts
KEPT_SNAPSHOTS = 20
ASK_AGAIN_SECONDS = 1.0
GIVE_UP_SECONDS = 30  # of an end that nobody answers: the lease lapses


@dataclass(frozen=True)
class Said:
    """What the newest snapshot says of the lease; of one that was given back nothing.

    Attributes:
        holder: who has it, for people.
        token: of this one time that it was taken.
        until: when it ends if it is not renewed (UTC).
        process: the process that has it, where that can be told.
    """

    holder: str
    token: str
    until: datetime
    process: str

    def is_over(self, now: datetime) -> bool:
        """Whether somebody else may take it: it has ended on every clock, or its process has on this machine."""
        return now > self.until + CLOCKS_DIFFER or is_dead(self.process)


class Lease:
    """The lease of one warehouse, for one command.

    Args:
        open_catalog: opens the catalog; what a thread uses is its own.
        minutes: how long it lasts without being renewed.
        place: the warehouse, as `--warehouse` names it.
    """

    def __init__(self, open_catalog: Callable[[], Catalog], minutes: float, place: str) -> None:
        self._open, self._place = open_catalog, place
        self._lasts = timedelta(minutes=minutes)
        self._token = ""
        self._turn = threading.Lock()  # of the thread that renews and the command
        self._table: Table | None = None
        self._ends = self._ends_steadily = 0.0
        self._is_lost = False

    @contextlib.contextmanager
    def held(self, wait_seconds: float) -> Iterator[None]:
        """Hold the lease for this block, and renew it meanwhile.

        Raises:
            LockedError: another command still holds it after so many seconds.
            WarehouseError: the catalog does not let the table be made or changed, or is another warehouse's.
        """
        self._acquire(wait_seconds)
        done = threading.Event()
        renewing = threading.Thread(target=self._renew_until, args=(done,), name="lease", daemon=True)
        renewing.start()
        try:
            yield
        finally:
            done.set()
            renewing.join(timeout=GIVE_UP_SECONDS)
            self._give_back()

    def require(self) -> None:
        """Go on only while the lease lasts by the clock; asks nobody.

        Raises:
            LockedError: it was lost.
        """
        if self._is_lost or time.time() > self._ends or time.monotonic() > self._ends_steadily:
            self._is_lost = True
            raise LockedError(
                "The lock of the warehouse was lost: it was not renewed in time, or another command took it.",
                where=".".join(TABLE),
                next_step="run the command again: nothing was published by it since; [run] lease_minutes is how long a "
                "machine may be stopped or without the catalog",
            )

    def check(self) -> None:
        """Ask the catalog whether the lease is still this command's, before what cannot be taken back.

        Raises:
            LockedError: it is not.
        """
        with self._turn:
            self.require()
            assert self._table is not None
            self._note(said_of(self._table.refresh()))
        self.require()

    def renew(self) -> None:
        """Begin the time of the lease anew.

        Raises:
            LockedError: it was lost.
        """
        with self._turn:
            self.require()
            self._commit_again()
        self.require()

    def holder(self) -> str | None:
        """Return who holds the lease, for people; makes nothing."""
        catalog = self._open()
        if not catalog.namespace_exists(contracts.NAMESPACE) or not catalog.table_exists(TABLE):
            return None
        said = said_of(catalog.load_table(TABLE))
        return None if said is None or said.is_over(datetime.now(UTC)) else said.holder

    def _acquire(self, wait_seconds: float) -> None:
        began, is_told = time.monotonic(), False
        self._token, self._is_lost = uuid.uuid4().hex, False
        while (holder := self._take()) is not None:
            if time.monotonic() - began >= wait_seconds:
                raise LockedError(
                    f"Another command is writing: {holder}.",
                    where=".".join(TABLE),
                    next_step="wait until it is done; of a killed one the lock lapses ([run] lease_minutes). "
                    "[run] lock_wait_seconds waits longer",
                )
            if not is_told:
                log = get_logger()
                log.info("waiting for the command that is writing", holder=holder, at_most_seconds=wait_seconds)
                is_told = True
            time.sleep(ASK_AGAIN_SECONDS)

    def _take(self) -> str | None:
        """Take the lease if nobody holds it; return who does."""
        with _catalog_trouble():
            self._table = self._table.refresh() if self._table else table_of(self._open(), self._place)
            said = said_of(self._table)
            if said is not None and not said.is_over(datetime.now(UTC)):
                return f"{said.holder}, until {said.until:%H:%M} UTC if it is not renewed"
            if said is not None:
                get_logger().warning("taking over the lock of a command that is gone", holder=said.holder)
            try:
                self._commit()
            except CommitFailedException:
                return "a command that took the lock this very moment"
            self._forget_old()
        return None

    def _commit(self, *, gives_back: bool = False) -> None:
        """Put a snapshot on top of the one that was read.

        Raises:
            CommitFailedException: it is no longer the head.
        """
        assert self._table is not None
        began, began_steadily = time.time(), time.monotonic()
        until = datetime.fromtimestamp(began, UTC) + self._lasts
        told = {HOLDER: whose(), TOKEN: self._token, UNTIL: until.isoformat(), PROCESS: process()}
        with (
            self._table.transaction() as transaction,
            transaction.update_snapshot(snapshot_properties={} if gives_back else told).fast_append(),
        ):
            pass
        self._ends = began + self._lasts.total_seconds()
        self._ends_steadily = began_steadily + self._lasts.total_seconds()

    def _commit_again(self) -> None:
        assert self._table is not None
        try:
            self._commit()
        except CommitFailedException:
            self._note(said_of(self._table.refresh()))

    def _note(self, said: Said | None) -> None:
        self._is_lost = self._is_lost or said is None or said.token != self._token

    def _renew_until(self, done: threading.Event) -> None:
        every = self._lasts.total_seconds() / RENEWALS
        while not done.wait(every):
            try:
                self.renew()
            except LockedError:
                get_logger().error("the lock of the warehouse was lost", table=".".join(TABLE))
                return
            except Exception as error:  # the catalog or the network: there is time until it ends
                get_logger().warning("the lock could not be renewed; trying again", why=shown("", error)[:200])

    def _give_back(self) -> None:
        if not self._turn.acquire(timeout=GIVE_UP_SECONDS):  # the thread waits for a catalog that does not answer
            get_logger().warning("the lock could not be given back, since the catalog does not answer; it lapses")
            return
        try:
            self.require()
            self._commit(gives_back=True)
        except LockedError:
            pass
        except CommitFailedException:
            self._is_lost = True
        except Exception as error:  # it ends by itself
            get_logger().warning("the lock could not be given back; it lapses", why=shown("", error)[:200])
        finally:
            self._turn.release()

    def _forget_old(self) -> None:
        """Delete the snapshots of long ago, and their files; one that stays does no harm."""
        assert self._table is not None
        old = sorted(self._table.metadata.snapshots, key=lambda one: one.sequence_number or 0)[:-KEPT_SNAPSHOTS]
        if len(old) < KEPT_SNAPSHOTS:
            return
        try:
            self._table.maintenance.expire_snapshots().by_ids([one.snapshot_id for one in old]).commit()
            for one in old:
                self._table.io.delete(one.manifest_list)
        except Exception as error:  # the next command tries again
            get_logger().warning("old snapshots of the lock could not be deleted", why=shown("", error)[:200])


def said_of(table: Table) -> Said | None:
    """Return what the newest snapshot says."""
    head = table.current_snapshot()
    told = head.summary.additional_properties if head is not None and head.summary is not None else {}
    if TOKEN not in told:
        return None
    return Said(told[HOLDER], told[TOKEN], datetime.fromisoformat(told[UNTIL]), told[PROCESS])


@contextlib.contextmanager
def _catalog_trouble() -> Iterator[None]:
    """Say in words that the catalog refuses."""
    try:
        yield
    except WarehouseError:
        raise
    except Exception as error:  # each kind of catalog raises what its client library does
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise WarehouseError(
            f"The catalog does not let the lock be taken: {shown('', why)}.",
            where=".".join(TABLE),
            next_step="check [catalog], and that its user may make and change tables",
        ) from None
