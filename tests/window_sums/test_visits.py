from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from jobs.window_sums.tables import VISIT_WINDOW
from jobs.window_sums.visits import visit_window_sums
from tests.small_world import FIRST, REGIME, REVIEW, USAGE, table_frame

LENGTHS = (1, 7, 28)
pytestmark = pytest.mark.spark
DAY = timedelta(days=1)
START, END = date(2026, 6, 28), date(2026, 7, 6)
AS_OF = pd.date_range(START, END - DAY)
SHIFT = START - FIRST - 30 * DAY  # the world's 40 days end in the second quarter's last days and the third's first
WIKIS = ("frwiki", "eswiki", "jawiki", "trwiki")
QUARTERS = {
    **{(wiki, "visitors", date(2026, 4, 1)): date(2026, 6, 10) for wiki in WIKIS},
    **{(wiki, "reviewers", date(2026, 4, 1)): date(2026, 6, 20) for wiki in WIKIS},
    **{
        (wiki, population, date(2026, 7, 1)): date(2026, 7, 1)
        for wiki in WIKIS
        for population in ("visitors", "reviewers")
    },
}


@pytest.fixture(scope="module")
def days(world, spark):
    schema = world.user_days.schema
    shifted = [row.asDict() | {"event_date": row.event_date + SHIFT} for row in world.user_days.collect()]
    return spark.createDataFrame([tuple(row[name] for name in schema.names) for row in shifted], schema)


@pytest.fixture(scope="module")
def sums(days):
    return visit_window_sums(days, start=START, end=END, windows=LENGTHS, quarter_starts=QUARTERS)


@pytest.fixture(scope="module")
def visits(world):
    """Loads and review clicks as plain dicts."""
    events = world.events[world.events["instrument_name"] == USAGE]
    is_load = events["action"] == "pageview"
    is_review = (events["action"] == "click") & events["element_friendly_name"].isin(REVIEW)
    events = events.assign(event_date=events["event_date"] + SHIFT, is_load=is_load)[is_load | is_review]
    return events.to_dict("records")


def windows(visits):
    """Yield (window key, events) for every window with an event in it."""
    for wiki in WIKIS:
        own = [event for event in visits if event["wiki_db"] == wiki]
        for as_of in AS_OF:
            spans = [("rolling", "visitors", length, as_of - (length - 1) * DAY) for length in (1, 7, 28)]
            for population in ("visitors", "reviewers"):
                quarter = date(2026, 4, 1) if as_of < pd.Timestamp(2026, 7, 1) else date(2026, 7, 1)
                first = pd.Timestamp(QUARTERS[wiki, population, quarter])
                spans.append(("quarter_to_date", population, 0, first))
            for kind, population, length, first in spans:
                inside = [event for event in own if first <= event["event_date"] <= as_of]
                if inside:
                    yield (wiki, kind, population, length, as_of), inside


def per_unit(events, unit):
    """Count loads and review clicks per value of a column."""
    found = defaultdict(lambda: np.zeros(2))
    for event in events:
        found[event[unit]][0 if event["is_load"] else 1] += 1
    return found


def units(events):
    """Count loads and review clicks per kept unit; a pageview that is open on two days is one on each."""
    unit = f"{events[0]['sample_unit']}_hash"
    return np.array([*per_unit(events, unit).values()])


def per_user(events):
    found = defaultdict(list)
    for event in events:
        found[event["user_hash"]].append(event)
    return found


def indexed(frame, keys):
    assert not frame.duplicated(list(keys)).any()
    return {tuple(row[key] for key in keys): row for row in frame.to_dict("records")}


def test_cells_against_a_recount(sums, visits):
    cells = indexed(sums.cells, VISIT_WINDOW)
    seen = set()
    for key, events in windows(visits):
        cell = cells[key]
        seen.add(key)
        users = per_user(events)
        loads = {user: [event for event in own if event["is_load"]] for user, own in users.items()}
        days = {user: {e["event_date"] for e in own if not e["is_load"]} for user, own in users.items()}
        weighted = np.array([sum(1 / event["sample_rate"] for event in own) for own in loads.values()])
        assert cell["n_loads"] == sum(map(len, loads.values())), key
        assert cell["n_pageviews"] == len({event["pageview_hash"] for own in loads.values() for event in own})
        assert cell["n_visitors"] == sum(map(bool, loads.values()))
        assert cell["n_reviewers"] == sum(map(bool, days.values()))
        assert cell["n_two_day_reviewers"] == sum(bool(loads[user]) and len(days[user]) > 1 for user in users)
        assert np.isclose(cell["w_loads"], weighted.sum())
        assert np.isclose(cell["uu_loads_sq"], weighted @ weighted)
    assert len(seen) > 120
    assert any(row["n_two_day_reviewers"] for row in cells.values())
    unseen = [row for key, row in cells.items() if key not in seen]
    assert not any(row[name] for row in unseen for name in ("n_loads", "n_visitors", "n_reviewers", "uu_loads_sq"))


def test_regimes_against_a_recount(sums, visits):
    regimes = indexed(sums.regimes, [*VISIT_WINDOW, *REGIME])
    for key, events in windows(visits):
        by_rate = defaultdict(list)
        for event in events:
            by_rate[event["sample_rate"]].append(event)
        for rate, own in by_rate.items():
            unit = own[0]["sample_unit"]
            cell = regimes[(*key, USAGE, unit, rate)]
            loads = units(own)[:, 0]
            assert (cell["n_loads"], cell["loads_sq"], cell["n_load_units"]) == (
                loads.sum(),
                loads @ loads,
                sum(loads > 0),
            )
            assert cell["n_units"] == (len(loads) if unit == "session" else sum(loads > 0))


def test_people_against_a_recount(sums, visits):
    populations, two_days = Counter(), Counter()
    for key, events in windows(visits):
        if key[0] not in ("eswiki", "jawiki"):
            continue
        for own in per_user(events).values():
            full, kept = ([e for e in own if (e["sample_rate"] == 1) == is_full] for is_full in (True, False))
            full_loads, full_reviews = units(full).sum(axis=0) if full else (0, 0)
            by_unit = units(kept) if kept else np.zeros((0, 2))
            k_load, k_review = (by_unit > 0).sum(axis=0)
            # A pageview's row of the facts does not tell whether a review click came with a load.
            k_other = sum((by_unit[:, 0] > 0) & (by_unit[:, 1] == 0)) if key[0] == "jawiki" else others_by_day(kept)
            if full_loads or k_load:
                populations[(*key, "visitors", bool(full_loads), k_load)] += 1
                two_days[(*key, bool(full_loads), k_review, k_other)] += 1
            if full_reviews or k_review:
                populations[(*key, "reviewers", bool(full_reviews), k_review)] += 1
    found = indexed(sums.user_counts, [*VISIT_WINDOW, "counted", "is_full", "k"])
    assert {key: row["n_users"] for key, row in found.items()} == populations
    found = indexed(sums.two_day_counts, [*VISIT_WINDOW, "is_full", "k_review_units", "k_other_units"])
    assert {key: row["n_users"] for key, row in found.items()} == two_days
    assert {key[5] for key in populations} == {"visitors", "reviewers"}
    assert max(key[-1] for key in populations) > 2


def others_by_day(events):
    total = 0
    for day in {event["event_date"] for event in events}:
        by_unit = units([event for event in events if event["event_date"] == day])
        loaded, reviewed = (by_unit > 0).sum(axis=0)
        total += max(loaded - reviewed, 0)
    return total


@pytest.mark.parametrize("place", [0, -1])
def test_a_day_asked_alone_is_the_same_day(days, sums, place):
    day = AS_OF[place].date()
    alone = visit_window_sums(days, start=day, end=day + DAY, windows=LENGTHS, quarter_starts=QUARTERS)
    for name in ("cells", "regimes", "user_counts", "two_day_counts"):
        found, together = getattr(alone, name), getattr(sums, name)
        numbers = [column for column in together.columns if column.startswith(("n_", "w_", "uu_", "loads_sq"))]
        keys = [column for column in together.columns if column not in numbers]
        together = together[together["as_of_date"] == pd.Timestamp(day)]
        both = [
            frame[frame[numbers].ne(0).any(axis=1)].sort_values(keys, ignore_index=True) for frame in (found, together)
        ]
        assert len(both[0]) > 0
        pd.testing.assert_frame_equal(both[0], both[1][both[0].columns], check_dtype=False, rtol=1e-9, atol=1e-6)


def test_two_days_of_review_by_hand(spark):
    visit = {"user_hash": "ann", "n_loads": 1, "n_pageviews": 1, "loads_sq": 1}
    review = {"n_review_clicks": 3, "n_review_pageviews": 1}
    rows = [
        {**visit, **review, "event_date": date(2026, 5, 1)},
        {**visit, "event_date": date(2026, 5, 4)},
        {**visit, **review, "event_date": date(2026, 5, 7)},
        {**review, "user_hash": "bob", "event_date": date(2026, 5, 7)},  # clicked twice, but never loaded
        {**review, "user_hash": "bob", "event_date": date(2026, 5, 8)},
    ]
    days = table_frame(spark, "user_days", rows)
    sums = visit_window_sums(days, start=date(2026, 5, 7), end=date(2026, 5, 10), windows=(7,))
    columns = ["n_visitors", "n_reviewers", "n_two_day_reviewers", "n_loads", "uu_loads_sq"]
    assert sums.cells.sort_values("as_of_date")[columns].to_numpy().tolist() == [
        [1, 2, 1, 3, 9],  # 1 to 7 May: ann reviewed on two days
        [1, 2, 0, 2, 4],  # her first day is gone
        [1, 2, 0, 2, 4],
    ]
    assert sums.user_counts.empty
    assert sums.two_day_counts.empty


def test_without_visits_there_are_no_windows(spark):
    sums = visit_window_sums(
        table_frame(spark, "user_days", []), windows=LENGTHS, start=START, end=END, quarter_starts=QUARTERS
    )
    assert [len(frame) for frame in (sums.cells, sums.regimes, sums.user_counts, sums.two_day_counts)] == [0] * 4
    assert {*VISIT_WINDOW, "n_visitors", "n_loads"} <= {*sums.cells}
