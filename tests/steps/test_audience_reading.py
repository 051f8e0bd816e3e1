"""Which days an audience reads, and when a snapshot does not reach an as-of date. No engine."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from jobs.audience import Band
from jobs.dumps.files import DumpFile
from jobs.errors import UsageError
from jobs.raw.place import Input
from jobs.steps.audience_reading import Wanted, require_events, wanted_dumps
from jobs.windows import DAY
from tests.dumps.dump_rows import put, row

LAST = date(2026, 2, 28)
WANTED = Wanted(Input("h"), "2026-03", (LAST,), None, (Band(100, 500),), (14, 28))
QUIET = date(2026, 1, 15)


def file_of(wiki: str, *, is_newest: bool = True) -> DumpFile:
    return DumpFile(f"h/2026-03/{wiki}/f", wiki, "2026-02", LAST.replace(day=1), LAST, 10, is_newest)


def require(files: list[DumpFile], last_events: list[date | None]) -> None:
    told = pd.DataFrame(
        {"wiki_db": [file.wiki_db for file in files], "file": [file.name for file in files],
         "last_event_date": last_events}, dtype=object,
    )  # fmt: skip
    require_events(WANTED, files, told)


def test_where_a_wiki_has_later_files_the_snapshot_goes_on() -> None:
    require([file_of("enwiki", is_newest=False), file_of("aawiki")], [LAST, QUIET])


def test_a_quiet_wiki_that_is_read_alone_is_named() -> None:
    with pytest.raises(UsageError, match=r"(?s)last event of aawiki, the only wiki read, is of 2026-01-15.*together"):
        require([file_of("aawiki")], [QUIET])
    with pytest.raises(UsageError, match=r"behind the last event of snapshot 2026-03"):
        require([file_of("aawiki"), file_of("abwiki")], [QUIET, QUIET])


def test_the_days_of_windows_are_asked_and_none_between() -> None:
    wanted = replace(WANTED, as_of=(date(2025, 12, 31), LAST - DAY, LAST), windows=(7, 14))
    assert wanted.spans == [(date(2025, 12, 18), date(2025, 12, 31)), (LAST - 14 * DAY, LAST)]


@pytest.mark.parametrize("as_of", [date(1, 1, 5), date(2000, 12, 31), date(2001, 1, 27)])
def test_no_window_begins_before_there_were_wikis(tmp_path: Path, as_of: date) -> None:
    put(tmp_path, [row()], bucket="all-time")
    wanted = replace(WANTED, history=Input(str(tmp_path)), as_of=(as_of, LAST))
    with pytest.raises(UsageError, match="2001-01-28 is the first possible day"):
        wanted_dumps(wanted)
    assert len(wanted_dumps(replace(wanted, as_of=(date(2001, 1, 28), LAST)))) == 1
