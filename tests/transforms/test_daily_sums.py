from __future__ import annotations

import pytest

from jobs.transforms.daily_sums import baseline_daily, engagement_daily
from jobs.transforms.link_days import unit_link_days, user_link_days
from jobs.transforms.user_days import element_pageviews
from jobs.warehouse.lake import schema_of
from tests.small_world import ENTRY, REVIEW, USAGE, events_frame, rows_of

pytestmark = pytest.mark.spark
LINK = {"element_friendly_name": "diff-a", "funnel_entry_token": "t"}


def _baseline(spark, events):
    pageviews = element_pageviews(events_frame(spark, events))
    return baseline_daily(pageviews, review_elements=REVIEW, dashboard_instruments=[USAGE])


def _engagement(spark, events):
    pageviews = element_pageviews(events_frame(spark, events))
    return engagement_daily(
        user_link_days(pageviews, review_elements=REVIEW), unit_link_days(pageviews, review_elements=REVIEW)
    )


def test_schemas_are_the_contract(spark):
    for name, found in (("baseline_daily", _baseline(spark, [{}])), ("engagement_daily", _engagement(spark, [{}]))):
        expected = schema_of(name)
        assert [(f.name, f.dataType) for f in found.schema] == [(f.name, f.dataType) for f in expected]


def test_a_day_of_the_dashboard(spark):
    events = [
        {"pageview_hash": 1, "session_hash": 1},
        {"pageview_hash": 2, "session_hash": 1},
        {"pageview_hash": 3, "session_hash": 2, "user_hash": "bob"},
        {"pageview_hash": 3, "session_hash": 2, "user_hash": "bob", "action": "click", **LINK},
        {"pageview_hash": 4, "session_hash": 3, "user_hash": "cem", "action": "impression", **LINK},
    ]
    columns = ("n_events", "n_loads", "n_pageviews", "n_sessions", "n_visitors", "n_reviewers", "n_review_clicks")
    assert rows_of(_baseline(spark, events), *columns) == [(5, 3, 3, 2, 2, 1, 1)]


def test_an_entry_point_has_events_but_no_loads(spark):
    events = [{"instrument_name": ENTRY}, {"instrument_name": ENTRY, "action": "click", **LINK}]
    assert rows_of(_baseline(spark, events), "n_events", "n_loads", "n_reviewers") == [(2, 0, 0)]


def test_loads_of_nobody_are_loads_without_visitors(spark):
    assert rows_of(_baseline(spark, [{"user_hash": None}]), "n_loads", "n_sessions", "n_visitors") == [(1, 1, 0)]


def test_a_day_of_a_link(spark):
    shown = {"action": "impression", **LINK}
    events = [
        {**shown, "pageview_hash": 1, "session_hash": 1},
        {**shown, "pageview_hash": 2, "session_hash": 2},
        {**shown, "pageview_hash": 3, "session_hash": 3, "user_hash": "bob"},
        {**shown, "pageview_hash": 4, "session_hash": 4, "user_hash": None},
        {**shown, "pageview_hash": 5, "session_hash": 5, "client_platform_family": None},
    ]
    columns = ("element_friendly_name", "client_platform_family", "n_users", "n_sessions", "n_impressions")
    assert rows_of(_engagement(spark, events), *columns) == sorted(
        [
            ("diff-a", "desktop_browser", 2, 4, 4),
            ("diff-a", None, 1, 1, 1),
            ("review links", "desktop_browser", 2, 4, 4),
            ("review links", None, 1, 1, 1),
        ],
        key=repr,
    )
