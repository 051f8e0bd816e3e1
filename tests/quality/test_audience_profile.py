"""What the audience gate looks at: rows as they are made, then broken in one place each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import pandas as pd
import pytest

from expectations.thresholds import load_thresholds
from jobs.audience import Band, Choices
from jobs.contracts import table
from jobs.dumps.rows import FILES
from jobs.quality.audience_cells import NUMBERS
from jobs.quality.audience_profile import TABLES, audience_profile, past_days
from jobs.rows.audience import Asked, audience_rows

DAY, BEFORE = date(2026, 2, 28), date(2026, 1, 31)
LIMITS = load_thresholds().on
CELLS = ["as_of_date", "wiki_db", "band", "window_days", "choice", "alternative", "n_editors", "n_new_to_band",
         "n_left_band"]  # fmt: skip
COUNTS = {("100-500", 28): 160, ("100-500", 14): 100, ("100-300", 28): 120, ("100-300", 14): 9}
FILE = "2026-02/trwiki/2026-02.trwiki.2026.tsv.bz2"


def tables(
    counts: Mapping[tuple[str, int], int] = COUNTS,
    *,
    day: date = DAY,
    wiki: str = "trwiki",
    choices: Choices = Choices(),  # noqa: B008
    others: Mapping[tuple[str, str], int] | None = None,
    log: list[tuple[str, str | None, int]] | None = None,
) -> dict[str, pd.DataFrame]:
    """The four tables of a wiki; alternatives have as many editors as the definition but for `others` (28 days)."""
    cells = []
    for (band, days), n in counts.items():
        cells.append((day, wiki, band, days, None, None, n, min(n, 2), 1))
        for choice, other, _ in choices.alternatives():
            more = (others or {}).get((choice, other), n) if (band, days) == ("100-500", 28) else n
            cells.append((day, wiki, band, days, choice, other, more, None, None))
    bands, windows = ({key[place] for key in counts} for place in (0, 1))
    asked = Asked(
        "2026-02", [wiki], [day], [Band.parse(band) for band in bands], sorted(windows), choices, day, day,
        f"{day}/{day}",
    )  # fmt: skip
    rows = audience_rows(pd.DataFrame(cells, columns=CELLS), asked, 10)
    fates = log or [("kept", None, 400), ("out_of_scope", "other_event", 600)]
    read = [(day, day, f"{day}/{day}", wiki, "2026-02", *row) for row in fates]
    return {**dict(zip(TABLES, rows, strict=False)),
            "audience_log": pd.DataFrame(read, columns=list(table("audience_log").columns))}  # fmt: skip


def together(given: Sequence[Mapping[str, pd.DataFrame]]) -> dict[str, pd.DataFrame]:
    return {name: pd.concat([one[name] for one in given], ignore_index=True) for name in TABLES}


def profile(found: Mapping[str, pd.DataFrame], past: pd.DataFrame | None = None, **more: Any) -> dict[str, Any]:
    """The profiles, each with its one row as a dictionary."""
    nothing = found["audience"].iloc[:0]
    frames = audience_profile(
        found, past=nothing if past is None else past, limits=LIMITS, max_malformed_share=0.001, min_users=10, **more
    )
    assert all({"event_date", "subject"} <= set(frame) for frame in frames.values())
    assert all(not frame.duplicated(["event_date", "subject"]).any() for frame in frames.values())
    return {name: frame.to_dict("records") for name, frame in frames.items()}


def test_rows_as_they_are_made_are_clean() -> None:
    found = profile(tables())
    (cells,) = found["cells"]
    assert {name: cells[name] for name in cells if name.startswith("n_")} == {
        "n_cells": 4, "n_impossible": 0, "n_differing": 0, "n_hiding_wrong": 0, "n_incomplete": 0,
    }  # fmt: skip
    assert {row["subject"]: row["n_rows"] for row in found["keys"]} == {
        "audience": 4, "audience_values": 4, "audience_alternatives": 36, "audience_log": 2,
    }  # fmt: skip
    assert not any(row["n_repeated"] for row in found["keys"])
    assert all(row["n_part"] <= row["n_whole"] for row in found["nested"])
    assert found["past"] == []
    assert found["wikis"] == [{"event_date": DAY, "wiki_db": "trwiki", "n_editors": 160, "subject": "trwiki"}]


# table, row, what is changed (None: the row is gone), fault, and the cell that is named
BROKEN: list[tuple[str, int, dict[str, Any] | None, str, str]] = [
    ("audience", 3, {"n_left_band": -1}, "impossible", "100-500 over 28 days"),
    ("audience", 3, {"n_new_to_band": 161}, "impossible", "100-500 over 28 days"),
    ("audience_values", 3, {"estimate": 161.0}, "differing", "100-500 over 28 days"),
    ("audience_values", 3, {"n_users_observed": float("nan")}, "differing", "100-500 over 28 days"),
    ("audience_values", 0, {"estimate": 9.0}, "hiding_wrong", "100-300 over 14 days"),
    ("audience_values", 0, {"status": "publish"}, "hiding_wrong", "100-300 over 14 days"),
    ("audience", 0, {"projected": 12.0}, "hiding_wrong", "100-300 over 14 days"),
    ("audience_values", 2, dict.fromkeys(NUMBERS, float("nan")), "hiding_wrong", "100-500 over 14 days"),
    ("audience", 1, None, "incomplete", "100-300 over 28 days"),
    ("audience_values", 1, None, "incomplete", "100-300 over 28 days"),
    ("audience_alternatives", 35, None, "incomplete", "100-500 over 28 days"),
]


def test_another_definition_beside_the_contracts_lacks_nothing() -> None:
    other = tables({key: n - 1 for key, n in COUNTS.items()}, choices=Choices(bots="counted"))
    for given in (other, together([tables(), other])):
        given["audience_log"] = tables()["audience_log"]
        found = profile(given)
        assert not any(row["n_repeated"] for row in found["keys"])
        (cells,) = found["cells"]
        assert not any(cells[key] for key in cells if key.startswith("n_") and key != "n_cells")
        assert all(row["n_part"] <= row["n_whole"] for row in found["nested"])
    other["audience"].loc[0, "projected"] = 12.0
    assert profile(other)["cells"][0]["n_hiding_wrong"] == 1


def test_a_broken_cell_is_counted_and_named() -> None:
    given = [tables(wiki=f"{number:02}wiki") for number in range(len(BROKEN))]
    for found, (name, place, change, _, _) in zip(given, BROKEN, strict=True):
        frame = found[name].copy()
        for column, value in (change or {}).items():
            frame.loc[place, column] = value
        found[name] = frame.drop(index=place) if change is None else frame
    rows = profile(together(given))["cells"]
    assert len(rows) == len(BROKEN)
    for row, (_, _, _, fault, example) in zip(rows, BROKEN, strict=True):
        faults = {key: row[key] for key in row if key.startswith("n_") and key != "n_cells" and row[key]}
        assert faults == {f"n_{fault}": 1}, row
        assert row[f"eg_{fault}"] == example


def test_a_key_that_repeats() -> None:
    given = tables()
    twice = pd.concat([given["audience"], given["audience"].iloc[:1]])
    assert [row["n_repeated"] for row in profile({**given, "audience": twice})["keys"]] == [1, 0, 0, 0]


IN_14, IN_28 = ("100-500", 14), ("100-500", 28)
# counts, alternatives over 28 days, definition, and the part that is named
TOO_LARGE: list[tuple[dict[tuple[str, int], int], dict[tuple[str, str], int], Choices, str]] = [
    ({**COUNTS, ("100-300", 28): 161}, {}, Choices(), "100-300 over 28 days"),
    ({**COUNTS, IN_14: 161}, {}, Choices(), "100-500 over 14 days, bots counted"),
    (COUNTS, {("bots", "now"): 159}, Choices(), "100-500 over 28 days, bots=now_or_then"),
    (COUNTS, {("bots", "now"): 170, ("bots", "counted"): 169}, Choices(), "100-500 over 28 days, bots=now"),
    (COUNTS, {("temporary", "in"): 150}, Choices(), "100-500 over 28 days, temporary=out"),
    (COUNTS, {("cross_wiki", "out"): 161}, Choices(), "100-500 over 28 days, cross_wiki=out"),
    (COUNTS, {("deleted_revisions", "out"): 161}, Choices(),
     "100-500 over 28 days, deleted_revisions=out"),
]  # fmt: skip
ALL_RIGHT: list[tuple[dict[tuple[str, int], int], dict[tuple[str, str], int], Choices]] = [
    # Who was a bot in the first two weeks alone is eligible in the last two: 170 in 28 days with bots counted.
    ({IN_14: 161, IN_28: 160}, {("bots", "counted"): 170}, Choices()),
    ({IN_14: 161, IN_28: 160}, {}, Choices(edit_count="first")),
    ({("100-300", 28): 8, IN_28: 5}, {("bots", "counted"): 5}, Choices()),  # else it would be told how small they are
    ({("100-300", 28): 500, ("250-500", 28): 20}, {}, Choices()),  # neither holds the other
]


def test_a_part_larger_than_its_whole() -> None:
    cases = [*TOO_LARGE, *((*case, None) for case in ALL_RIGHT)]
    given = [
        tables(counts, wiki=f"{number:02}wiki", others=others, choices=choices)
        for number, (counts, others, choices, _) in enumerate(cases)
    ]
    rows = {row["subject"]: row for row in profile(together(given))["nested"]}
    for number, (*_, part) in enumerate(cases):
        row = rows.get(f"{number:02}wiki")
        is_too_large = row is not None and max(row["n_part"], 9) > max(row["n_whole"], 9)
        assert (row["part"] if row and is_too_large else None) == part


def test_counts_of_different_snapshots_are_not_compared() -> None:
    given = tables({**COUNTS, ("100-300", 28): 161})
    other = given["audience"].assign(snapshot=["2026-01", "2026-01", "2026-02", "2026-02"])
    (row,) = profile({**given, "audience": other})["nested"]
    assert row["n_part"] <= row["n_whole"]


ONE_CELL = tables({("100-500", 28): 160})


def past(n: int, day: date = BEFORE, wiki: str = "trwiki") -> pd.DataFrame:
    return ONE_CELL["audience"].assign(n_editors=n, as_of_date=day, wiki_db=wiki)


# editors, those of the month before, and the change
MOVED = [(160, 100, 0.6), (100, 160, 0.375), (13, 20, 0.0), (60, 0, 60.0), (2, 60, 51 / 60), (9, 1, 0.0), (160, 160, 0)]
OTHERS = [{"definition": "bots=now"}, {"wiki_db": "idwiki"}, {"band": "100-400"}, {"window_days": 27}]


def test_a_count_that_moved_against_the_month_before() -> None:
    wikis = [f"{number:02}wiki" for number in range(len(MOVED) + len(OTHERS))]
    judged = [past(n, DAY, wiki) for wiki, (n, _, _) in zip(wikis, MOVED, strict=False)]
    judged += [past(160, DAY, wiki) for wiki in wikis[len(MOVED) :]]
    published = [past(n, wiki=wiki) for wiki, (_, n, _) in zip(wikis, MOVED, strict=False)]
    published += [past(500, day, wiki=wiki) for wiki in wikis[: len(MOVED)]
                  for day in (date(2026, 1, 30), date(2025, 12, 31))]  # fmt: skip
    # Of what is not the same there is no past.
    published += [past(100, wiki=wiki).assign(**other) for wiki, other in zip(wikis[len(MOVED) :], OTHERS, strict=True)]
    given = {**ONE_CELL, "audience": pd.concat(judged, ignore_index=True)}
    rows = profile(given, pd.concat(published, ignore_index=True))["past"]
    assert [row["change"] for row in rows] == pytest.approx([change for _, _, change in MOVED])
    assert [(row["n_editors"], row["n_before"]) for row in rows] == [(n, n_before) for n, n_before, _ in MOVED]
    assert {row["before"] for row in rows} == {BEFORE}


def test_days_of_one_command_stand_before_each_other() -> None:
    both = [tables(day=BEFORE), tables({**COUNTS, ("100-300", 28): 30})]
    (row,) = profile(together(both), past(900))["past"]
    assert (row["event_date"], row["before"], row["band"], row["n_before"]) == (DAY, BEFORE, "100-300", 120)


def test_rows_of_dumps_by_fate() -> None:
    log = [("kept", None, 400), ("out_of_scope", "other_event", 592), ("quarantined", "malformed:event_user_id", 2),
           ("quarantined", "wrong_wiki", 6)]  # fmt: skip
    rows = [("trwiki", FILE, fate, reason, n, line, DAY - timedelta(1), BEFORE, DAY, 3000.0, 0)
            for (fate, reason, n), line in zip(log, (1, 2, 30, 17), strict=True)]  # fmt: skip
    files = pd.DataFrame(rows, columns=list(FILES))
    found = profile(tables(log=log), files=files, revisions={"trwiki": 399})
    (row,) = found["ends"]
    assert (row["event_date"], row["subject"], row["n_due"]) == (DAY, "trwiki", 3000.0)
    assert [row["n_wikis"] for row in found["quiet"] + found["begins"]] == [0, 0]
    (row,) = found["dumps"]
    assert row["subject"] == "trwiki/2026-02"
    assert (row["n_logged"], row["n_read"], row["n_kept"], row["n_counted"]) == (1000, 1000, 400, 399)
    assert (row["n_malformed"], row["malformed_share"], row["max_malformed_share"]) == (8, 0.008, 0.001)
    assert (row["inside_share"], row["seen_inside"]) == (2 / 402, 0.001)
    assert row["first"] == f"{FILE}, line 17 (wrong_wiki)"


def test_nothing_is_known_of_files_where_nothing_was_read() -> None:
    (row,) = profile(tables())["dumps"]
    assert pd.isna(row["n_read"])
    assert pd.isna(row["n_counted"])
    assert row["malformed_share"] == 0


def test_revisions_nobody_has_were_counted_of_none() -> None:
    (row,) = profile(tables(), revisions={})["dumps"]
    assert row["n_counted"] == 0


def test_revisions_that_cannot_be_read_do_not_drown_in_a_dump_of_all_years() -> None:
    shares = {
        ("malformed:event_user_id", 11): 11 / 111,  # of the revisions in the windows, not of twenty years
        ("malformed:event_user_id", 10): 10 / 1_000_110,
        ("malformed:event_timestamp", 11): 11 / 1_000_111,
        ("wrong_wiki", 11): 11 / 1_000_111,
    }
    others = [("kept", None, 90), ("out_of_scope", "anonymous", 10), ("out_of_scope", "outside_windows", 1_000_000)]
    read = [
        (DAY, DAY, None, f"{number}wiki", "2026-02", *row)
        for number, (reason, n) in enumerate(shares)
        for row in (*others, ("quarantined", reason, n))
    ]
    log = pd.DataFrame(read, columns=list(table("audience_log").columns))
    rows = profile({**ONE_CELL, "audience_log": log})["dumps"]
    assert [row["malformed_share"] for row in rows] == pytest.approx(list(shares.values()))


@pytest.mark.parametrize(("readings", "named"), [
    (((BEFORE, None, 1000, 0), (DAY, None, 90, 10)), (f"from {BEFORE}", f"from {DAY}")),
    (((BEFORE, "a/b", 1000, 0), (BEFORE, "a/c,d/b", 90, 10)), ("of a/b", "of a/c,d/b")),
    (((BEFORE, "a/b", 1000, 0), (BEFORE, None, 90, 10)), ("of a/b", "of days not noted")),
])  # fmt: skip
def test_readings_of_two_commands_are_judged_apart(
    readings: tuple[tuple[date, str | None, int, int], ...], named: tuple[str, str]
) -> None:
    rows = [
        (DAY, first, read, "trwiki", "2026-02", fate, None, n)
        for first, read, kept, bad in readings
        for fate, n in (("kept", kept), ("quarantined", bad))
    ]
    log = pd.DataFrame(rows, columns=list(table("audience_log").columns))
    found = profile({**ONE_CELL, "audience_log": log})["dumps"]
    assert [(row["subject"], row["malformed_share"]) for row in found] == [
        (f"trwiki/2026-02 {name}", share) for name, share in zip(named, (0.0, 0.1), strict=True)
    ]  # fmt: skip


def test_days_that_are_compared_with() -> None:
    days = past_days([date(2026, 3, 31), date(2026, 3, 1), date(2026, 1, 15)])
    assert (days[0], days[30], days[31], days[-1]) == (
        date(2025, 12, 1), date(2025, 12, 31), date(2026, 2, 1), date(2026, 2, 28),
    )  # fmt: skip
    assert len(days) == 59


def test_a_table_that_is_missing_is_named() -> None:
    given = tables()
    del given["audience_log"]
    with pytest.raises(KeyError, match="audience_log"):
        profile(given)
