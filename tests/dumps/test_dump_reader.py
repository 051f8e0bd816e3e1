"""What the rows of a dump are: layouts, files that are damaged, what each cell says."""

from __future__ import annotations

import bz2
import errno
import random
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import fsspec
import pytest
from dump_rows import BOTH, elements, put, row, unescaped

from jobs.dumps import blocks
from jobs.dumps.blocks import line_blocks
from jobs.dumps.columns import ALL_COLUMNS, LAYOUTS, OLD_COLUMNS, YOUNG_COLUMNS
from jobs.dumps.files import find_dumps
from jobs.dumps.pace import pace_of
from jobs.dumps.reader import FileRow, Tally, read_dump
from jobs.errors import InputError, NoInputError
from jobs.raw.place import Input, open_input

FIRST, LAST = date(2026, 3, 4), date(2026, 3, 31)
SPANS = [(FIRST, LAST)]


def read(root: Path | str) -> tuple[list[dict[str, Any]], list[FileRow]]:
    """The revisions of the one file below a folder, and what became of its rows."""
    history = open_input(root)
    (file,) = find_dumps(history, "2026-03", None, SPANS)
    tally = Tally(file)
    found = [kept for batch in read_dump(history, file, SPANS, tally) for kept in batch.to_pylist()]
    return found, tally.rows()


def refused(root: Path) -> str:
    with pytest.raises(InputError) as caught:
        read(root)
    assert f"{root}/2026-03/trwiki/2026-03.trwiki.2026.tsv.bz2" in str(caught.value)
    return str(caught.value)


def test_the_columns_are_those_of_either_layout() -> None:
    assert {n: len(names) for n, names in LAYOUTS.items()} == {78: 78, 70: 70}
    assert len(set(ALL_COLUMNS)) == 78
    places = {
        "wiki_db": 0, "event_timestamp": 4, "event_user_id": 6, "event_user_is_bot_by": 15,
        "event_user_is_anonymous": 19, "event_user_is_temporary": 20, "event_user_is_permanent": 21,
        "event_user_is_cross_wiki": 22, "event_user_revision_count": 26, "page_namespace_historical": 31,
        "page_namespace": 33, "page_id": 28, "user_id": 41, "user_first_edit_timestamp": 59, "revision_id": 60,
        "revision_is_deleted_by_page_deletion": 70, "revision_tags": 77,
    }  # fmt: skip
    assert {name: ALL_COLUMNS.index(name) for name in places} == places
    assert set(ALL_COLUMNS) - set(OLD_COLUMNS) == set(YOUNG_COLUMNS)


@pytest.mark.parametrize("layout", BOTH, ids=len)
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {"user_id": 7, "edit_count": 120, "namespace_historical": 0, "is_bot_then": False, "is_bot_now": False}),
        ({"page_namespace_historical": ""}, {"namespace_historical": None, "namespace_current": 0}),
        ({"page_namespace": "-1"}, {"namespace_historical": 0, "namespace_current": -1}),
        ({"event_user_is_bot_by_historical": "name,group"}, {"is_bot_then": True, "is_bot_now": False}),
        ({"event_user_is_bot_by": "a\\,b"}, {"is_bot_then": False, "is_bot_now": True}),
        ({"event_user_is_anonymous": ""}, {"user_id": 7}),
        ({"revision_is_deleted_by_page_deletion": ""}, {"is_deleted": False}),
        ({"revision_is_deleted_by_page_deletion": "true"}, {"is_deleted": True}),
        ({"event_comment": 'said "no\\tquotes" \\\\'}, {"user_id": 7}),
        ({"event_comment": "\udcff\udcfe", "event_user_text_historical": "\udcff"}, {"is_temporary": False}),
    ],
)  # fmt: skip
def test_cells_of_either_layout(tmp_path: Path, layout, changes, expected) -> None:
    put(tmp_path, [row(layout, **changes)])
    (found,), _ = read(tmp_path)
    assert {name: found[name] for name in expected} == expected
    assert found["is_cross_wiki"] is (True if layout is ALL_COLUMNS else None)


@pytest.mark.parametrize(
    ("name", "by_name", "flags", "expected"),
    [
        ("Ayşe", False, ("false", "true"), "permanent"),
        ("~2026-12345-6", True, ("true", "false"), "temporary"),
        ("~2026-12345-6", True, ("false", "true"), "permanent"),  # the columns speak, not the name
        ("~2026-12345-6", True, ("", ""), "temporary"),
        ("Ayşe", False, ("", ""), "permanent"),
        ("Ayşe", False, ("", "false"), "temporary"),  # neither permanent nor anonymous
        ("Ayşe", False, ("", "true"), "permanent"),
        ("Ayşe", False, ("false", ""), "permanent"),
        ("Ayşe", False, ("false", "false"), "anonymous"),
        ("Ayşe", False, ("true", "true"), "malformed:event_user_is_permanent"),
        ("~ 2026-12345-6", False, ("", ""), "permanent"),
        ("\\n~2026-12345-6", False, ("", ""), "permanent"),  # the name begins with a line feed
        ("\\\\~2026-1", False, ("", ""), "permanent"),
    ],
)
def test_who_is_temporary(tmp_path: Path, name, by_name, flags, expected) -> None:
    changes = dict(zip(("event_user_is_temporary", "event_user_is_permanent"), flags, strict=True))
    put(tmp_path, [row(event_user_text_historical=name, **changes)])
    found, told = read(tmp_path)
    kinds = [{True: "temporary", False: "permanent"}[kept["is_temporary"]] for kept in found]
    assert kinds + [line[3] for line in told if line[4] and line[3]] == [expected]
    put(tmp_path, [row(OLD_COLUMNS, event_user_text_historical=name)])
    assert [kept["is_temporary"] for kept in read(tmp_path)[0]] == [by_name]
    put(tmp_path, [row(OLD_COLUMNS, event_user_text_historical="", event_user_text=name)])
    assert [kept["is_temporary"] for kept in read(tmp_path)[0]] == [by_name]


def test_each_row_has_a_fate_and_a_first_line(tmp_path: Path) -> None:
    put(tmp_path, [
        row(event_user_id="x"), row(), row(event_type="move_redr", event_entity="page"), row(event_user_id=""),
        row(event_timestamp="2026-03-03 23:59:59.9"), row(event_user_id="0"), row(wiki_db="enwiki"),
        row(event_timestamp="2027-01-01 00:00:00.0", event_entity="user", event_type="rename"), row(event_user_id="y"),
        row(event_timestamp=""),
    ])  # fmt: skip
    name = "2026-03/trwiki/2026-03.trwiki.2026.tsv.bz2"
    assert [line[:7] for line in read(tmp_path)[1]] == [
        ("trwiki", name, fate, reason, n, line, date(2026, 3, 10)) for fate, reason, n, line in (
            ("kept", None, 1, 2), ("out_of_scope", "other_event", 2, 3), ("out_of_scope", "outside_windows", 1, 5),
            ("out_of_scope", "anonymous", 2, 4), ("quarantined", "wrong_wiki", 1, 7),
            ("quarantined", "malformed:event_timestamp", 1, 10), ("quarantined", "malformed:event_user_id", 2, 1),
        )
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "line", "told"),
    [
        ([b"a\tb\tc"], 1, "has 3 columns; a dump of mediawiki_history has 78, or 70"),
        ([row() + b"\t"], 1, "has 79 columns"),
        ([b"\t" * 8, row()], 1, "has 9 columns"),
        ([row(), row(), b"x", row() + b"\t"], 3, "has 1 column, where the first row of its file has 78"),
        ([row(), b"", row(), b"x"], 2, "has 1 column, where"),
        ([b"", row()], 1, "has 1 column; a dump"),
        ([row(), row(), b""], 3, "has 1 column, where"),
        ([row(), row(), b"\r"], 3, "has 1 column, where"),
        ([row(), row(OLD_COLUMNS)], 2, "has 70 columns, where the first row of its file has 78"),
        ([row(OLD_COLUMNS)] * 3 + [row()], 4, "has 78 columns, where the first row of its file has 70"),
        ([row()] * 40 + [row() + b"\t", b""], 41, "has 79 columns"),
    ],
)
@pytest.mark.parametrize("block", [1, 1000, 8 << 20])
def test_a_wrong_number_of_columns_is_an_error_with_its_line(
    tmp_path: Path, monkeypatch, rows, line, told, block
) -> None:
    monkeypatch.setattr(blocks, "BLOCK", block)
    monkeypatch.setattr(blocks, "_PIECE", min(block, 1 << 20))
    put(tmp_path, rows)
    error = refused(tmp_path)
    assert told in error
    assert f".tsv.bz2, line {line}\n" in error


DAMAGED = {
    "no bzip2": b"wiki_db\tevent\n" * 100,
    "cut off": bz2.compress(row() + b"\n")[:-5],
    "cut off at its beginning": b"BZ",
    "cut off between streams": bz2.compress(row() + b"\n") + bz2.compress(row() + b"\n")[:20],
    "garbage after the end": bz2.compress(row() + b"\n") + b"garbage",
    "damaged in the middle": (lambda data: data[:60] + bytes(16) + data[76:])(bz2.compress((row() + b"\n") * 50)),
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_a_damaged_file_is_an_error_that_names_it(tmp_path: Path, kind: str) -> None:
    put(tmp_path, content=DAMAGED[kind])
    if "cut off" in kind:  # it may be copied still, so a scheduler waits
        with pytest.raises(NoInputError, match=r"is cut off(.|\n)*2026-03.trwiki.2026.tsv.bz2"):
            read(tmp_path)
    else:
        assert "is damaged, or no bzip2" in refused(tmp_path)


def test_a_file_without_rows_is_awaited(tmp_path: Path) -> None:
    for content in (None, bz2.compress(b"") * 2):
        put(tmp_path, content=content)
        with pytest.raises(NoInputError, match=r"is empty(.|\n)*2026-03.trwiki.2026.tsv.bz2"):
            read(tmp_path)


def test_what_the_end_of_a_file_is_judged_by(tmp_path: Path) -> None:
    """Four weeks up to the last event, 2026-02-21 to 03-20: what was before is not the pace of now."""
    events = {"2025-12-31": 99, "2026-01-02": 1, "2026-02-21": 1, "2026-03-01": 500, "2026-03-20": 26}
    put(tmp_path, [row(event_timestamp=f"{day} 10:00:00.0") for day, n in events.items() for _ in range(n)])
    ((*_, last, usual_from, last_day, events_a_day, silence),) = {(None, *line[6:]) for line in read(tmp_path)[1]}
    assert (last, usual_from, last_day) == (date(2026, 3, 20), date(2026, 1, 2), date(2026, 3, 31))
    assert (events_a_day, silence) == (1.0, 18), "27 events on the 27 days that are not the busiest"


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ({}, (None, None, 0.0, 0)),
        ({1: 7}, (date(1970, 1, 2), date(1970, 1, 2), 7.0, 0)),
        ({1: 7, 2: 3}, (date(1970, 1, 3), date(1970, 1, 2), 5.0, 0)),
        ({1: 7, 2: 3, 3: 8}, (date(1970, 1, 4), date(1970, 1, 2), 5.0, 0)),
        ({1: 7, 4: 9}, (date(1970, 1, 5), date(1970, 1, 2), 7 / 3, 2)),
        ({0: 50, 30: 4, 57: 5}, (date(1970, 2, 27), date(1970, 1, 1), 4 / 27, 26)),
        ({0: 4, 9: 5} | dict.fromkeys(range(10, 38), 100), (date(1970, 2, 7), date(1970, 1, 10), 100.0, 0)),
    ],
)
def test_the_pace_of_a_file(events: dict[int, int], expected: tuple[object, ...]) -> None:
    assert pace_of(events) == expected


def test_streams_follow_each_other_and_the_last_line_need_not_end(tmp_path: Path) -> None:
    data = b"\n".join(row(event_user_id=str(number)) for number in range(1, 501))
    cuts = [0, 10, 5000, 5000, 120_000, len(data)]  # in the middle of a row; one stream is empty
    put(tmp_path, content=b"".join(bz2.compress(data[a:b]) for a, b in pairwise(cuts)))
    assert [kept["user_id"] for kept in read(tmp_path)[0]] == list(range(1, 501))


@pytest.mark.parametrize("block", [1, 8 << 20])
def test_the_last_event_is_the_latest_wherever_it_stands(tmp_path: Path, monkeypatch, block: int) -> None:
    monkeypatch.setattr(blocks, "BLOCK", block)
    monkeypatch.setattr(blocks, "_PIECE", 300)
    days = ("2026-03-10", "2026-03-31", "2026-02-30", "2026-03-20", "2026-03-09")
    put(tmp_path, [row(event_timestamp=f"{day} 23:59:59.0") for day in days])
    assert {told[6] for told in read(tmp_path)[1]} == {date(2026, 3, 31)}


def test_lines_that_end_with_carriage_returns(tmp_path: Path) -> None:
    put(tmp_path, [row() + b"\r", row(event_comment="a\rb")])
    assert len(read(tmp_path)[0]) == 2


def test_blocks_are_whole_lines_however_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(1)
    data = b"".join(chance.randbytes(chance.randrange(900)).replace(b"\n", b"") + b"\n" for _ in range(300)) + b"tail"
    path = put(tmp_path, content=bz2.compress(data))
    for block in (1, 700, 5000, 1 << 30):
        monkeypatch.setattr(blocks, "BLOCK", block)
        monkeypatch.setattr(blocks, "_PIECE", min(block, 1 << 20))
        with path.open("rb") as stream:
            found = list(line_blocks(stream))
        assert b"".join(found) == data
        assert all(part.endswith(b"\n") for part in found[:-1])
        assert len(found) > 2 or block == 1 << 30


def test_a_line_without_an_end_is_no_dump(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, size in (("BLOCK", 100), ("_PIECE", 500), ("MAX_LINE", 3000)):
        monkeypatch.setattr(blocks, name, size)
    put(tmp_path, content=bz2.compress(row() + b"\n" + b"x" * 5000))
    assert ", line 2\n" in refused(tmp_path)
    monkeypatch.setattr(blocks, "MAX_LINE", 6000)
    assert "has 1 column" in refused(tmp_path)


def test_days_between_windows_are_outside_and_no_mistake_is_the_last_event(tmp_path: Path) -> None:
    days = ("2026-03-01", "2026-03-02", "2026-03-09", "2026-03-10", "2099-01-01")
    rows = [row(event_timestamp=f"{day} 00:00:00.0") for day in days]
    put(tmp_path, [*rows, row(wiki_db="enwiki", event_timestamp="2026-03-20 00:00:00.0"),
                   row(event_timestamp="2026-03-11 00:00:00.0", event_entity="page")])  # fmt: skip
    history = open_input(tmp_path)
    windows = [(date(2026, 3, 1), date(2026, 3, 1)), (date(2026, 3, 9), date(2026, 3, 10))]
    (file,) = find_dumps(history, "2026-03", None, windows)
    tally = Tally(file)
    kept = [one["event_time"].day for part in read_dump(history, file, windows, tally) for one in part.to_pylist()]
    assert kept == [1, 9, 10]
    assert {one[3]: one[4] for one in tally.rows()} == {
        None: 3, "outside_windows": 2, "wrong_wiki": 1, "other_event": 1
    }  # fmt: skip
    assert {one[6] for one in tally.rows()} == {date(2026, 3, 11)}


def test_a_file_at_an_address(tmp_path: Path) -> None:
    path = put(tmp_path, [row()])
    fsspec.filesystem("memory").pipe_file(f"/read-dump/{path.relative_to(tmp_path)}", path.read_bytes())
    assert len(read("memory://read-dump")[0]) == 1


def test_whose_fault_an_error_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(tmp_path, [row()])
    history = open_input(tmp_path)
    (file,) = find_dumps(history, "2026-03", None, SPANS)
    path.unlink()
    with pytest.raises(InputError, match=r"is gone(.|\n)*2026-03.trwiki.2026.tsv.bz2"):
        list(read_dump(history, file, SPANS, Tally(file)))

    class Failing:
        def __init__(self, number: int) -> None:
            self.number = number

        def open_input_stream(self, *_: object, **__: object) -> None:
            raise OSError(self.number, "failed")

    for number, kind in ((errno.EACCES, InputError), (errno.ENOMEM, OSError)):
        monkeypatch.setattr(Input, "filesystem", Failing(number))
        with pytest.raises(kind, match="failed"):
            list(read_dump(history, file, SPANS, Tally(file)))


def test_the_slow_way_knows_escapes_and_lists() -> None:
    assert unescaped("a\\tb\\\\n\\nc\\,") == "a\tb\\n\nc,"
    assert [elements(cell) for cell in ("", "a", "a,b", "a\\,b,c")] == [[], ["a"], ["a", "b"], ["a,b", "c"]]
