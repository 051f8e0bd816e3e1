"""Which rows are one user's: those with the user's hash, and refused lines that name the user."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from pyiceberg.expressions import And, BooleanExpression

from jobs import contracts
from jobs.warehouse.refused import LINES
from jobs.warehouse.tables import Tables, equal_to, one_of, within

USER = "user_hash"
HASH_LETTERS = 16
WITH_HASH = tuple(name for name, table in contracts.TABLES.items() if USER in table.columns)
# In what is no whole event: numbers that stand where an id does, and wikis. Quotes of JSON within JSON are escaped.
_ID = re.compile(r'id\\*"\s*:\s*\\*"?(\d{1,20})')
_WIKI = re.compile(r'database\\*"\s*:\s*\\*"(\w+)')


@dataclass(frozen=True)
class OwnLines:
    """What the refused lines say of a user.

    Attributes:
        days: of the user's lines.
        line_hashes: of these.
        n_untold: lines of which nobody can say whose they are.
        untold_until: the last day of such lines, None without any.
        wikis: all that there are.
    """

    days: Sequence[date]
    line_hashes: Sequence[int]
    n_untold: int
    untold_until: date | None
    wikis: Sequence[str]

    @property
    def condition(self) -> BooleanExpression:
        """The condition of the user's lines in `quarantine`."""
        return And(within("event_date", self.days), one_of("line_hash", self.line_hashes))


def user_hash(salt: str, wiki_db: str, user_id: int) -> str:
    """Return the hash that the facts have of a user, as `transforms.events` makes it."""
    return hashlib.sha256(f"{salt}|{wiki_db}|{user_id}".encode()).hexdigest()[:HASH_LETTERS]


def rows_of(hashed: str) -> BooleanExpression:
    """Return the condition of a user's rows, in the tables `WITH_HASH`."""
    return equal_to(USER, hashed)


def own_lines(tables: Tables, salt: str, hashed: str, told: Callable[[int, int], None]) -> OwnLines:
    """Find a user's lines among those that were refused.

    Of an event, wiki and id tell whose it is. Of a line that is none, whatever looks like an id is tried with the wiki
    it names, else with all wikis there are.

    Args:
        tables: of the warehouse.
        salt: key of the hashes.
        hashed: the user's hash.
        told: called with (days read, all days).
    """
    days, own, untold = tables.days(LINES), [], []
    wikis = _wikis(tables)
    for number, day in enumerate(days, 1):
        scan = tables.table(LINES).scan(within("event_date", [day]), selected_fields=("line", "line_hash"))
        for batch in scan.to_arrow_batch_reader():
            for row in batch.to_pylist():
                users, is_certain = _users(row["line"], wikis)
                if any(user_hash(salt, *user) == hashed for user in users):
                    own.append((day, row["line_hash"]))
                elif not is_certain:
                    untold.append(day)
        told(number, len(days))
    last = max(untold, default=None)
    return OwnLines(sorted({day for day, _ in own}), [line for _, line in own], len(untold), last, wikis)


def _users(line: str | None, wikis: Sequence[str]) -> tuple[list[tuple[str, int]], bool]:
    """Return the users that a line may be of, as wiki and id, and whether it is certain that it is of no other."""
    if line is None:  # of a file that cannot be read
        return [], True
    event = _event(line)
    performer, wiki = event.get("performer"), _database(event)
    if isinstance(performer, dict):
        found = performer.get("id")
        if isinstance(found, int) and not isinstance(found, bool) and wiki is not None:
            return [(wiki, found)], True
        if not found and not performer.get("name"):
            return [], True
    named = _WIKI.findall(line) or wikis
    return [(wiki, int(digits)) for digits in _ID.findall(line) for wiki in named], False


def _event(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _database(event: dict[str, Any]) -> str | None:
    place = event.get("mediawiki")
    wiki = place.get("database") if isinstance(place, dict) else None
    return wiki if isinstance(wiki, str) else None


def _wikis(tables: Tables) -> list[str]:
    scan = tables.table("baseline_daily").scan(selected_fields=("wiki_db",))
    return sorted(set(scan.to_arrow()["wiki_db"].to_pylist()))
