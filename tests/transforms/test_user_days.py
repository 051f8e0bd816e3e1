from __future__ import annotations

from datetime import date

import pytest

from jobs.transforms.user_days import element_pageviews, user_days
from jobs.warehouse.lake import schema_of
from tests.small_world import ENTRY, FIRST, REVIEW, USAGE, events_frame, rows_of

pytestmark = pytest.mark.spark


def _user_days(spark, events):
    pageviews = element_pageviews(events_frame(spark, events))
    return user_days(pageviews, review_elements=REVIEW, dashboard_instruments=[USAGE])


def test_schema_is_the_contract(spark):
    expected = schema_of("user_days")
    found = _user_days(spark, [{}]).schema
    assert [(f.name, f.dataType) for f in found] == [(f.name, f.dataType) for f in expected]


def test_a_day_with_two_sessions(spark):
    events = [
        {"session_hash": 1, "pageview_hash": 10, "session_fraction": 0.2, "pageview_fraction": 0.05},
        {"session_hash": 1, "pageview_hash": 10, "session_fraction": 0.2, "pageview_fraction": 0.05},  # the tab reloads
        {"session_hash": 2, "pageview_hash": 20, "session_fraction": 0.3, "pageview_fraction": 0.3},
        {"session_hash": 2, "pageview_hash": 20, "session_fraction": 0.3, "pageview_fraction": 0.3, "action": "click",
         "element_friendly_name": "diff-a"},
        {"session_hash": 2, "pageview_hash": 20, "session_fraction": 0.3, "pageview_fraction": 0.3, "action": "click",
         "element_friendly_name": "diff-b"},
        {"session_hash": 2, "pageview_hash": 20, "session_fraction": 0.3, "pageview_fraction": 0.3, "action": "click",
         "element_friendly_name": "help"},
    ]  # fmt: skip
    (day,) = _user_days(spark, events).collect()
    assert (day.n_loads, day.n_pageviews, day.n_sessions, day.loads_sq) == (3, 2, 2, 2 * 2 + 1)
    assert (day.n_review_clicks, day.n_review_pageviews) == (2, 1)
    assert day.n_pageviews_at == [1, 1, 2]  # below 0.1, 0.25 and 0.5
    assert day.n_review_pageviews_at == [0, 0, 1]
    assert [tuple(entry) for entry in day.sessions] == [(1, 0.2, 2, 1, 0), (2, 0.3, 1, 1, 1)]


@pytest.mark.parametrize(
    ("event", "why"),
    [
        ({"instrument_name": ENTRY}, "a load of an entry point"),
        ({"user_hash": None}, "nobody"),
        ({"action": "impression", "element_friendly_name": "diff-a"}, "only shown"),
        ({"action": "click", "element_friendly_name": None}, "a click on nothing"),
        ({"action": "click", "element_friendly_name": "help"}, "no review link"),
    ],
)
def test_no_row_without_a_load_or_review_click(spark, event, why):
    assert _user_days(spark, [event]).count() == 0, why


def test_a_review_click_without_a_load_is_a_row(spark):
    days = _user_days(spark, [{"action": "click", "element_friendly_name": "diff-a"}])
    assert rows_of(days, "n_loads", "n_pageviews", "n_sessions", "n_review_clicks", "n_review_pageviews") == [
        (0, 0, 0, 1, 1)
    ]


def test_users_days_and_regimes_are_apart(spark):
    events = [
        {},
        {"sample_rate": 0.5},
        {"user_hash": "bob"},
        {"wiki_db": "eswiki"},
        {"event_date": date(2026, 5, 2)},
    ]
    assert rows_of(_user_days(spark, events), "event_date", "wiki_db", "user_hash", "sample_rate", "n_loads") == sorted(
        [
            (FIRST, "frwiki", "ann", 1.0, 1),
            (FIRST, "frwiki", "ann", 0.5, 1),
            (FIRST, "frwiki", "bob", 1.0, 1),
            (FIRST, "eswiki", "ann", 1.0, 1),
            (date(2026, 5, 2), "frwiki", "ann", 1.0, 1),
        ],
        key=repr,
    )


def test_an_id_without_a_fraction_is_in_no_subsample(spark):
    (day,) = _user_days(spark, [{"pageview_fraction": None, "session_fraction": None}]).collect()
    assert day.n_pageviews_at == [0, 0, 0]
    assert day.sessions[0].session_fraction is None
