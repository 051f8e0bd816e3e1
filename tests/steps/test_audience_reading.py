"""What `audience` reads and prints, and until when it can be asked; no lake, no marts."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pandas as pd
import pytest
from rich.console import Console

from jobs import contracts
from jobs.audience import Band
from jobs.dumps.files import DumpFile
from jobs.errors import UsageError
from jobs.raw.place import Input
from jobs.steps.audience import log_rows
from jobs.steps.audience_reading import Wanted, require_events
from jobs.steps.audience_told import tell_cells, tell_read
from jobs.windows import DAY

LAST = date(2026, 3, 31)


def file_of(wiki: str, *, is_newest: bool = True) -> DumpFile:
    return DumpFile(f"h/2026-03/{wiki}/f", wiki, "2026-03", LAST.replace(day=1), LAST, 10, is_newest)


def told(**last: date | None) -> pd.DataFrame:
    rows = [
        (wiki, file_of(wiki).name, fate, reason, n, 1, day)
        for wiki, day in last.items()
        for fate, reason, n in (("kept", None, 5), ("out_of_scope", "other_event", 2))
    ]
    return pd.DataFrame(
        rows, columns=["wiki_db", "file", "fate", "reason", "n_rows", "first_line", "last_event_date"], dtype=object
    )


WANTED = Wanted(Input("h"), "2026-03", (LAST - DAY, LAST), None, (Band(100, 300), Band(100, 500)), (14, 28))


def test_a_small_wiki_may_have_a_quiet_day() -> None:
    files = [file_of("trwiki"), file_of("idwiki"), file_of("aawiki")]
    require_events(WANTED, files, told(trwiki=LAST, idwiki=LAST - DAY, aawiki=None))


@pytest.mark.parametrize(("last", "message"), [(LAST - DAY, "2026-03-30 is the last"), (None, "has any event")])
def test_where_no_wiki_has_a_later_event_the_snapshot_ends_before(last: date | None, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        require_events(WANTED, [file_of("trwiki")], told(trwiki=last))


def test_where_later_files_are_there_nothing_is_asked() -> None:
    require_events(WANTED, [file_of("trwiki", is_newest=False)], told(trwiki=LAST - 9 * DAY))


def test_the_log_adds_up_files_of_a_wiki() -> None:
    found = log_rows(pd.concat([told(trwiki=LAST, idwiki=LAST), told(trwiki=LAST)]), WANTED)
    assert list(found.columns) == list(contracts.table("audience_log").columns)
    assert {(one.wiki_db, one.fate, one.n_rows) for one in found.itertuples()} == {
        ("idwiki", "kept", 5), ("idwiki", "out_of_scope", 2), ("trwiki", "kept", 10), ("trwiki", "out_of_scope", 4),
    }  # fmt: skip
    assert set(found["as_of_date"]) == {LAST}


def test_every_row_that_cannot_be_read_is_told_with_its_place() -> None:
    bad = (
        told(trwiki=LAST).iloc[:2].assign(fate="quarantined", reason=["malformed:page_id", "wrong_wiki"], first_line=7)
    )
    console = Console(record=True, width=60)
    tell_read(console, pd.concat([told(trwiki=LAST), bad]), "2026-03", WANTED.first, WANTED.last)
    name = file_of("trwiki").name
    assert console.export_text().splitlines()[-2:] == [
        f"{name}: 5 rows not counted, malformed:page_id; the first is line 7",
        f"{name}: 2 rows not counted, wrong_wiki; the first is line 7",
    ]


def test_eight_weeks_that_were_counted_are_shown_and_not_projected() -> None:
    row = {"as_of_date": LAST, "wiki_db": "trwiki", "band": "100-500", "definition": "", "n_editors": 160,
           "n_new_to_band": 0, "n_left_band": 0, "projected": 256.0, "projected_lower": 181.0,
           "projected_upper": 320.0, "was_counted": False}  # fmt: skip
    counted = row | {"window_days": 56, "n_editors": 230, **dict.fromkeys(("projected", "projected_lower"))}

    def in_8_weeks(*cells: dict[str, Any]) -> list[str]:
        console = Console(record=True, width=120)
        tell_cells(console, pd.DataFrame(cells), 10)
        said = [line for line in console.export_text().splitlines() if "trwiki" in line]
        return [line.rstrip("│").split("│")[-1].strip() for line in said]

    projected = row | {"window_days": 28}
    assert in_8_weeks(projected) == ["256 (181 to 320)"]
    assert in_8_weeks(projected | {"was_counted": True}, counted) == ["–", "230"]
    assert in_8_weeks(projected | {"was_counted": True}) == ["–"], "by an earlier command"


def test_a_run_can_be_repeated_by_what_it_notes() -> None:
    assert WANTED.first == date(2026, 3, 3)
    assert " ".join(replace(WANTED, wikis=("idwiki", "trwiki")).options) == (
        "--snapshot 2026-03 --as-of 2026-03-30 --as-of 2026-03-31 --wiki idwiki --wiki trwiki "
        "--bands 100-300,100-500 --windows 14,28"
    )
