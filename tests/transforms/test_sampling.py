from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.columns import DOUBLE, STRING, TIMESTAMP, columns_of
from jobs.policy.timeline import Regime
from jobs.transforms import sampling
from jobs.transforms.events import CLASSIFIED_COLUMNS
from jobs.warehouse.frames import frame_of

pytestmark = pytest.mark.spark
DAY = date(2026, 3, 24)
AUDITED = (
    "event_date", "wiki_db", "instrument_name", "sample_unit", "sample_rate", "fate", "reason", "session_hash",
    "pageview_hash", "session_fraction", "pageview_fraction",
)  # fmt: skip


def test_fraction_of_an_id_is_that_of_the_client(spark: SparkSession) -> None:
    expected = {
        "00000000ffffffffffff": 0.0,
        "ffffffff000000000000": 1.0,
        "80000000000000000000": 0x80000000 / 0xFFFFFFFF,
        "19AF02C4d7e6b5a49382": 0x19AF02C4 / 0xFFFFFFFF,
        "abc": 0xABC / 0xFFFFFFFF,
        "1234567g000000000000": None,
        "zzzzzzzzzzzzzzzzzzzz": None,
        "12345678zzzzzzzzzzzz": 0x12345678 / 0xFFFFFFFF,
        "": None,
        None: None,
    }
    ids = frame_of(spark, [(identifier,) for identifier in expected], {"id": STRING})
    rows = ids.select("id", sampling.id_fraction(F.col("id")).alias("fraction")).collect()
    assert {row.id: row.fraction for row in rows} == expected


def test_the_rule_decides_as_the_client_does_but_for_one_id_at_rate_one(spark: SparkSession) -> None:
    """The vector replays the client's rule in whole numbers; only at rate 1 is it not asked here: every id is in."""
    vectors = json.loads((Path(__file__).parents[1] / "data" / "vectors.json").read_text())["vectors"]
    vector = next(vector for vector in vectors if vector["id"] == "in_sample")
    asked = [(unit, identifier, rate) for unit in ("pageview", "session")
             for identifier in vector["ids"] for rate in vector["rates"]]  # fmt: skip
    fraction = sampling.id_fraction(F.col("id"))
    rows = (
        frame_of(spark, asked, {"sample_unit": STRING, "id": STRING, "sample_rate": DOUBLE})
        # The id of the other unit is in at no rate below 1, so that reading it would show.
        .withColumn("pageview_fraction", F.when(F.col("sample_unit") == "pageview", fraction).otherwise(1.0))
        .withColumn("session_fraction", F.when(F.col("sample_unit") == "session", fraction).otherwise(1.0))
        .select("sample_unit", "id", "sample_rate", sampling.is_in_sample().alias("is_in"))
        .collect()
    )
    found = {(row.sample_unit, row.id, row.sample_rate): row.is_in for row in rows}
    expected = {
        (unit, identifier, rate): is_in or rate == 1
        for unit in ("pageview", "session")
        for identifier, line in zip(vector["ids"], vector["expected"], strict=True)
        for rate, is_in in zip(vector["rates"], line, strict=True)
    }
    assert found == expected
    assert not vector["expected"][vector["ids"].index("ffffffffaaaaaaaaaaaa")][-1]  # the one id the client leaves out


def regimes(spark: SparkSession) -> DataFrame:
    change, settled = datetime(2026, 3, 24, 14), datetime(2026, 3, 24, 14, 15)
    return frame_of(
        spark,
        [
            ("a", "x", "session", 0.1, 0.1, False, False, datetime(2026, 1, 1), change),
            ("a", "x", "session", 0.5, 0.1, True, False, change, settled),
            ("a", "x", "session", 0.5, 0.5, False, False, settled, None),
            ("b", "x", "pageview", 1.0, 1.0, False, False, datetime(2026, 1, 1), None),
        ],
        columns_of(Regime),
    )


MOMENT = {"instrument_name": STRING, "wiki_db": STRING, "meta_dt": TIMESTAMP}
MOMENTS: dict[tuple[Any, Any, Any], tuple[Any, Any, Any]] = {
    ("a", "x", datetime(2025, 12, 31, 23, 59, 59)): (None, None, None),
    ("a", "x", datetime(2026, 1, 1)): (0.1, 0.1, False),
    ("a", "x", datetime(2026, 3, 24, 13, 59, 59, 999999)): (0.1, 0.1, False),
    ("a", "x", datetime(2026, 3, 24, 14)): (0.5, 0.1, True),
    ("a", "x", datetime(2026, 3, 24, 14, 14, 59, 999999)): (0.5, 0.1, True),
    ("a", "x", datetime(2026, 3, 24, 14, 15)): (0.5, 0.5, False),
    ("b", "x", datetime(2026, 3, 24, 14)): (1.0, 1.0, False),
    ("b", "y", datetime(2026, 3, 24, 14)): (None, None, None),
    ("c", "x", datetime(2026, 3, 24, 14)): (None, None, None),
    (None, None, None): (None, None, None),
}


def test_the_regime_at_a_moment(spark: SparkSession) -> None:
    events = frame_of(spark, list(MOMENTS), MOMENT)
    rows = sampling.with_regime(events, regimes(spark)).collect()
    found = {tuple(row)[:3]: (row.policy_rate, row.sample_rate, row.is_grace) for row in rows}
    assert len(rows) == len(MOMENTS)
    assert found == MOMENTS


def test_audit_sums_count_ids_once_and_bin_them_by_fraction_of_the_rate(spark: SparkSession) -> None:
    def row(
        fate: str | None, reason: str | None, session: int, pageview: int, fraction: float | None, **more: Any
    ) -> Any:
        base = {"event_date": DAY, "wiki_db": "x", "instrument_name": "a", "sample_unit": "session", "sample_rate": 0.5}
        base |= {"fate": fate, "reason": reason, "session_hash": session, "pageview_hash": pageview}
        base |= {"session_fraction": fraction, "pageview_fraction": 0.01} | more
        return tuple(base[name] for name in AUDITED)

    rows = [
        row("kept", None, 1, 11, 0.0),
        row("kept", None, 1, 12, 0.0),  # the same session again
        row("kept", None, 2, 13, 0.25),
        row("kept", None, 3, 14, 0.4999999),
        row("duplicate", None, 4, 15, 0.3),
        row("out_of_scope", "bot", 5, 16, 0.3),
        row("quarantined", "not_in_sample", 6, 17, 0.7),
        row("quarantined", "not_in_sample", 6, 17, 0.7),  # the same pageview
        row("quarantined", "not_in_sample", 6, 18, None),
        row("kept", None, 7, 19, 1.0, sample_rate=1.0),
        row("kept", None, 8, 19, None, sample_rate=1.0),  # an id that is not hexadecimal
        row("kept", None, 8, 19, 0.0, sample_rate=0.0),
        row("kept", None, 8, 20, 0.9, sample_unit="pageview"),
        row("quarantined", "not_in_sample", 9, 21, 0.6, wiki_db="only-impossible"),
    ]
    columns = {name: CLASSIFIED_COLUMNS[name] for name in AUDITED}
    sums = sampling.audit_sums(frame_of(spark, rows, columns)).collect()
    by_key = {(row.wiki_db, row.sample_unit, row.declared_rate): row for row in sums}
    assert set(by_key) == {
        ("x", "session", 0.5), ("x", "session", 1.0), ("x", "pageview", 0.5), ("only-impossible", "session", 0.5),
    }  # fmt: skip
    sessions = by_key["x", "session", 0.5]
    assert sessions.event_date == DAY
    assert (sessions.n_ids, sessions.largest_fraction, sessions.n_impossible_pageviews) == (3, 0.4999999, 2)
    assert sorted(map(tuple, sessions.histogram)) == [(0, 1), (512, 1), (1023, 1)]
    pageviews = by_key["x", "pageview", 0.5]
    assert (pageviews.n_ids, pageviews.largest_fraction) == (1, 0.01)
    full = by_key["x", "session", 1.0]
    assert (full.n_ids, full.largest_fraction, list(map(tuple, full.histogram))) == (2, 1.0, [(1023, 2)])
    impossible = by_key["only-impossible", "session", 0.5]
    assert (impossible.n_ids, impossible.largest_fraction, impossible.n_impossible_pageviews) == (0, None, 1)
    assert impossible.histogram == []
