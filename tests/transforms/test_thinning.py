from __future__ import annotations

from datetime import date

import pytest

from jobs.transforms.thinning import thinned_copies
from jobs.transforms.user_days import element_pageviews, user_days
from jobs.warehouse.lake import schema_of
from jobs.window_sums.cohorts import cohort_sums
from jobs.window_sums.tables import copy_name
from jobs.window_sums.visits import visit_window_sums
from tests.small_world import COHORT_METRICS, REVIEW, USAGE, events_frame, random_events, rows_of, table_frame

pytestmark = pytest.mark.spark

KEY = ("event_date", "wiki_db", "user_hash", "sample_unit", "sample_rate")
PEOPLE = (*KEY, "n_pageviews", "n_review_pageviews")
LAST = date(2026, 6, 8)  # a Monday


def _session(session_hash, fraction, loads, pageviews, reviews):
    return {"session_hash": session_hash, "session_fraction": fraction, "n_loads": loads, "n_pageviews": pageviews,
            "n_review_pageviews": reviews}  # fmt: skip


# ann: two loads of one page and five more pages, two with review clicks; bob: one page that no lower rate keeps.
PAGEVIEWS = [
    {"user_hash": "ann", "n_loads": 7, "n_pageviews": 6, "n_sessions": 2, "loads_sq": 9, "n_review_clicks": 3,
     "n_review_pageviews": 2, "n_pageviews_at": [0, 2, 4], "n_review_pageviews_at": [0, 0, 1],
     "sessions": [_session(1, 0.01, 7, 6, 2)]},
    {"user_hash": "bob", "n_loads": 1, "n_pageviews": 1, "n_pageviews_at": [0, 0, 0],
     "n_review_pageviews_at": [0, 0, 0], "sessions": [_session(2, 0.01, 1, 1, 0)]},
    # A click on a page that was loaded the day before.
    {"user_hash": "cid", "n_review_clicks": 2, "n_review_pageviews": 1, "n_pageviews_at": [0, 0, 0],
     "n_review_pageviews_at": [1, 1, 1], "sessions": [_session(3, 0.9, 0, 0, 1)]},
]  # fmt: skip
SESSIONS = [
    {"user_hash": "ann", "sample_unit": "session", "n_loads": 6, "n_pageviews": 5, "n_sessions": 3,
     "n_review_clicks": 9, "n_review_pageviews": 3, "n_pageviews_at": [5, 5, 5], "n_review_pageviews_at": [3, 3, 3],
     "sessions": [_session(1, 0.05, 0, 0, 1), _session(2, 0.2, 3, 2, 2), _session(3, 0.4, 1, 1, 0),
                  _session(4, 0.5, 1, 1, 0), _session(5, None, 1, 1, 0)]},
    {"user_hash": "bob", "sample_unit": "session", "n_loads": 1, "n_pageviews": 1, "n_sessions": 1,
     "n_pageviews_at": [1, 1, 1], "sessions": [_session(6, 0.6, 1, 1, 0)]},
]  # fmt: skip


@pytest.fixture(scope="module")
def by_hand(spark):
    """Two wikis at rate 1 written by hand, and a sampled one."""
    sampled = {**PAGEVIEWS[0], "wiki_db": "eswiki", "sample_rate": 0.25}
    rows = [*PAGEVIEWS, *({**row, "wiki_db": "trwiki"} for row in SESSIONS), sampled]
    return table_frame(spark, "user_days", rows)


def _copies(days, *rates):
    return thinned_copies(days, {rate: copy_name("", rate) for rate in rates})


@pytest.fixture(scope="module")
def copies(by_hand):
    return _copies(by_hand, 1.0, 0.5, 0.25, 0.1).cache()


def _days(copies, wiki, rate):
    columns = ("user_hash", "sample_rate", "n_loads", "n_pageviews", "n_review_clicks", "n_review_pageviews")
    return rows_of(copies.where(copies.wiki_db == copy_name(wiki, rate)), *columns)


def test_pageviews_are_those_below_the_rate(copies):
    assert _days(copies, "frwiki", 0.5) == [("ann", 0.5, 4, 4, 1, 1), ("cid", 0.5, 0, 0, 1, 1)]
    assert _days(copies, "frwiki", 0.25) == [("ann", 0.25, 2, 2, 0, 0), ("cid", 0.25, 0, 0, 1, 1)]
    assert _days(copies, "frwiki", 0.1) == [("cid", 0.1, 0, 0, 1, 1)]


def test_sessions_are_those_below_the_rate(copies):
    # A fraction of 0.5 is not below 0.5; one that is not known never is.
    assert _days(copies, "trwiki", 0.5) == [("ann", 0.5, 4, 3, 3, 3)]
    assert _days(copies, "trwiki", 0.25) == [("ann", 0.25, 3, 2, 3, 3)]
    assert _days(copies, "trwiki", 0.1) == [("ann", 0.1, 0, 0, 1, 1)]


def test_what_thinning_leaves_beside_the_counts(copies):
    found = {row.wiki_db: row for row in copies.where("user_hash = 'ann' and sample_rate = 0.5").collect()}
    pageviews, sessions = found["frwiki@0.5"], found["trwiki@0.5"]
    assert (pageviews.n_pageviews_at, pageviews.n_review_pageviews_at) == ([0, 2, 4], [0, 0, 1])
    assert (pageviews.n_sessions, pageviews.sessions) == (None, [])
    assert [entry.session_hash for entry in sessions.sessions] == [1, 2, 3]
    assert (sessions.n_sessions, sessions.n_pageviews_at) == (2, None)


def test_rate_one_and_rates_already_lower_change_nothing(by_hand, copies):
    whole = copies.where("wiki_db like '%@1.0'")
    names = [name for name in whole.columns if name != "wiki_db"]
    assert rows_of(whole, *names) == rows_of(by_hand, *names)
    assert _days(copies, "eswiki", 0.5) == [("ann", 0.25, 7, 6, 3, 2)]
    assert _days(copies, "eswiki", 0.1) == []


def test_copies_have_the_columns_of_the_table(by_hand, copies):
    expected = table_frame(by_hand.sparkSession, "user_days", []).schema
    assert [(f.name, f.dataType) for f in copies.schema] == [(f.name, f.dataType) for f in expected]


def test_a_rate_without_counts_is_refused(by_hand):
    with pytest.raises(ValueError, match=r"0\.3"):
        _copies(by_hand, 0.3)


def test_thinned_days_are_the_days_of_thinned_events(spark):
    events = [event for event in random_events(11, n_loads=120) if event["sample_rate"] == 1]
    fraction = {"pageview": "pageview_fraction", "session": "session_fraction"}
    kept = [{**event, "sample_rate": 0.5} for event in events if event[fraction[event["sample_unit"]]] < 0.5]
    days = [
        user_days(element_pageviews(events_frame(spark, rows)), review_elements=REVIEW, dashboard_instruments=[USAGE])
        for rows in (events, kept)
    ]
    thinned = thinned_copies(days[0], {0.5: ""})
    ours = rows_of(thinned, *PEOPLE)
    assert ours == rows_of(days[1], *PEOPLE)
    assert {row[3] for row in ours} == {"pageview", "session"}
    of_sessions = [frame.where("sample_unit = 'session'") for frame in (thinned, days[1])]
    assert rows_of(of_sessions[0], *KEY, "n_loads", "sessions") == rows_of(of_sessions[1], *KEY, "n_loads", "sessions")


def test_where_every_id_is_below_the_rate_the_sums_are_the_truth(spark):
    """Visitors, reviewers, two-day reviewers and cohorts of the copy at 0.1 equal those of the copy at 1."""
    events = random_events(12, n_loads=80)
    low = [
        {**event, **{name: event[name] / 10.1 for name in ("pageview_fraction", "session_fraction")}}
        for event in events
        if event["sample_rate"] == 1
    ]
    days = user_days(element_pageviews(events_frame(spark, low)), review_elements=REVIEW, dashboard_instruments=[USAGE])
    copies = _copies(spark.createDataFrame(days.collect(), schema_of("user_days")), 1.0, 0.1).cache()
    span = {"start": LAST, "end": date(2026, 6, 9)}
    visits = visit_window_sums(copies, windows=(28,), **span).cells
    links = table_frame(spark, "user_link_days", [])
    cohorts = cohort_sums(copies, links, start=date(2026, 6, 2), end=span["end"], metrics=COHORT_METRICS).cells
    for frame, keys, names in (
        (visits, ["as_of_date"], ["n_visitors", "n_reviewers", "n_two_day_reviewers"]),
        (cohorts, ["metric", "metric_date"], ["n_cohort", "n_returned"]),
    ):
        by_rate = frame.assign(wiki=frame["wiki_db"].str.split("@").str[0], rate=frame["wiki_db"].str.split("@").str[1])
        whole, thin = (
            by_rate[by_rate["rate"] == rate].set_index(["wiki", *keys])[names].sort_index() for rate in ("1.0", "0.1")
        )
        assert len(whole) >= 2
        assert whole.to_numpy().sum() > 0
        assert thin.equals(whole)
