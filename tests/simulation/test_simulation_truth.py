"""Truth on an event table small enough to check by hand, the sampling rules, and the vocabulary."""

import csv
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from jobs.simulation.sampling import (
    GRACE,
    KEPT,
    NOT_IN_SAMPLE,
    Regime,
    Units,
    epoch_ms,
    expected_fate,
    fraction,
    sent_by_client,
)
from jobs.simulation.truth import truth_rows
from jobs.simulation.truth_table import COLUMNS, Frame, Setting, TruthEvents, WikiTruth
from jobs.simulation.vocabulary import SHIPPED
from jobs.simulation.writer import write_vocabulary

ROOT = Path(__file__).parents[2]
MONDAY = date(2026, 3, 23)
BUCKETS = ("100-999 edits", "unknown")
ELEMENTS = SHIPPED.elements
DIFF, MENU = ELEMENTS.index("Personal Dashboard diff link"), ELEMENTS.index("Personal Dashboard menu link")
LOAD, SHOWN, CLICK = 0, 1, 2

# day, user, pageview, token, action, element, platform (0 desktop), bucket
TABLE = [
    (0, 0, 0, -1, LOAD, -1, 0, 0),
    (0, 0, 0, 1, SHOWN, DIFF, 0, 0),
    (0, 0, 0, 2, SHOWN, DIFF, 0, 0),
    (0, 0, 0, 1, CLICK, DIFF, 0, 0),
    (0, 0, 0, 1, CLICK, DIFF, 0, 0),  # a repeated click: two clicks, one matched impression
    (0, 0, 0, 3, SHOWN, MENU, 0, 0),
    (0, 1, 1, -1, LOAD, -1, 1, 1),
    (0, 1, 1, 4, CLICK, DIFF, 1, 1),  # a click without an impression
    (1, 1, 2, 5, SHOWN, MENU, 0, 1),
    (2, 2, 3, -1, LOAD, -1, 0, 0),
    (2, 2, 3, 6, SHOWN, DIFF, 0, 0),
    (3, 2, 3, 6, CLICK, DIFF, 0, 0),  # the click falls after midnight: no match on its own day
    (3, 0, 4, -1, LOAD, -1, 0, 1),  # user 0 has another bucket now
    (3, 0, 4, 7, SHOWN, DIFF, 0, 1),
    (3, 0, 4, 7, CLICK, DIFF, 0, 1),
    (9, 0, 5, -1, LOAD, -1, 0, 1),
    (14, 1, 6, -1, LOAD, -1, 0, 1),
    (16, 2, 7, -1, LOAD, -1, 0, 0),
]


@pytest.fixture(scope="module")
def lookup():
    """Answer (value, numerator, denominator, n_users) of a row of the hand-made world, null where there is none."""
    columns = np.array(TABLE, dtype=np.int64).T
    small = TruthEvents(*np.array([(2, 0, 0, -1, LOAD, -1, 0, 0, 0)], dtype=np.int64).T)
    frame = Frame(MONDAY, 18, SHIPPED, BUCKETS)
    everything = TruthEvents(*columns, session=columns[2])
    rows = truth_rows(frame, [WikiTruth("trwiki", 0, everything), WikiTruth("thwiki", 2, small)])
    table = {tuple(row[:8]): tuple(row[8:]) for row in rows}
    assert len(table) == len(rows), "a key comes once"

    def get(metric, first, last, kind="rolling", wiki="trwiki", element="all", platform="all", bucket="all"):
        return table.get((metric, wiki, kind, first, last, element, platform, bucket))

    return get


def test_columns():
    assert COLUMNS == (
        "metric", "wiki_db", "window_kind", "metric_date", "as_of_date", "element_friendly_name",
        "client_platform_family", "edit_count_bucket", "value", "numerator", "denominator", "n_users",
    )  # fmt: skip


def test_visits(lookup):
    assert lookup("dashboard_pageviews", "2026-03-23", "2026-03-29") == (4, 4, None, 3)
    assert lookup("dashboard_visitors", "2026-03-23", "2026-03-29") == (3, 3, None, 3)
    assert lookup("pageviews_per_visitor", "2026-03-23", "2026-03-29") == (4 / 3, 4, 3, 3)
    assert lookup("dashboard_visitors", "2026-03-24", "2026-03-24") == (0, 0, None, 0)
    assert lookup("dashboard_visitors", "2026-03-22", "2026-03-28") is None, "the window starts before the world"


def comparable(settings, table, days=35):
    """Answer value, numerator and denominator of the two metrics that outlast a change of rate, by last day."""
    columns = np.array(table, dtype=np.int64).reshape(-1, 4).T
    day, user, pageview, session = columns
    nothing = np.zeros(len(day), dtype=np.int64)
    events = TruthEvents(day, user, pageview, nothing - 1, nothing, nothing - 1, nothing, nothing, session)
    rows = truth_rows(Frame(MONDAY, days, SHIPPED, BUCKETS), [WikiTruth("trwiki", 0, events, settings)])

    def offset(day):
        return (date.fromisoformat(day) - MONDAY).days

    asked = [row for row in rows if row[0] in ("dashboard_visitors_rarefied", "visit_pairs_per_visit")]
    return {(row[0], offset(row[3]), offset(row[4])): tuple(row[8:11]) for row in asked}


# day, user, pageview, session: user 0 has three loads in two sessions, one of them over midnight, user 1 a single one
VISITS = [(1, 0, 0, 0), (2, 0, 1, 0), (9, 0, 2, 1), (3, 1, 3, 2)]


def test_rarefied_visitors_and_pairs_are_of_the_unit_and_at_the_smallest_rate_so_far():
    whole_again = (Setting("pageview", 1.0, -40, 4), Setting("pageview", 0.5, 4, 8), Setting("pageview", 1.0, 8, 99))
    found = comparable(whole_again, VISITS)
    rarefied = "dashboard_visitors_rarefied"
    assert found[rarefied, 0, 3 + 3] == ((1 - 0.5**2) + 0.5, 2, None)
    assert found[rarefied, 3, 9] == (0.5 + 0.5, 2, None)
    assert found[rarefied, 4, 10] == (0.5, 1, None), "two years are not over"
    assert found["visit_pairs_per_visit", 0, 27] == (6 / 4, 6, 4)
    assert comparable(whole_again[:1], VISITS)[rarefied, 0, 6] == (2, 2, None), "at 100 % they are the visitors"
    by_session = comparable((Setting("session", 0.5, -40, 99),), VISITS)
    assert by_session[rarefied, 0, 6] == (0.5 + 0.5, 2, None), "a session of two days is one"
    assert by_session[rarefied, 2, 8] == (0.5 + 0.5, 2, None)
    assert by_session[rarefied, 3, 9] == (0.5 + 0.5, 2, None)
    assert by_session["visit_pairs_per_visit", 0, 27] == (2 / 3, 2, 3)


def test_windows_of_two_units_have_no_such_truth():
    changing = (Setting("pageview", 0.5, -40, 10), Setting("session", 0.5, 10, 99))
    days = {first for metric, first, _ in comparable(changing, VISITS) if metric == "dashboard_visitors_rarefied"}
    assert {3, 11} <= days
    assert days.isdisjoint(range(4, 11))


def test_quarter_to_date_skips_what_started_before_the_world_and_restarts_in_april(lookup):
    """Visibility on the first day clips the first quarter; from 1 April the window begins with the quarter."""
    assert lookup("dashboard_visitors", "2026-03-23", "2026-03-31", "quarter_to_date")[0] == 3
    assert lookup("dashboard_visitors", "2026-04-01", "2026-04-05", "quarter_to_date")[0] == 1
    assert lookup("dashboard_visitors", "2026-04-01", "2026-04-06", "quarter_to_date")[0] == 2
    assert lookup("reviewers", "2026-03-23", "2026-03-26", "quarter_to_date")[0] == 3


def test_reviews(lookup):
    assert lookup("reviewers", "2026-03-23", "2026-03-29") == (3, 3, None, 3)
    assert lookup("two_day_review_rate", "2026-03-23", "2026-03-29") == (1 / 3, 1, 3, 3)
    assert lookup("reviewers", "2026-03-25", "2026-03-31") == (2, 2, None, 2)


@pytest.mark.parametrize("element", ["Personal Dashboard diff link", "review links"])
def test_link_ratios(lookup, element):
    week = ("2026-03-23", "2026-03-29")
    assert lookup("link_impressions", *week, element=element) == (4, 4, None, 2)
    assert lookup("link_clicks", *week, element=element) == (5, 5, None, 3)
    assert lookup("link_click_through_rate", *week, element=element) == (5 / 4, 5, 4, 2)
    assert lookup("link_click_through_rate_matched", *week, element=element) == (2 / 4, 2, 4, 2)
    assert lookup("link_click_through_rate_unique", *week, element=element) == (1.0, 2, 2, 2)
    assert lookup("link_click_through_rate", "2026-03-24", "2026-03-24", element=element) == (None, 0, 0, 0)


def test_link_margins(lookup):
    week, diff = ("2026-03-23", "2026-03-29"), "Personal Dashboard diff link"
    assert lookup("link_clicks", *week, element=diff, platform="mobile_browser")[0] == 1
    assert lookup("link_clicks", *week, element=diff, platform="desktop_browser")[0] == 4
    assert lookup("link_clicks", *week, element=diff, bucket="unknown")[0] == 2
    assert lookup("link_impressions", *week, element=diff, bucket="100-999 edits")[0] == 3
    assert lookup("link_clicks", "2026-03-24", "2026-03-30", element=diff, bucket="unknown")[0] == 1
    assert lookup("link_clicks", "2026-03-24", "2026-03-24", element=diff, bucket="unknown") is None
    assert lookup("link_clicks", *week, element=diff, platform="mobile_browser", bucket="unknown") is None


def test_menu_link_has_no_pooled_platforms(lookup):
    week, menu = ("2026-03-23", "2026-03-29"), "Personal Dashboard menu link"
    assert lookup("link_impressions", *week, element=menu) is None
    assert lookup("link_impressions", *week, element=menu, platform="desktop_browser") == (2, 2, None, 2)
    assert lookup("link_impressions", *week, element=menu, platform="mobile_browser") == (0, 0, None, 0)
    assert lookup("link_impressions", *week, element=menu, platform="desktop_browser", bucket="unknown")[0] == 1
    after = lookup("link_impressions", "2026-04-01", "2026-04-07", element=menu, platform="desktop_browser")
    assert after is None, "it was removed on 2026-04-07"


def test_returns(lookup):
    assert lookup("two_week_return_rate", "2026-03-23", "2026-04-05", "cohort") == (1 / 3, 1, 3, 3)
    assert lookup("two_week_return_rate", "2026-03-24", "2026-04-06", "cohort") is None, "Mondays only"
    assert lookup("presented_two_week_rate", "2026-03-23", "2026-04-05", "cohort") == (1 / 2, 1, 2, 2)
    assert lookup("retention_14d", "2026-03-23", "2026-04-06", "cohort") == (1.0, 2, 2, 2)
    assert lookup("retention_day_14", "2026-03-23", "2026-04-06", "cohort") == (1 / 2, 1, 2, 2)
    assert lookup("retention_day_7", "2026-03-25", "2026-04-01", "cohort") == (0.0, 0, 1, 1)
    assert lookup("retention_day_1", "2026-03-24", "2026-03-25", "cohort") == (None, 0, 0, 0)


def test_presented_asks_for_the_menu_link_in_its_first_week_only():
    """The link goes on Tuesday 7 April: the cohort of 30 March is measured, that of 6 April is not."""
    nothing = TruthEvents(*(np.zeros(0, dtype=np.int64) for _ in range(9)))
    rows = truth_rows(Frame(MONDAY, 35, SHIPPED, BUCKETS), [WikiTruth("trwiki", 0, nothing)])
    assert [row[3] for row in rows if row[0] == "presented_two_week_rate"] == ["2026-03-23", "2026-03-30"]


def test_all_wikis_are_those_visible_on_every_day(lookup):
    assert lookup("dashboard_pageviews", "2026-03-24", "2026-03-30", wiki="all")[:2] == (2, 2), (
        "thwiki was not shown yet"
    )
    assert lookup("dashboard_pageviews", "2026-03-25", "2026-03-31", wiki="all") == (3, 3, None, 3)
    assert lookup("dashboard_pageviews", "2026-03-24", "2026-03-30", wiki="thwiki") is None
    assert lookup("dashboard_visitors", "2026-03-25", "2026-03-31", wiki="all") is None
    assert lookup("link_clicks", "2026-03-25", "2026-03-31", wiki="all", element="review links")[0] == 2


def test_nothing_is_measured_while_selectors_are_broken():
    frame = Frame(date(2026, 4, 27), 32, SHIPPED, BUCKETS)
    nothing = TruthEvents(*(np.zeros(0, dtype=np.int64) for _ in range(9)))
    rows = truth_rows(frame, [WikiTruth("trwiki", 0, nothing)])
    reviewers = sorted(row[4] for row in rows if row[0] == "reviewers" and row[2] == "rolling")
    assert reviewers == ["2026-05-03", "2026-05-27", "2026-05-28"]
    loads = {row[4] for row in rows if row[0] == "dashboard_pageviews" and row[3] == row[4] and row[1] == "trwiki"}
    assert len(loads) == 32, "loads were measured all along"
    watched = {row[4] for row in rows if "watched" in row[5] and row[3] == row[4] and row[0] == "link_clicks"}
    assert min(watched) == "2026-05-21"


def units(minutes, head):
    n = len(minutes)
    ids = np.full(n, head, dtype=np.uint64)
    return Units(np.array(minutes) * 60_000, ids, ids, np.full(n, 5 * 60_000))


def test_fraction_is_the_clients():
    heads = np.array([0x0A1B2C3D4E5F6071, 0xFFFFFFFF00000000, 0], dtype=np.uint64)
    assert fraction(heads).tolist() == [0x0A1B2C3D / 0xFFFFFFFF, 1.0, 0.0]


@pytest.mark.parametrize(
    ("old", "new", "head", "expected"),
    [
        ((1.0, "pageview"), (0.1, "pageview"), 0x80 << 56, [KEPT, GRACE, GRACE, NOT_IN_SAMPLE]),
        ((0.1, "pageview"), (1.0, "pageview"), 0x80 << 56, [NOT_IN_SAMPLE, GRACE, GRACE, KEPT]),
        ((1.0, "pageview"), (0.1, "pageview"), 0x08 << 56, [KEPT, KEPT, KEPT, KEPT]),
        ((0.5, "pageview"), (0.5, "session"), 0x08 << 56, [KEPT, GRACE, GRACE, KEPT]),
        ((1.0, "pageview"), (1.0, "session"), 0x80 << 56, [KEPT, KEPT, KEPT, KEPT]),
    ],
)
def test_fates_around_a_change(old, new, head, expected):
    """The change is at minute 100; the minutes are one before, at, 14 after and 15 after."""
    regimes = [Regime(0, old[1], old[0], old[0]), Regime(100 * 60_000, new[1], new[0], new[0])]
    assert expected_fate(units([99, 100, 114, 115], head), regimes).tolist() == expected


def test_clients_follow_a_change_when_their_copy_is_renewed():
    regimes = [Regime(0, "pageview", 1.0, 1.0), Regime(100 * 60_000, "pageview", 0.1, 0.1)]
    assert sent_by_client(units([99, 104, 105, 120], 0x80 << 56), regimes).tolist() == [True, True, False, False]


def test_epoch():
    assert epoch_ms(date(2026, 3, 19)) == 1_773_878_400_000


def spans(rows):
    """Measured stretches by element and platform, joined where one follows the other."""
    result = {}
    for row in sorted(rows):
        element, group, platform, first, last = row
        for one in ("desktop_browser", "mobile_browser") if platform == "*" else (platform,):
            result.setdefault((element, group, one), []).append((first, last))
    return {key: sorted(value) for key, value in result.items()}


def test_the_shipped_vocabulary_says_the_same(tmp_path):
    """Truth has its own table of what could be measured; it must agree with the one the product reads."""

    def read(path):
        with path.open(encoding="utf-8") as stream:
            return spans(tuple(row.values())[:5] for row in csv.DictReader(stream))

    write_vocabulary(tmp_path / "vocabulary.csv", SHIPPED)
    assert read(tmp_path / "vocabulary.csv") == read(ROOT / "jobs" / "data" / "vocabulary.csv")
