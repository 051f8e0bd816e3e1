from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from jobs.columns import BOOLEAN, DATE, INT, STRING, Kind
from jobs.contracts import EVENT_COLUMNS
from jobs.transforms import dedup
from jobs.warehouse.frames import frame_of

pytestmark = pytest.mark.spark
COPY = {name: EVENT_COLUMNS[name] for name in dedup.COPY_COLUMNS}
START = date(2026, 3, 1)
N_DAYS = 24
Copy = tuple[str, date, datetime, int]


def copies(seed: int, n: int = 160) -> list[Copy]:
    """Random copies of few ids over N_DAYS, so that chains across the seven days abound; some are equal."""
    rnd = random.Random(seed)
    found = []
    for number in range(n):
        day = rnd.randrange(N_DAYS)
        at = datetime(2026, 3, 1) + timedelta(days=day, hours=rnd.choice([0, 12, 23]))
        found.append((f"id{rnd.randrange(n // 5)}", at.date(), at, rnd.randrange(3) if number % 7 else 1))
    return found


def expected(rows: list[Copy], lookback: int = 7) -> list[tuple[Copy, bool]]:
    """The definition, copy by copy."""
    ordered = sorted(rows, key=lambda row: row[2:])
    verdicts = []
    for place, row in enumerate(ordered):
        earlier = [other for other in ordered[:place] if other[0] == row[0]]
        verdicts.append((row, any(other[1] >= row[1] - timedelta(days=lookback) for other in earlier)))
    return sorted(verdicts)


def frame(spark: SparkSession, rows: Iterable[Any], **more: Kind) -> DataFrame:
    return frame_of(spark, list(rows), {**COPY, **more})


def verdicts(marked: DataFrame) -> list[tuple[Copy, bool]]:
    return sorted((tuple(row)[:4], row.is_duplicate) for row in marked.collect())  # type: ignore[misc]


class Warehouse:
    """Published copies with their verdicts, and what a run over some days does to them."""

    def __init__(self, spark: SparkSession) -> None:
        self.spark = spark
        self.rows: list[tuple[Copy, bool]] = []

    def between(self, first: date, end: date) -> list[tuple[Copy, bool]]:
        return [row for row in self.rows if first <= row[0][1] < end]

    def run(self, arrived: list[Copy], first: date, end: date) -> int:
        """Ingest the days [first, end); return how many later verdicts flipped."""
        week = timedelta(days=7)
        candidates = frame(self.spark, [row for row in arrived if first <= row[1] < end])
        before = frame(self.spark, [row for row, _ in self.between(first - week, first)])
        after = [(*row, verdict) for row, verdict in self.between(end, end + week)]
        following = frame(self.spark, after, is_duplicate=BOOLEAN)
        marked = verdicts(dedup.mark_duplicates(candidates, before))
        context = before.unionByName(candidates)
        judged = dedup.rejudge(following, context)
        again, flips = verdicts(judged), verdicts(judged.where("is_duplicate <> was_duplicate"))
        assert sorted((Counter(again) - Counter(self.between(end, end + week))).elements()) == flips
        self.rows = [row for row in self.rows if not first <= row[0][1] < end + week] + marked + again
        return len(flips)


@pytest.mark.parametrize(("seed", "lookback"), [(1, 7), (2, 2)])
def test_verdicts_are_those_of_the_definition(spark: SparkSession, seed: int, lookback: int) -> None:
    rows = copies(seed)
    nobody = frame(spark, [])
    marked = dedup.mark_duplicates(frame(spark, rows), nobody, lookback_days=lookback)
    assert verdicts(marked) == expected(rows, lookback)
    assert any(n > 1 for n in Counter(rows).values())  # some are equal in everything
    assert 0.2 < sum(verdict for _, verdict in expected(rows, lookback)) / len(rows) < 0.9  # both verdicts abound


def test_the_order_of_lines_does_not_matter(spark: SparkSession) -> None:
    rows = copies(3)
    nobody = frame(spark, [])
    shuffled = random.Random(0).sample(rows, len(rows))
    marked = dedup.mark_duplicates(frame(spark, shuffled).repartition(3), nobody)
    assert verdicts(marked) == verdicts(dedup.mark_duplicates(frame(spark, rows), nobody))


def test_deduplication_is_idempotent(spark: SparkSession) -> None:
    """Within the days that count: what is kept has no earlier copy left."""
    rows = [row for row in copies(4) if row[1] < START + timedelta(days=7)]
    nobody = frame(spark, [])
    kept = [row for row, verdict in verdicts(dedup.mark_duplicates(frame(spark, rows), nobody)) if not verdict]
    assert 0 < len(kept) < len(rows)
    again = dedup.mark_duplicates(frame(spark, kept), nobody)
    assert not any(verdict for _, verdict in verdicts(again))


@pytest.mark.parametrize(("seed", "is_in_order"), [(5, True), (6, False)])
def test_any_chunking_gives_the_same_verdicts(spark: SparkSession, seed: int, is_in_order: bool) -> None:
    rows = copies(seed)
    rnd = random.Random(seed)
    cuts = sorted({0, N_DAYS, *rnd.sample(range(1, N_DAYS), 3)})
    chunks = [(START + timedelta(days=a), START + timedelta(days=b)) for a, b in pairwise(cuts)]
    if not is_in_order:
        chunks.reverse()
    warehouse = Warehouse(spark)
    n_flips = sum(warehouse.run(rows, first, end) for first, end in chunks)
    assert sorted(warehouse.rows) == expected(rows)
    assert (n_flips > 0) != is_in_order  # only days run before earlier ones have to be decided again


def test_a_rerun_day_decides_the_week_after_it_again(spark: SparkSession) -> None:
    rows = copies(7)
    day = START + timedelta(days=8)
    without = [row for row in rows if row[1] != day]
    warehouse = Warehouse(spark)
    warehouse.run(rows, START, START + timedelta(days=N_DAYS))
    assert warehouse.run(without, day, day + timedelta(days=1)) > 0  # its copies are gone: duplicates become kept
    assert sorted(warehouse.rows) == expected(without)
    assert warehouse.run(rows, day, day + timedelta(days=1)) > 0
    assert sorted(warehouse.rows) == expected(rows)
    assert warehouse.run(rows, day, day + timedelta(days=1)) == 0  # equal copies do not swap places


@pytest.mark.parametrize("published", [(False, True), (True, False)])
def test_equal_copies_do_not_swap_places(spark: SparkSession, published: tuple[bool, bool]) -> None:
    copy = ("a", START, datetime(2026, 3, 1, 12), 1)
    following = frame(spark, [(*copy, is_duplicate) for is_duplicate in published], is_duplicate=BOOLEAN)
    judged = dedup.rejudge(following, frame(spark, []))
    assert sorted((row.was_duplicate, row.is_duplicate) for row in judged.collect()) == [(False, False), (True, True)]


def test_other_columns_pass_through(spark: SparkSession) -> None:
    at = datetime(2026, 3, 9, 1)
    rows = [("a", at.date(), at, 1, "first"), ("a", at.date(), at, 2, "second"), ("b", at.date(), at, 3, "third")]
    marked = dedup.mark_duplicates(frame(spark, rows, extra=STRING), frame(spark, []))
    assert marked.columns == ["meta_id", "event_date", "meta_dt", "line_hash", "extra", "is_duplicate"]
    assert {row.extra: row.is_duplicate for row in marked.collect()} == {"first": False, "second": True, "third": False}


def test_ingest_log_accounts_for_every_hour_and_line(spark: SparkSession) -> None:
    day = date(2026, 3, 9)
    rows = [
        (day, 0, "kept", None, False),
        (day, 0, "kept", None, False),
        (day, 0, "kept", None, True),
        (day, 0, "duplicate", None, True),
        (day, 0, "quarantined", "malformed_json", False),
        (day, 1, "out_of_scope", "bot", False),
    ]
    hours = {"event_date": DATE, "event_hour": INT}
    decided = frame_of(spark, rows, {**hours, "fate": STRING, "reason": STRING, "is_clock_skewed": BOOLEAN})
    arrived = frame_of(spark, [(day, 0), (day, 1), (day, 2)], hours)
    missing = frame_of(spark, [(day, 2), (day, 3)], hours)
    log = dedup.ingest_log(decided, arrived, missing)
    assert {tuple(row)[1:4]: row.n_lines for row in log.collect()} == {
        (0, "kept", None): 2,
        (0, "kept", "clock_skew"): 1,
        (0, "duplicate", None): 1,
        (0, "quarantined", "malformed_json"): 1,
        (1, "kept", None): 0,
        (1, "out_of_scope", "bot"): 1,
        (2, "kept", None): 0,  # hour 2 arrived in one stream and is missing in another
        (2, "missing_hour", None): 0,
        (3, "missing_hour", None): 0,
    }
    assert log.agg({"n_lines": "sum"}).head()[0] == len(rows)
