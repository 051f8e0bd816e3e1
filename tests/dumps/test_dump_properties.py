"""Any rows get exactly one fate each, and the fast reader agrees with one that reads a cell after the other."""

from __future__ import annotations

import random
from collections import Counter
from datetime import date

import pytest
from dump_rows import BOTH, GOOD, by_hand

from jobs.dumps.files import DumpFile
from jobs.dumps.judge import PARSED, READ, VERDICTS, judge
from jobs.dumps.reader import Tally, tables
from jobs.dumps.rows import QUARANTINED

FIRST, LAST = date(2026, 3, 4), date(2026, 3, 31)
FILE = DumpFile("h/2026-03/trwiki/2026-03.trwiki.2026.tsv.bz2", "trwiki", "2026", FIRST, LAST, 1, True)
NUMBERS = ("0", "1", "7", "00", "-1", "+1", "-0", "1.0", "0x1", " 1", "1e3", "", "NaN", "9" * 18, "9" * 19, "½", "２",
           str(2**31 - 1), str(2**31), str(-(2**31)), str(-(2**31) - 1))  # fmt: skip
FLAGS = ("true", "false", "", "True", "1", "null", " true")
NAMES = (
    "",
    "Ayşe",
    "~2026-12345-6",
    "~2026-",
    "~ 2026-1",
    "a\\t~2026-1",
    "\\n~2026-1",
    "\\\\~2026-1",
    "x~2026-1",
    "~20２6-1",
)
LISTS = ("", "name", "group", "name,group", "a\\,b", ",", "\\N")
TIMES = ("2026-03-04 00:00:00.0", "2026-03-03 23:59:59.9", "2026-03-31 23:59:59.999999", "2026-04-01 00:00:00.0", "",
         "2026-03-10 10:10:10", "2026-02-30 00:00:00.0", "2026-03-10", "2026-03-10T10:10:10.0", "2026-03-10 24:00:00.0",
         "2026-03-10 10:10:60.0", "2026-03-10 10:10:10.0Z", "0000-03-10 10:10:10.0", "2024-02-29 10:10:10.25",
         "1969-03-10 10:10:10.0", "9999-12-31 10:10:10.0", "2026-03-10 10:10:10.",
         "2026-03-10 10:10:10.1234567")  # fmt: skip
ODD = {
    "wiki_db": ("", "enwiki", "trwiki ", "\udcff"), "event_entity": ("", "page", "user", "Revision", "\udcff"),
    "event_type": ("", "create-page", "move", "move_redr", "_move", "7", "\udcff", "é", "-"), "event_timestamp": TIMES,
    "event_user_id": NUMBERS, "event_user_revision_count": NUMBERS, "page_namespace_historical": NUMBERS,
    "page_namespace": NUMBERS, "event_user_text_historical": NAMES, "event_user_text": NAMES,
    "event_user_is_bot_by_historical": LISTS, "event_user_is_bot_by": LISTS,
    "event_comment": ('"', "'", "\\", "\udcff\0"),
}  # fmt: skip


def random_row(chance: random.Random, layout: tuple[str, ...]) -> bytes:
    """A good row with up to three odd cells; some bytes are no UTF-8, some carriage returns are not escaped."""
    cells = dict(GOOD)
    for name in chance.sample([*READ, "event_comment"], chance.randrange(4)):
        cells[name] = chance.choice(ODD.get(name, FLAGS)) + chance.choice([""] * 30 + ["\r", "\udcff", "\0"])
    return "\t".join(cells.get(name, "") for name in layout).encode("utf-8", "surrogateescape")


GOOD_ENOUGH = {reason for fate, reason in VERDICTS if fate != QUARANTINED}


@pytest.mark.parametrize("layout", BOTH, ids=len)
@pytest.mark.parametrize("seed", range(3))
def test_the_fast_reader_agrees_with_reading_by_hand(layout: tuple[str, ...], seed: int) -> None:
    chance = random.Random(seed)
    lines = [random_row(chance, layout) for _ in range(2000)]
    expected = [by_hand(line, "trwiki", FIRST, LAST) for line in lines]
    blocks = [b"".join(line + b"\n" for line in part) for part in (lines[:700], lines[700:701], lines[701:])]
    tally, reasons, revisions = Tally(FILE), [], []
    for rows in tables(blocks, "x"):
        judged = judge(rows, FILE, [(FIRST, date(2026, 3, 9)), (date(2026, 3, 10), LAST)])
        tally.add(judged)
        reasons += [VERDICTS[verdict][1] for verdict in judged.verdicts]
        revisions += judged.revisions.to_pylist()
    for line, found, (reason, _, _) in zip(lines, reasons, expected, strict=True):
        assert found == reason, line
    assert revisions == [revision for _, revision, _ in expected if revision is not None]
    rows = tally.rows()
    assert sum(row[4] for row in rows) == tally.n_rows == len(lines)
    assert {row[3]: row[4] for row in rows} == Counter(reasons)
    assert {row[3]: row[5] for row in rows} == {reason: reasons.index(reason) + 1 for reason in set(reasons)}
    of_file = [day for reason, _, day in expected if day and FIRST <= day <= LAST and reason in GOOD_ENOUGH]
    assert {row[6] for row in rows} == {max(of_file)}


def test_random_rows_reach_every_verdict() -> None:
    chance = random.Random(0)
    lines = [random_row(chance, BOTH[0]) for _ in range(6000)]
    found = Counter(by_hand(line, "trwiki", FIRST, LAST)[0] for line in lines)
    assert set(found) == {reason for _, reason in VERDICTS}
    assert len(VERDICTS) == 5 + len(PARSED)
