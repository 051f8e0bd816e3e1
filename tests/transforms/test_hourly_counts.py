"""Hours are counted as kept: loads of the dashboard, links by segment, and each user once."""

from __future__ import annotations

import pytest

from jobs.transforms.hourly_counts import hourly_counts
from jobs.warehouse.lake import schema_of
from tests.small_world import ENTRY, REVIEW, USAGE, events_frame, rows_of

pytestmark = pytest.mark.spark
SHOWN = {"action": "impression", "element_friendly_name": "diff-a", "funnel_entry_token": "t"}
COUNTS = ("n_loads", "n_impressions", "n_clicks", "n_visitors", "n_shown_users", "n_click_users")


def _hours(spark, events):
    return hourly_counts(events_frame(spark, events), review_elements=REVIEW, dashboard_instruments=[USAGE])


def test_the_schema_is_the_contract(spark):
    expected = schema_of("hourly_counts")
    assert [(f.name, f.dataType) for f in _hours(spark, [{}]).schema] == [(f.name, f.dataType) for f in expected]


def test_loads_stand_without_a_segment_and_each_hour_for_itself(spark):
    events = [
        {"event_hour": 3, "client_platform_family": "mobile_browser", "element_friendly_name": "odd"},
        {"event_hour": 3},
        {"event_hour": 3, "user_hash": "bob"},
        {"event_hour": 3, "user_hash": None},
        {"event_hour": 4},
        {"event_hour": 5, "instrument_name": ENTRY},
        {"event_hour": 6, "action": "hover"},
        {"event_hour": 7, **SHOWN, "element_friendly_name": None},
    ]
    columns = ("event_hour", "element_friendly_name", "client_platform_family", "edit_count_bucket", *COUNTS)
    assert rows_of(_hours(spark, events), *columns) == [
        (3, None, None, None, 4, 0, 0, 2, 0, 0),
        (4, None, None, None, 1, 0, 0, 1, 0, 0),
    ]


def test_links_stand_by_segment_and_once_more_as_their_group(spark):
    other = next(name for name in REVIEW if name != "diff-a")
    events = [
        SHOWN,
        {**SHOWN, "user_hash": "bob"},
        {**SHOWN, "action": "click"},
        {**SHOWN, "action": "click", "element_friendly_name": other},
        {**SHOWN, "element_friendly_name": "menu", "client_platform_family": None},
    ]
    columns = ("element_friendly_name", "client_platform_family", *COUNTS)
    assert rows_of(_hours(spark, events), *columns) == sorted(
        [
            ("diff-a", "desktop_browser", 0, 2, 1, 0, 2, 1),
            (other, "desktop_browser", 0, 0, 1, 0, 0, 1),
            ("review links", "desktop_browser", 0, 2, 2, 0, 2, 1),
            ("menu", None, 0, 1, 0, 0, 1, 0),
        ],
        key=repr,
    )
