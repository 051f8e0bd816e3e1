from __future__ import annotations

import pandas as pd
import pytest

from jobs.transforms.link_days import LINK_SUM_COLUMNS, unit_link_days, user_link_days
from jobs.transforms.user_days import REGIME_COLUMNS, element_pageviews
from jobs.warehouse.lake import schema_of
from tests.small_world import REVIEW, SEGMENT, events_frame, pandas_events, random_events, rows_of, with_review_group

pytestmark = pytest.mark.spark


def _pageviews(spark, events):
    return element_pageviews(events_frame(spark, events))


def _days(spark, events):
    return user_link_days(_pageviews(spark, events), review_elements=REVIEW)


@pytest.mark.parametrize("name", ["user_link_days", "unit_link_days"])
def test_schema_is_the_contract(spark, name):
    build = {"user_link_days": user_link_days, "unit_link_days": unit_link_days}[name]
    found = build(_pageviews(spark, [{}]), review_elements=REVIEW).schema
    expected = schema_of(name)
    assert [(f.name, f.dataType) for f in found] == [(f.name, f.dataType) for f in expected]


def test_repeats_count_as_events_but_once_as_impressions_shown(spark):
    shown = {"action": "impression", "element_friendly_name": "help", "funnel_entry_token": "a"}
    clicked = {**shown, "action": "click"}
    (day,) = _days(spark, [shown, shown, clicked, clicked, clicked]).collect()
    assert (day.n_impressions, day.n_clicks, day.n_shown, day.n_matched) == (2, 3, 1, 1)
    assert (day.impressions_sq, day.clicks_sq, day.impressions_clicks) == (4, 9, 6)
    assert (day.shown_sq, day.matched_sq, day.shown_matched) == (1, 1, 1)


@pytest.mark.parametrize(
    ("impression", "click", "matched"),
    [
        ({"funnel_entry_token": "a"}, {"funnel_entry_token": "a"}, 1),
        ({"funnel_entry_token": "a"}, {"funnel_entry_token": "b"}, 0),
        ({"funnel_entry_token": "a"}, {"funnel_entry_token": "a", "pageview_hash": 2}, 0),
        ({"funnel_entry_token": "a"}, {"funnel_entry_token": "a", "element_friendly_name": "talk"}, 0),
        ({}, {}, 0),  # without tokens each event is a key of its own
    ],
)
def test_a_click_matches_an_impression_of_the_same_token_page_and_element(spark, impression, click, matched):
    link = {"element_friendly_name": "help"}
    events = [{**link, **impression, "action": "impression"}, {**link, **click, "action": "click"}]
    assert sum(n for (n,) in rows_of(_days(spark, events), "n_matched")) == matched


def test_kinds_of_pageviews(spark):
    def page(number, *actions):
        base = {"pageview_hash": number, "element_friendly_name": "help", "funnel_entry_token": "t"}
        return [{**base, "action": action} for action in actions]

    events = [
        *page(1, "impression"),
        *page(2, "impression", "click"),
        *page(3, "click"),
        *page(4, "hover"),
    ]
    columns = ("n_pageviews", "n_shown_pageviews", "n_click_pageviews", "n_clicked_pageviews", "n_matched_pageviews",
               "n_shown_only_pageviews")  # fmt: skip
    assert rows_of(_days(spark, events), *columns) == [(4, 2, 2, 1, 1, 1)]


def test_the_group_of_review_links_pools_its_elements_on_a_pageview(spark):
    events = [
        {"element_friendly_name": element, "action": action, "funnel_entry_token": "t"}
        for element, action in (
            ("diff-a", "impression"),
            ("diff-b", "impression"),
            ("diff-a", "click"),
            ("help", "click"),
        )
    ]
    columns = ("element_friendly_name", "n_impressions", "n_shown", "n_matched", "n_pageviews", "impressions_sq")
    assert rows_of(_days(spark, events), *columns) == [
        ("diff-a", 1, 1, 1, 1, 1),
        ("diff-b", 1, 1, 0, 1, 1),
        ("help", 0, 0, 0, 1, 0),
        ("review links", 2, 2, 1, 1, 4),
    ]


def test_events_without_an_element_are_no_link(spark):
    assert _days(spark, [{"action": "click"}, {"action": "impression"}, {"action": "pageview"}]).count() == 0


def test_sessions_are_kept_apart_within_the_day(spark):
    shown = {"action": "impression", "element_friendly_name": "help"}
    events = [{**shown, "session_hash": 7, "pageview_hash": 1}, {**shown, "session_hash": 8, "pageview_hash": 2}]
    (day,) = _days(spark, [*events, events[1]]).collect()
    assert [tuple(entry) for entry in day.sessions] == [(7, 1, 0, 1, 0), (8, 2, 0, 2, 0)]


def test_without_a_user_the_session_is_the_unit(spark):
    shown = {"action": "impression", "element_friendly_name": "help", "user_hash": None}
    events = [{**shown, "session_hash": 7, "pageview_hash": 1}, {**shown, "session_hash": 8, "pageview_hash": 2}]
    pageviews = _pageviews(spark, events)
    assert user_link_days(pageviews, review_elements=REVIEW).count() == 0
    units = unit_link_days(pageviews, review_elements=REVIEW)
    assert rows_of(units, "session_hash", "n_impressions", "n_shown_pageviews") == [(7, 1, 1), (8, 1, 1)]


def recount(events: pd.DataFrame, owner: list[str]) -> dict[tuple, tuple[int, ...]]:
    """Sum link events by day and owner the slow way."""
    links = with_review_group(events[events["element_friendly_name"].notna()])
    keys = ["event_date", "wiki_db", *owner, *REGIME_COLUMNS, *SEGMENT]
    found = {}
    for key, rows in links.groupby(keys, dropna=False):
        sums = dict.fromkeys(LINK_SUM_COLUMNS, 0)
        for _, page in rows.groupby("pageview_hash"):
            impressed, clicked = page[page["action"] == "impression"], page[page["action"] == "click"]
            i, c = len(impressed), len(clicked)
            s, m = impressed["key"].nunique(), len(set(impressed["key"]) & set(clicked["key"]))
            own = (i, c, s, m, 1, i > 0, i > 0 and c > 0, m > 0, c > 0, i > 0 and c == 0,
                   i * i, c * c, i * c, s * s, m * m, s * m)  # fmt: skip
            for name, value in zip(LINK_SUM_COLUMNS, own, strict=True):
                sums[name] += int(value)
        found[tuple(None if pd.isna(part) else part for part in key)] = tuple(sums.values())
    return found


@pytest.mark.parametrize("seed", [1, 2])
def test_random_events_against_a_recount(spark, seed):
    rows = random_events(seed, n_loads=60, n_days=6)
    pageviews, events = _pageviews(spark, rows), pandas_events(rows)
    for build, owner, part in (
        (user_link_days, "user_hash", events[events["user_hash"].notna()]),
        (unit_link_days, "session_hash", events[events["user_hash"].isna()]),
    ):
        days = build(pageviews, review_elements=REVIEW)
        keys = ["event_date", "wiki_db", owner, *REGIME_COLUMNS, *SEGMENT]
        found = {
            (pd.Timestamp(row[0]), *row[1 : len(keys)]): tuple(row[len(keys) :])
            for row in days.select(*keys, *LINK_SUM_COLUMNS).collect()
        }
        assert found == recount(part, [owner])
