"""A naive reading of dumps by the numbers of their columns, and eligible editors with sets and loops."""

import bz2
import re
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta

MISSING = (1, 7, 20, 21, 22, 42, 55, 56)  # positions of 78 that a row of 70 has not
WIKI, ENTITY, KIND, TIME, COMMENT, USER, TEXT_THEN, TEXT = 0, 2, 3, 4, 5, 6, 8, 9
BLOCKS, GROUPS, BOT_THEN, BOT_NOW, ANONYMOUS, TEMPORARY, PERMANENT, CROSS = 11, 13, 14, 15, 19, 20, 21, 22
COUNT, PAGE, TITLE_THEN, TITLE, NAMESPACE_THEN, NAMESPACE = 26, 28, 29, 30, 31, 33
REVISION, GONE, GONE_AT, TAGS = 60, 70, 71, 77
NUMBERS = {USER: "event_user_id", COUNT: "event_user_revision_count"}
NAMESPACES = {NAMESPACE_THEN: "page_namespace_historical", NAMESPACE: "page_namespace"}
DEFINITION = {
    "namespace": "historical", "edit_count": "last", "bots": "now_or_then", "temporary": "out", "cross_wiki": "in",
    "deleted_revisions": "in",
}  # fmt: skip


def files(world, snapshot, wiki):
    return sorted((world / "history" / snapshot / wiki).iterdir())


def rows_of(path):
    """Rows of a file, as lists of 78 fields; null where a row of 70 has none."""
    for line in bz2.decompress(path.read_bytes()).decode().removesuffix("\n").split("\n"):
        fields = line.split("\t")
        assert len(fields) in (70, 78)
        if len(fields) == 70:
            for position in MISSING:
                fields.insert(position, None)
        yield fields


def rows(world, snapshot, wiki):
    return [row for path in files(world, snapshot, wiki) for row in rows_of(path)]


def malformed(row, wiki):
    """Reason for which a row cannot be read, or null."""
    if row[WIKI] != wiki:
        return "wrong_wiki"
    try:
        datetime.strptime(row[TIME], "%Y-%m-%d %H:%M:%S.0")
    except ValueError:
        return "malformed:event_timestamp"
    if row[ENTITY] != "revision":
        return None
    if row[ANONYMOUS] not in ("", "true", "false"):
        return "malformed:event_user_is_anonymous"
    for position, name in NUMBERS.items():
        if not re.fullmatch("[0-9]*", row[position]):
            return f"malformed:{name}"
    for position, name in NAMESPACES.items():
        if not re.fullmatch("-?[0-9]*", row[position]):
            return f"malformed:{name}"
    return None


def refused(world, snapshot, wiki):
    counts = Counter(malformed(row, wiki) for row in rows(world, snapshot, wiki))
    del counts[None]
    return dict(counts)


class Naive:
    """Editors of one wiki in one snapshot."""

    def __init__(self, world, snapshot, wiki):
        self.by_day = defaultdict(list)
        for row in rows(world, snapshot, wiki):
            is_revision = (row[ENTITY], row[KIND]) == ("revision", "create")
            if is_revision and row[USER] and malformed(row, wiki) is None:
                self.by_day[date.fromisoformat(row[TIME][:10])].append(row)

    def editors(self, last, length):
        """Rows of a window by editor, in order of time and count."""
        found = defaultdict(list)
        for back in range(length):
            for row in self.by_day[last - timedelta(days=back)]:
                found[row[USER]].append(row)
        return [sorted(mine, key=lambda row: (row[TIME], int(row[COUNT]))) for mine in found.values()]

    @staticmethod
    def is_eligible(mine, definition):
        """Whether an editor is one, whatever his edit count."""
        named = any(
            row[TEXT_THEN].startswith("~2") if row[TEMPORARY] is None else row[TEMPORARY] == "true" for row in mine
        )
        if (named and definition["temporary"] == "out") or (
            definition["cross_wiki"] == "out" and any(row[CROSS] == "true" for row in mine)
        ):
            return False
        then, now = any(row[BOT_THEN] for row in mine), any(row[BOT_NOW] for row in mine)
        if {"now_or_then": then or now, "then": then, "now": now, "counted": False}[definition["bots"]]:
            return False
        where = NAMESPACE_THEN if definition["namespace"] == "historical" else NAMESPACE
        counted = [row for row in mine if definition["deleted_revisions"] == "in" or row[GONE] != "true"]
        return any(row[where] == "0" for row in counted)

    def counts(self, last, length, band):
        """Editors in the band, those of them who grew into it, and those who grew out of it."""
        least, most = (int(end) for end in band.split("-"))
        inside, new, left = 0, 0, 0
        for mine in self.editors(last, length):
            if self.is_eligible(mine, DEFINITION):
                before, after = int(mine[0][COUNT]) - 1, int(mine[-1][COUNT])
                inside += least <= after <= most
                new += before < least <= after <= most
                left += least <= before <= most < after
        return inside, new, left

    def otherwise(self, last, length, band, choice, value):
        """Editors in the band where the definition differs by one choice."""
        least, most = (int(end) for end in band.split("-"))
        definition = DEFINITION | {choice: value}

        def count(mine):
            counts = [int(row[COUNT]) for row in mine]
            return {"last": counts[-1], "first": counts[0], "largest": max(counts)}[definition["edit_count"]]

        return sum(
            self.is_eligible(mine, definition) and least <= count(mine) <= most for mine in self.editors(last, length)
        )
