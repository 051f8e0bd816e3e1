"""Files of dumps that end before the windows do, and windows that begin before the dumps."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import pandas as pd
import pytest

from jobs.dumps.rows import FILES
from jobs.quality.audience_ends import Ends, dump_ends
from jobs.windows import DAY

FROM, TO = date(2026, 3, 4), date(2026, 3, 31)
LOG = pd.DataFrame({"as_of_date": [TO], "read_from": [FROM], "days_read": [f"{FROM}/{TO}"]})
OLD = date(2026, 1, 1)


def file(
    wiki: str, last_event: date | None, a_day: float = 800, silence: int = 0, *, month: str = "2026-03",
    last_day: date = TO, usual_from: date | None = OLD,
) -> list[tuple[Any, ...]]:  # fmt: skip
    """The rows of a file: one for each fate, with the same end."""
    begin = None if last_event is None else usual_from
    return [
        (wiki, f"2026-03/{wiki}/2026-03.{wiki}.{month}.tsv.bz2", fate, None, 9, 1, last_event, begin, last_day, a_day,
         silence)
        for fate in ("kept", "out_of_scope")
    ]  # fmt: skip


def ends(*files: Sequence[tuple[Any, ...]], log: pd.DataFrame = LOG) -> Ends:
    return dump_ends(log, pd.DataFrame([row for one in files for row in one], columns=list(FILES)))


@pytest.mark.parametrize(
    ("last_event", "a_day", "silence", "n_silent", "n_due"),
    [
        (TO, 800, 0, 0, 0),
        (TO - DAY, 999, 0, 1, 0),  # one person, who is away
        (TO - DAY, 1000, 0, 1, 1000),  # nobody is that fast
        (TO - DAY, 5000, 2, 1, 5000),  # and days without any were days that are missing, too
        (TO - 11 * DAY, 800, 0, 11, 8800),
        (TO - 6 * DAY, 800, 0, 6, 0),
        (TO - 7 * DAY, 800, 3, 7, 5600),
        (TO - 8 * DAY, 800, 4, 8, 0),  # it was silent for half as long before
        (TO - 9 * DAY, 800, 4, 9, 7200),
        (TO - 9 * DAY, 2, 0, 9, 18),
        (TO - 365 * DAY, 1, 3, 365, 365),
        (TO - 366 * DAY, 1, 3, 366, 0),  # closed
        (TO - 366 * DAY, 1000, 0, 366, 366_000),  # half of a file of all years
        (None, 0, 0, 1, 0),
    ],
)
def test_what_was_due_on_silent_days(
    last_event: date | None, a_day: float, silence: int, n_silent: int, n_due: float
) -> None:
    found = ends(file("trwiki", last_event, a_day, silence))
    (row,) = found.ends.to_dict("records")
    assert (row["event_date"], row["subject"], row["n_silent"], row["n_due"]) == (TO, "trwiki", n_silent, n_due)
    assert (row["last_event"], row["last_whole"]) == (last_event, last_event and last_event - DAY)
    (told,) = found.quiet.to_dict("records")
    assert told["n_wikis"] == (n_silent > 0 and n_due < 20)


def test_silent_days_end_with_the_bucket_and_with_what_is_asked() -> None:
    february = date(2026, 2, 28)
    found = ends(
        file("aawiki", february, last_day=february, month="2026-02"),
        file("abwiki", TO, last_day=date(2026, 4, 30)),
        file("trwiki", date(2026, 2, 20), last_day=february, month="2026-02"),
        file("trwiki", TO),
        log=LOG.assign(read_from=date(2026, 2, 1), days_read=f"2026-02-01/{TO}"),
    )
    assert found.ends["n_silent"].tolist() == [0, 0, 8]
    assert found.ends["file"][2] == "2026-03/trwiki/2026-03.trwiki.2026-02.tsv.bz2", "though the next one goes on"


def test_days_that_nobody_asked_for_may_be_missing() -> None:
    january = file("trwiki", date(2026, 1, 20), last_day=date(2026, 1, 31), month="2026-01")
    for days, n_silent in (("2026-01-04/2026-01-10", 0), ("2026-01-04/2026-01-20", 0), ("2026-01-14/2026-01-29", 9)):
        log = LOG.assign(read_from=date(2026, 1, 4), days_read=f"{days},{FROM}/{TO}")
        assert ends(january, log=log).ends["n_silent"].tolist() == [n_silent], days
        assert ends(january, file("trwiki", TO), log=log).ends["n_silent"].tolist() == [n_silent], days


def test_of_two_files_that_end_early_the_first_decides_how_far_one_can_count() -> None:
    early = file("trwiki", date(2026, 2, 20), last_day=date(2026, 2, 28), month="2026-02")
    log = LOG.assign(read_from=date(2026, 2, 4), days_read=f"2026-02-04/{TO}")
    (row,) = ends(early, file("trwiki", date(2026, 3, 3)), log=log).ends.to_dict("records")
    assert row["last_event"] == date(2026, 2, 20)
    quiet = file("trwiki", date(2026, 2, 20), 1, last_day=date(2026, 2, 28), month="2026-02")
    (row,) = ends(quiet, file("trwiki", date(2026, 3, 30), 1000), log=log).ends.to_dict("records")
    assert row["last_event"] == date(2026, 3, 30), "the other is only quiet"
    (told,) = ends(quiet, file("trwiki", TO), log=log).quiet.to_dict("records")
    assert told["wikis"] == "trwiki (2026-02-20)"


def test_quiet_wikis_are_one_row() -> None:
    many = [file(f"{number}wiki", TO - DAY, 2 * number) for number in range(1, 7)]
    (row,) = ends(file("aawiki", None, 0), *many, file("zhwiki", TO)).quiet.to_dict("records")
    assert (row["subject"], row["n_wikis"]) == ("all", 7)
    assert row["wikis"].startswith("6wiki (2026-03-30), 5wiki (2026-03-30)"), "the largest first"
    assert row["wikis"].endswith(" and 2 more")
    (row,) = ends(file("aawiki", None, 0)).quiet.to_dict("records")
    assert row["wikis"] == "aawiki (none at all)"


def test_windows_that_begin_before_the_dump() -> None:
    begin = FROM + DAY
    found = ends(
        file("aawiki", TO, usual_from=begin),
        file("abwiki", TO, usual_from=FROM),
        file("acwiki", TO - 40 * DAY, 800, month="2026-02", usual_from=OLD), file("acwiki", TO, usual_from=begin),
        file("trwiki", TO - 40 * DAY, 3, month="2026-02", usual_from=OLD), file("trwiki", TO, usual_from=begin),
        file("zhwiki", None, 0),
    )  # fmt: skip
    (row,) = found.begins.to_dict("records")
    assert row["wikis"] == "aawiki (2026-03-05), trwiki (2026-03-05)", (
        "of three events a day instead of 800 nothing begins"
    )
    assert (row["event_date"], row["subject"], row["asked_from"], row["n_wikis"]) == (TO, "all", FROM, 2)
    few = ends(file("trwiki", TO, 19.0, usual_from=begin), file("zhwiki", TO, 20.0, usual_from=begin)).begins
    assert few["wikis"].tolist() == ["zhwiki (2026-03-05)"], "of nineteen none may have come"


def test_nothing_is_said_where_no_dump_was_just_read() -> None:
    for found in (dump_ends(LOG, None), ends(), ends(file("trwiki", TO), log=LOG.iloc[:0])):
        assert [len(frame) for frame in found] == [0, 0, 0]
