"""Is the salt the one that this lake's users were hashed with: with another, every user would be somebody new.

The key itself is in the warehouse, where `[privacy] salt_file` says, or in `[privacy] salt`; the lake holds its
fingerprint, as a property of the table `user_days`, so that a lost, changed or foreign key is told before anybody is
hashed with it.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

from pyiceberg.exceptions import CommitFailedException
from pyiceberg.table import Table

from jobs.errors import UsageError, WarehouseError
from jobs.settings.sections import PrivacySettings
from jobs.warehouse.runs import Warehouse
from jobs.warehouse.tables import Tables

FINGERPRINT = "pdmetrics.salt-fingerprint"
MARKED = "user_days"
HASHED = ("events", MARKED)  # the first that a run stages, and the last that is deleted
RESTORE = "restore it from a backup"
BEGIN_ANEW = "to begin anew knowingly, without the history of users, name another warehouse (--warehouse)"


def fingerprint(salt: str) -> str:
    """Return what tells one salt from another and reveals neither."""
    return hmac.new(salt.encode(), b"pdmetrics salt fingerprint", hashlib.sha256).hexdigest()[:16]


def salt_of(tables: Tables, warehouse: Warehouse, privacy: PrivacySettings) -> str:
    """Return the key of the user hashes to a command that is about to hash.

    Where nothing was hashed yet it is made. Where nobody took its fingerprint yet, it is taken.

    Args:
        tables: of the lake.
        warehouse: the warehouse directory.
        privacy: the settings that say where the key is.

    Raises:
        WarehouseError: it is lost, or is not the one that the lake was hashed with; no file was made.
    """
    hashed = {name: tables.table(name).refresh() for name in HASHED}
    check_salt(hashed, warehouse, privacy)
    salt = key_of(warehouse, privacy)
    if FINGERPRINT not in hashed[MARKED].refresh().properties:
        _mark(hashed[MARKED], fingerprint(salt))
    check_salt(hashed, warehouse, privacy)  # two that begin at once have one salt, or one of them is refused
    return salt


def check_salt(tables: Mapping[str, Table], warehouse: Warehouse, privacy: PrivacySettings) -> None:
    """Look whether a command could hash; make and change nothing.

    Args:
        tables: those of the lake by name, as far as they are there; `HASHED` count.
        warehouse: the warehouse directory.
        privacy: the settings that say where the key is.

    Raises:
        WarehouseError: as `salt_of`.
    """
    given = _given(privacy)
    path = None if given else warehouse.salt_path(privacy.salt_file)
    where = "[privacy] salt" if path is None else str(path)
    hashed = {name: tables[name] for name in HASHED if name in tables}
    known = hashed[MARKED].properties.get(FINGERPRINT) if MARKED in hashed else None
    if path is None or path.exists():
        own = fingerprint(key_of(warehouse, privacy))
        if known not in (None, own):
            raise WarehouseError(
                f"This is not the salt that the users of this lake were hashed with: its fingerprint is {own}, and the "
                f"table {MARKED} says {known}.",
                where=f"{where}; {hashed[MARKED].metadata_location}",
                next_step=f"{RESTORE}, or name the right one with [privacy] salt_file; {BEGIN_ANEW}",
            )
    elif known is not None or any(_ever_held_rows(table) for table in hashed.values()):
        raise WarehouseError(
            "The salt that the users of this lake were hashed with is not there.",
            where=where,
            next_step=f"{RESTORE}, or name it with [privacy] salt_file; {BEGIN_ANEW}",
        )


def key_of(warehouse: Warehouse, privacy: PrivacySettings) -> str:
    """Return the key as it is, or make a first one; who uses it has asked `check_salt`."""
    return _given(privacy) or warehouse.salt(privacy.salt_file)


def _given(privacy: PrivacySettings) -> str | None:
    """Return the key that the settings hold themselves."""
    if privacy.salt is None:
        return None
    if privacy.salt_file is not None:
        raise UsageError(
            "There are two salts.", where="[privacy] salt, salt_file", next_step="set one of them, the one of before"
        )
    return privacy.salt.get_secret_value()


def _ever_held_rows(table: Table) -> bool:
    """Whether any snapshot that is left of a table has rows, on whichever branch."""
    for snapshot in table.metadata.snapshots:
        told = snapshot.summary["total-records"] if snapshot.summary else None
        if int(told) > 0 if told else any(table.scan(snapshot_id=snapshot.snapshot_id).plan_files()):
            return True
    return False


def _mark(table: Table, found: str) -> None:
    try:
        with table.transaction() as transaction:
            transaction.set_properties({FINGERPRINT: found})
    except CommitFailedException:  # somebody else wrote at the same time; if it was a fingerprint, it is compared
        if FINGERPRINT not in table.refresh().properties:
            raise
    table.refresh()
