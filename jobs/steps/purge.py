"""Purge: what is past its keep-until, or one user's, is deleted from every file of the warehouse, with receipts.

It takes no engine. Each table is deleted from in one commit that carries its receipts. What is left to do then (the
history, manifests, files) is seen from the tables themselves, so that a purge that was killed is simply repeated.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from jobs import contracts
from jobs.errors import UsageError
from jobs.log import get_logger
from jobs.progress import Told, still_at
from jobs.settings import Settings
from jobs.steps.job import engine_errors, recovered_tables
from jobs.warehouse.diagnostics import last_written, logs, tracebacks
from jobs.warehouse.forget import WITH_HASH, OwnLines, own_lines, rows_of, user_hash
from jobs.warehouse.look import tables_if_any
from jobs.warehouse.publish import NO_DAYS, clean_up, locked_to_begin
from jobs.warehouse.purge import (
    TablePlan,
    carry_over,
    delete_rows,
    forget_history,
    has_branches,
    is_half_done,
    plan_rows,
    plan_until,
)
from jobs.warehouse.receipts import KEEP_UNTIL, PERSONAL, USER_REQUEST, Occasion, Receipt, receipts, write_receipts
from jobs.warehouse.refused import LINES
from jobs.warehouse.runs import Warehouse
from jobs.warehouse.salt import HASHED, check_salt, key_of
from jobs.warehouse.tables import Tables
from jobs.warehouse.upkeep import ORPHAN_AGE
from jobs.windows import LONGEST_QUARTER

MOST_WIKIS = 20  # in a message
LATE_DAYS = 2  # a run comes a day after its day, and may wait one more


@dataclass(frozen=True)
class User:
    """Whose rows are asked for: by hash, or by wiki and id, of which the hash is made.

    Attributes:
        hashed: the hash.
        wiki_db, user_id: the wiki and the id.
        goes_with_history: the history goes, and what is staged, even if no published row is the user's.
    """

    hashed: str | None = None
    wiki_db: str | None = None
    user_id: int | None = None
    goes_with_history: bool = False


@dataclass(frozen=True)
class Plan:
    """What is to be done.

    Attributes:
        tables: those with something to do.
        files: tracebacks and logs beside the tables.
        lines: of a user's request, what the refused lines say.
        keeps_history: of a user without a published row, that the history stays though it may hold the user.
    """

    tables: Sequence[TablePlan]
    files: Sequence[Path]
    lines: OwnLines | None = None
    keeps_history: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.tables or self.files)


def last_days(settings: Settings, as_of: date) -> dict[str, date]:
    """Return by table the last day whose time is over on a day.

    Raises:
        UsageError: the day is to come, or days would go that runs of today still need.
    """
    if as_of > (today := datetime.now(UTC).date()):
        raise UsageError(
            f"{as_of} is to come: what is kept until then would go today.",
            where="--as-of",
            next_step=f"name a day up to {today}, or leave it out",
        )
    privacy = settings.privacy
    least = {
        "events": settings.ingest.dedup_lookback_days + LATE_DAYS,
        "user_days": LONGEST_QUARTER + LATE_DAYS,
    }
    kept = {"events": privacy.events_keep_days, "user_days": privacy.user_days_keep_days}
    for name, days in kept.items():
        if days < least[name]:
            raise UsageError(
                f"Runs of today need what is {least[name]} days old, and {days} days are kept.",
                where=f"[privacy] {name}_keep_days",
                next_step=f"set at least {least[name]}",
            )
    keeps = {name: contracts.table(name).keep for name in PERSONAL}
    return {name: as_of - timedelta(days=kept[keep]) for name, keep in keeps.items() if keep}


def plan(settings: Settings, warehouse: Warehouse, as_of: date, user: User | None) -> Plan | None:
    """Look what a purge would do; nothing is locked or changed. None where nothing was ever ingested.

    Raises:
        UsageError: as `purge`.
    """
    last = last_days(settings, as_of)
    tables = tables_if_any(settings.catalog.properties(), warehouse.path)
    if tables is None:
        return None
    return _plan(tables, settings, warehouse, last, user, older_than=datetime.now(UTC) - ORPHAN_AGE)


def purge(settings: Settings, warehouse: Warehouse, as_of: date, user: User | None) -> tuple[Plan, int, int] | None:
    """Delete what is past its time, or a user's rows, for good.

    Args:
        settings: how long what is kept.
        warehouse: the warehouse.
        as_of: the day from which ages count.
        user: whose rows, of whatever day; None for what is past its time.

    Returns:
        What was done, how many files went and their bytes; None where nothing was ever ingested.

    Raises:
        UsageError: as `last_days`, or of a wiki that no table knows.
        LockedError: another command writes, or a run waits for its next step.
    """
    last = last_days(settings, as_of)
    if tables_if_any(settings.catalog.properties(), warehouse.path) is None:
        return None
    with locked_to_begin(warehouse, *NO_DAYS), engine_errors(warehouse), still_at("purging"):
        shutil.rmtree(warehouse.scratch, ignore_errors=True)  # what a killed command left
        tables = recovered_tables(settings, warehouse)
        found = _plan(tables, settings, warehouse, last, user)
        if any(one.is_due for one in found.tables) and has_branches(tables):
            clean_up(tables, warehouse)
            found = _plan(tables, settings, warehouse, last, user)
        if found.is_empty:
            return found, 0, 0
        occasion = Occasion(datetime.now(UTC).date(), as_of, KEEP_UNTIL if user is None else USER_REQUEST)
        return (found, *_do(tables, warehouse, found, occasion))


def _plan(
    tables: Tables,
    settings: Settings,
    warehouse: Warehouse,
    last: dict[str, date],
    user: User | None,
    older_than: datetime | None = None,
) -> Plan:
    if user is not None:
        return _plan_of_user(tables, settings, warehouse, user, older_than)
    found = [plan_until(tables, name, day, older_than) for name, day in last.items() if tables.has(name)]
    return Plan([one for one in found if not one.is_empty], list(_old_files(warehouse, last["events"])))


def _plan_of_user(
    tables: Tables, settings: Settings, warehouse: Warehouse, user: User, older_than: datetime | None
) -> Plan:
    check_salt({name: tables.table(name) for name in HASHED}, warehouse, settings.privacy)
    salt = key_of(warehouse, settings.privacy)
    hashed = user.hashed or user_hash(salt, user.wiki_db or "", user.user_id or 0)
    with Told("days of refused lines read") as told:
        lines = own_lines(tables, salt, hashed, told)
    is_known = user.wiki_db in (None, *lines.wikis) or lines.days or is_half_done(tables, LINES)
    if not is_known:
        raise UsageError(
            f"No table knows the wiki {user.wiki_db}.",
            where="--wiki",
            next_step=f"name one as the input does: {', '.join(lines.wikis[:MOST_WIKIS]) or 'there is none yet'}",
        )
    found = []
    for name, rows in {**dict.fromkeys(WITH_HASH, rows_of(hashed)), LINES: lines.condition}.items():
        with Told(f"files of {name} read") as told:
            found.append(plan_rows(tables, name, rows, older_than, told))
    is_met = any(one.going or is_half_done(tables, one.name) for one in found)
    keeps_history = not (is_met or user.goes_with_history) and any(one.is_due for one in found)
    if keeps_history:
        found = [replace(one, is_due=False) for one in found]
    left = [one for one in found if not one.is_empty]
    return Plan(left, list(_old_files(warehouse, date.max)), lines, keeps_history)


def _do(tables: Tables, warehouse: Warehouse, found: Plan, occasion: Occasion) -> tuple[int, int]:
    """Delete, write the receipts, and let go what still held the rows; return how many files went and their bytes."""
    log, n_files, n_bytes = get_logger(), 0, 0
    for one in found.tables:
        if one.going:
            delete_rows(tables, one, occasion)
            log.info("deleted", table=one.name, days=len(one.going), rows=sum(due.n_rows for due in one.going))
    write_receipts(tables, [one.name for one in found.tables])
    log.info("receipts written", tables=len(found.tables))
    kept = _carried_over(tables, warehouse, found) if occasion.cause == KEEP_UNTIL else {}
    # Of a user's request that is killed, a table whose rows it deleted tells that the others' history has to go too.
    for one in sorted(found.tables, key=lambda one: is_half_done(tables, one.name)):
        number, size = forget_history(tables, one, kept.get(one.name, ()))
        log.info("history and files gone", table=one.name, files=number, bytes=size)
        n_files, n_bytes = n_files + number, n_bytes + size
    for path in found.files:
        path.unlink(missing_ok=True)
    return n_files, n_bytes


def _carried_over(tables: Tables, warehouse: Warehouse, found: Plan) -> dict[str, set[int]]:
    """Make what backfills replaced anew without the rows that go, so that they can still be undone.

    Returns:
        The snapshots that stay, by table; manifests name them.
    """
    made: dict[tuple[str, int], int] = {}
    plans = {one.name: one for one in found.tables if one.is_due}
    for run in warehouse.all_runs():
        noted = run.backfill.snapshots if run.backfill is not None else {}
        for name in noted.keys() & plans.keys():
            there = {one.snapshot_id for one in tables.table(name).metadata.snapshots}
            for old in {*noted[name]} & there:
                made[name, old] = made.get((name, old)) or carry_over(tables, plans[name], old)
            noted[name] = [made.get((name, old), old) for old in noted[name]]
        if noted:
            warehouse.save(run)
    warehouse.sync()
    return {name: {new for (of, _), new in made.items() if of == name} for name in plans}


def _old_files(warehouse: Warehouse, last: date) -> Iterator[Path]:
    """Give the tracebacks and logs that were written last up to a day."""
    return (path for path in (*tracebacks(warehouse), *logs(warehouse)) if last_written(path) <= last)


def all_receipts(settings: Settings, warehouse: Warehouse) -> list[Receipt]:
    """Return all receipts, oldest first."""
    tables = tables_if_any(settings.catalog.properties(), warehouse.path)
    return [] if tables is None else receipts(tables)
