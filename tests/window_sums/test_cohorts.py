from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, timedelta

import pandas as pd
import pytest

from jobs.window_sums.cohorts import cohort_sums
from tests.small_world import COHORT_METRICS, FIRST, MENU, USAGE, table_frame

pytestmark = pytest.mark.spark
DAY = timedelta(days=1)
START, END = FIRST + 14 * DAY, FIRST + 40 * DAY
CELL = ["metric", "wiki_db", "metric_date", "as_of_date"]
# Metric of days: first and last day of the return, after the day itself; as docs/contract.md has them.
DAY_METRICS = {
    "retention_14d": (1, 14),
    "retention_day_1": (1, 1),
    "retention_day_7": (7, 7),
    "retention_day_14": (14, 14),
}
WIKIS = ("frwiki", "eswiki", "jawiki", "trwiki")


@pytest.fixture(scope="module")
def sums(world):
    return cohort_sums(world.user_days, world.user_link_days, start=START, end=END, metrics=COHORT_METRICS)


@pytest.fixture(scope="module")
def loads(world):
    events = world.events
    return events[(events["instrument_name"] == USAGE) & (events["action"] == "pageview")].to_dict("records")


def cohorts():
    """Yield (metric, first window, second window), each window a pair of first and last day, that close when asked."""
    for as_of in pd.date_range(START, END - DAY):
        for metric, (first, last) in DAY_METRICS.items():
            day = as_of - last * DAY
            yield metric, (day, day), (day + first * DAY, as_of)
        if as_of.weekday() == 6:
            monday = as_of - 13 * DAY
            yield "two_week_return_rate", (monday, monday + 6 * DAY), (monday + 7 * DAY, as_of)


def users(events, window):
    return {event["user_hash"] for event in events if window[0] <= event["event_date"] <= window[1]}


def test_cells_against_a_recount(sums, loads, world):
    menu = world.events[(world.events["element_friendly_name"] == MENU) & (world.events["action"] == "impression")]
    shown = menu.to_dict("records")
    expected = {}
    for wiki in WIKIS:
        own, own_shown = ([e for e in events if e["wiki_db"] == wiki] for events in (loads, shown))
        for metric, first, second in cohorts():
            seen, again = users(own, first), users(own, second)
            if seen:
                expected[metric, wiki, first[0], second[1]] = (len(seen), len(seen & again))
            presented = users(own_shown, first)
            if metric == "two_week_return_rate" and presented:
                key = ("presented_two_week_rate", wiki, first[0], second[1])
                expected[key] = (len(presented), len(presented & seen & again))
    found = {
        tuple(row[key] for key in CELL): (row["n_cohort"], row["n_returned"]) for row in sums.cells.to_dict("records")
    }
    assert found == expected
    assert {key[0] for key in expected} == {*DAY_METRICS, "two_week_return_rate", "presented_two_week_rate"}


def test_counts_against_a_recount(sums, loads):
    expected, spanning = Counter(), Counter()
    for wiki in ("eswiki", "jawiki"):
        unit = "session_hash" if wiki == "jawiki" else "pageview_hash"
        for metric, first, second in cohorts():
            found = defaultdict(lambda: [False, False, set(), set()])
            for event in loads:
                for side, window in enumerate((first, second)):
                    if event["wiki_db"] == wiki and window[0] <= event["event_date"] <= window[1]:
                        mine = found[event["user_hash"]]
                        mine[side] |= event["sample_rate"] == 1
                        if event["sample_rate"] < 1:
                            mine[2 + side].add(event[unit])
            for full1, full2, k1, k2 in found.values():
                key = (metric, wiki, first[0], second[1])
                expected[(*key, full1, full2, len(k1), len(k2), len(k1 & k2))] += 1
                spanning[key] += len(k1 & k2)
    columns = [*CELL, "is_full1", "is_full2", "k1", "k2", "k_spanning", "n_users"]
    assert not sums.counts.duplicated(columns[:-1]).any()
    assert {key[:-1]: key[-1] for key in sums.counts[columns].itertuples(index=False, name=None)} == expected
    assert sum(spanning.values()) > 0


def test_who_came_back_by_hand(spark):
    monday = date(2026, 5, 4)
    visits = {"ann": [0, 1, 8], "bob": [6, 20], "cem": [7]}
    days = [
        {"user_hash": user, "event_date": monday + day * DAY, "n_loads": 1}
        for user, own in visits.items()
        for day in own
    ]
    shown = [
        {"user_hash": user, "event_date": monday, "element_friendly_name": MENU, "n_shown": 1}
        for user in ("ann", "dan")
    ]
    sums = cohort_sums(
        table_frame(spark, "user_days", days),
        table_frame(spark, "user_link_days", shown),
        start=monday,
        end=monday + 30 * DAY,
        metrics=COHORT_METRICS,
    )
    of_monday = sums.cells[sums.cells["metric_date"] == pd.Timestamp(monday)]
    found = {
        row.metric: ((row.as_of_date.date() - monday).days, row.n_cohort, row.n_returned)
        for row in of_monday.itertuples()
    }
    assert found == {
        "two_week_return_rate": (13, 2, 1),  # of ann and bob, ann visits in the week from 11 May
        "presented_two_week_rate": (13, 2, 1),  # dan was shown the link but never came
        "retention_14d": (14, 1, 1),
        "retention_day_1": (1, 1, 1),
        "retention_day_7": (7, 1, 0),
        "retention_day_14": (14, 1, 0),
    }
    sunday = sums.cells[sums.cells["metric_date"] == pd.Timestamp(monday + 6 * DAY)].set_index("metric")
    assert sunday["n_returned"].to_dict() == {
        "retention_14d": 1, "retention_day_1": 0, "retention_day_7": 0, "retention_day_14": 1,
    }  # fmt: skip
    assert sums.counts.empty


def test_without_visits_there_are_no_cohorts(spark):
    days, links = (table_frame(spark, name, []) for name in ("user_days", "user_link_days"))
    sums = cohort_sums(days, links, start=START, end=END, metrics=COHORT_METRICS)
    assert [len(frame) for frame in (sums.cells, sums.counts)] == [0] * 2
    assert {*CELL, "n_cohort", "n_returned"} == {*sums.cells}
