"""Users by their kept units under each rate, against a recount in plain Python."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, timedelta

import pandas as pd
import pytest

from jobs.window_sums.tables import VISIT_WINDOW, kept_column
from jobs.window_sums.visits import visit_window_sums
from tests.small_world import FIRST, USAGE, table_frame

pytestmark = pytest.mark.spark
DAY = timedelta(days=1)
START = FIRST + 30 * DAY
END = START + 8 * DAY
UNIT_WINDOWS = (7, 28)


@pytest.fixture(scope="module")
def counts(world):
    return _counts(world.user_days, START, END)


def _counts(user_days, start, end):
    sums = visit_window_sums(user_days, start=start, end=end, windows=(1, 7, 28), unit_windows=UNIT_WINDOWS)
    return sums.unit_counts


def _recounted(world, rates):
    """Count users by their kept units under each rate: distinct page loads, or sessions where they are sampled."""
    events = world.events[(world.events["instrument_name"] == USAGE) & (world.events["action"] == "pageview")]
    loads = events.to_dict("records")
    found = Counter()
    for last in pd.date_range(START, END - DAY):
        for length in UNIT_WINDOWS:
            first = last.date() - (length - 1) * DAY
            units = defaultdict(set)
            for load in loads:
                if pd.Timestamp(first) <= load["event_date"] <= last:
                    is_session = load["sample_unit"] == "session"
                    # A pageview that lasts over midnight is one of each day.
                    unit = load["session_hash"] if is_session else (load["pageview_hash"], load["event_date"])
                    units[load["wiki_db"], load["user_hash"]].add((load["sample_rate"], unit))
            for (wiki, _), kept in units.items():
                by_rate = Counter(rate for rate, _ in kept)
                state = tuple(by_rate[rate] for rate in rates)
                found[(wiki, "rolling", "visitors", length, last, *state)] += 1
    return found


def test_users_by_kept_units_against_a_recount(world, counts):
    rates = sorted({*world.events.loc[world.events["instrument_name"] == USAGE, "sample_rate"]})
    columns = [kept_column(rate) for rate in rates]
    found = {tuple(row[:-1]): row[-1] for row in counts[[*VISIT_WINDOW, *columns, "n_users"]].itertuples(index=False)}
    expected = _recounted(world, rates)
    assert found == expected
    assert len(rates) > 1
    assert any(sum(state > 0 for state in key[5:]) > 1 for key in expected), "someone was kept under two rates"
    assert {wiki for wiki, *_ in expected} == {"frwiki", "eswiki", "jawiki", "trwiki"}


@pytest.mark.parametrize("place", [0, 7])
def test_a_day_asked_alone_is_the_same_day(world, counts, place):
    day = START + place * DAY
    alone = _counts(world.user_days, day, day + DAY)
    together = counts[counts["as_of_date"] == pd.Timestamp(day)]
    columns = [name for name in alone.columns if name != "n_users"]
    together = together[(together[columns] != 0).any(axis=1)]
    both = [frame[alone.columns].sort_values(columns, ignore_index=True) for frame in (alone, together)]
    assert len(alone) > 10
    pd.testing.assert_frame_equal(*both, check_dtype=False)


def test_a_session_of_two_days_is_one_unit(spark):
    session = {"session_hash": 5, "session_fraction": 0.01, "n_loads": 2, "n_pageviews": 2, "n_review_pageviews": 0}
    visit = {"user_hash": "ann", "n_loads": 2, "n_pageviews": 2, "sample_unit": "session", "sample_rate": 0.1}
    rows = [{**visit, "sessions": [session], "event_date": date(2026, 5, day)} for day in (1, 2, 9)]
    rows.append({**visit, "sample_unit": "pageview", "event_date": date(2026, 5, 9), "user_hash": "bob"})
    found = _counts(table_frame(spark, "user_days", rows), date(2026, 5, 8), date(2026, 5, 10))
    states = found[["window_length", "as_of_date", kept_column(0.1), "n_users"]].sort_values(["as_of_date", "kept@0.1"])
    assert states[states["window_length"] == 28].drop(columns="window_length").to_numpy().tolist() == [
        [pd.Timestamp("2026-05-08"), 1, 1],
        [pd.Timestamp("2026-05-09"), 1, 1],
        [pd.Timestamp("2026-05-09"), 2, 1],
    ]


def test_nothing_is_counted_where_nothing_is_asked(world):
    sums = visit_window_sums(world.user_days, start=START, end=START + DAY, windows=(7,))
    assert sums.unit_counts.empty
