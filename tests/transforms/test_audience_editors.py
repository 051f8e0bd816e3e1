"""Eligible editors: the golden cases of tests/cases/audience, and a recount in plain Python of random revisions."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from jobs.audience import Band, Choices
from jobs.dumps.rows import REVISIONS
from jobs.transforms.audience import band_cells, editors
from jobs.warehouse.frames import frame_of

pytestmark = pytest.mark.spark

CASES = Path(__file__).parent.parent / "cases" / "audience"
ROW = {
    "user": 1, "time": datetime(2026, 2, 20, 12), "count": 150, "then": 0, "bot_then": False, "bot_now": False,
    "temporary": False, "cross_wiki": False, "deleted": False,
}  # fmt: skip
CASE = {"as_of": date(2026, 2, 28), "days": 28, "band": "100-500", "alternatives": {}}
EXPECTED = {"n_editors": 0, "n_new_to_band": 0, "n_left_band": 0}

Cell = tuple[str, date, str, int, str | None, str | None]
Counts = tuple[int | None, int | None, int | None]


class Revision(NamedTuple):
    """A row of REVISIONS."""

    wiki: str
    user: int
    time: datetime
    count: int | None
    then: int | None
    now: int | None
    bot_then: bool
    bot_now: bool
    temporary: bool
    cross_wiki: bool | None
    deleted: bool


def golden_cases() -> list[dict[str, Any]]:
    found = [case for path in sorted(CASES.glob("*.yaml")) for case in yaml.safe_load(path.read_text())["cases"]]
    assert len({case["name"] for case in found}) == len(found)
    return [{**CASE, **case, "expect": {**EXPECTED, **case["expect"]}} for case in found]


def _revisions(case: Mapping[str, Any]) -> Iterator[Revision]:
    for given in case["revisions"]:
        assert not set(given) - {*ROW, "now"}
        row = {**ROW, **given}
        yield Revision(case["name"], **{"now": row["then"], **row})


def counted(
    spark, revisions: Sequence[Revision], as_of: Sequence[date], windows: Sequence[int], bands: Sequence[Band],
    choices: Choices,
) -> dict[Cell, Counts]:  # fmt: skip
    users = editors(frame_of(spark, revisions, REVISIONS), as_of, windows)
    found = band_cells(users, bands, choices).collect()
    cells = {tuple(row[name] for name in ("wiki_db", "as_of_date", "band", "window_days", "choice", "alternative")):
             (row["n_editors"], row["n_new_to_band"], row["n_left_band"]) for row in found}  # fmt: skip
    assert len(cells) == len(found)
    return cells


@pytest.fixture(scope="module")
def golden(spark) -> dict[Cell, Counts]:
    cases = golden_cases()
    revisions = [revision for case in cases for revision in _revisions(case)]
    windows, bands = ({case[name] for case in cases} for name in ("days", "band"))
    return counted(
        spark, revisions, [case["as_of"] for case in cases], windows, [Band.parse(band) for band in bands], Choices()
    )


@pytest.mark.parametrize("case", golden_cases(), ids=lambda case: case["name"])
def test_golden_case(golden: Mapping[Cell, Counts], case: Mapping[str, Any]) -> None:
    cell = (case["name"], case["as_of"], case["band"], case["days"])
    assert dict(zip(EXPECTED, golden[*cell, None, None], strict=True)) == case["expect"]
    others = {f"{choice}={other}": golden[*cell, choice, other][0] for choice, other, _ in Choices().alternatives()}
    assert others == {**dict.fromkeys(others, case["expect"]["n_editors"]), **case["alternatives"]}


def recount(revisions: Sequence[Revision], as_of: date, days: int, band: Band, choices: Choices) -> Counts:
    """Count a wiki's eligible editors, who came and who left, one editor after the other."""
    begin = datetime.combine(as_of - timedelta(days=days - 1), time())
    inside = [row for row in revisions if begin <= row.time < begin + timedelta(days=days)]
    n = new = left = 0
    is_unknown = False
    for user in {row.user for row in inside}:
        rows = [row for row in inside if row.user == user]
        known = sorted((row.time, row.count) for row in rows if row.count is not None)
        if not known or not _edits(rows, choices) or _is_bot(rows, choices):
            continue
        if choices.temporary == "out" and any(row.temporary for row in rows):
            continue
        first, last = known[0][1], known[-1][1]
        count = {"first": first, "last": last, "largest": max(count for _, count in known)}[choices.edit_count]
        is_in = band.least <= count <= band.most
        if choices.cross_wiki == "out":
            flags = {row.cross_wiki for row in rows}
            is_unknown |= flags == {None} and is_in
            if flags == {None} or True in flags:
                continue
        n += is_in
        new += is_in and first - 1 < band.least
        left += not is_in and band.least <= first - 1 <= band.most < last
    return None if is_unknown else n, new, left


def _edits(rows: Sequence[Revision], choices: Choices) -> bool:
    kept = [row for row in rows if choices.deleted_revisions == "in" or not row.deleted]
    return any((row.then if choices.namespace == "historical" else row.now) == 0 for row in kept)


def _is_bot(rows: Sequence[Revision], choices: Choices) -> bool:
    then, now = any(row.bot_then for row in rows), any(row.bot_now for row in rows)
    return {"now_or_then": then or now, "now": now, "then": then, "counted": False}[choices.bots]


def random_revisions(seed: int, n: int) -> list[Revision]:
    """Revisions of two wikis around two windows, many at the same second, with counts that rise and fall."""
    rng = random.Random(seed)
    begin = datetime(2026, 1, 20)
    return [
        Revision(
            rng.choice(("newwiki", "oldwiki")), rng.randrange(90),
            begin + timedelta(days=rng.randrange(50), hours=rng.choice((0, 12, 23))),
            rng.choice((None, *range(94, 118))), rng.choice((0, 0, 1)), rng.choice((0, 1, None)),
            rng.random() < 0.06, rng.random() < 0.06, rng.random() < 0.06,
            rng.choice((None, False, False, False, True)), rng.random() < 0.3,
        )
        for _ in range(n)
    ]  # fmt: skip


CHOICES = (
    Choices(),
    Choices("current", "largest", "then", "in", "out", "out"),
    Choices("historical", "first", "now", "out", "in", "out"),
)


@pytest.mark.parametrize("choices", CHOICES, ids=lambda choices: choices.in_words() or "contract")
def test_every_choice_counts_what_a_recount_counts(spark, choices: Choices) -> None:
    revisions = [row if row.wiki == "newwiki" else row._replace(cross_wiki=None) for row in random_revisions(15, 900)]
    as_of, windows = [date(2026, 2, 28), date(2026, 2, 14), date(2026, 3, 1)], [1, 7, 21]
    bands = [Band(100, 110), Band(100, 105), Band(0, 99)]
    definitions = [(None, None, choices), *choices.alternatives()]
    expected = {}
    for wiki in ("newwiki", "oldwiki"):
        own = [row for row in revisions if row.wiki == wiki]
        for day, days, band, (choice, other, definition) in product(as_of, windows, bands, definitions):
            found = recount(own, day, days, band, definition)
            expected[wiki, day, str(band), days, choice, other] = found if choice is None else (found[0], None, None)
    found = counted(spark, revisions, as_of, windows, bands, choices)
    assert found == expected
    assert all(
        sum(counts[place] or 0 for counts in expected.values()) > 5 for place in range(3)
    )  # it is about somebody
    others = {cell[4:] for cell in expected if expected[cell][0] != expected[*cell[:4], None, None][0]}
    assert others == {(choice, other) for choice, other, _ in definitions[1:]}


def test_windows_apart_leave_out_the_days_between(spark) -> None:
    days = [date(2026, 1, 10), date(2026, 1, 11), date(2026, 1, 12)]
    row = Revision("trwiki", 1, datetime.min, 150, 0, 0, False, False, False, False, False)
    revisions = [row._replace(user=place, time=datetime.combine(day, time(9))) for place, day in enumerate(days)]
    users = editors(frame_of(spark, revisions, REVISIONS), [days[0], days[2], days[0]], [1]).collect()
    assert {(user["as_of_date"], user["user_id"]) for user in users} == {(days[0], 0), (days[2], 2)}
    assert len(users) == 2
