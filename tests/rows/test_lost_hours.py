"""Rows whose window lost an hour hold what it could have held, in every metric; others stay as they were."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from jobs.catalogue import load_catalogue
from jobs.estimation.limits import DEFAULT_LIMITS
from jobs.rows.hourly import MEASURES, HourlyCounts
from jobs.rows.lost_hours import RECIPES, widen
from jobs.rows.window_context import WindowContext
from jobs.windows import DAY, days
from tests.references import arrival, policy_row, reference, wiki_row

LAST = date(2026, 3, 29)
MONTH = days(LAST - 27 * DAY, LAST + DAY)
DIFF, MENU = "Personal Dashboard diff link", "Personal Dashboard menu link"
# What every noon holds, on each of two wikis: 8 loads of 4 visitors; 20 impressions to 5 users, 6 clicks of 3.
NOON = (
    {"element_friendly_name": None, "n_loads": 8, "n_visitors": 4},
    {"element_friendly_name": DIFF, "n_impressions": 20, "n_clicks": 6, "n_shown_users": 5, "n_click_users": 3},
    {"element_friendly_name": MENU, "n_impressions": 2, "n_shown_users": 2},
    {"element_friendly_name": "review links", "n_impressions": 20, "n_clicks": 6, "n_shown_users": 5,
     "n_click_users": 3},
)  # fmt: skip


def context(lost, rate=1.0, known=MONTH):
    segment = {"instrument_name": "usage", "sample_unit": "pageview", "client_platform_family": "desktop_browser"}
    counts = [
        dict.fromkeys(MEASURES, 0)
        | {**segment, "event_date": day, "event_hour": 12, "wiki_db": wiki, "sample_rate": rate}
        | {"edit_count_bucket": "5-99 edits", **noon}
        for day in known
        for wiki in ("idwiki", "thwiki")
        for noon in NOON
        if 12 not in lost.get(day, ())
    ]
    arrived = arrival(known, lost)
    wikis = [wiki_row("idwiki"), wiki_row("thwiki")]
    return WindowContext(
        reference(policy_row(), wikis=wikis), arrived, 15, hourly=HourlyCounts(pd.DataFrame(counts), arrived)
    )


def candidate(metric, **more):
    element = DIFF if metric.startswith("link") else "all"
    return {
        "metric": metric, "wiki_db": "idwiki", "inference": "realised", "metric_date": pd.Timestamp(LAST - 6 * DAY),
        "as_of_date": pd.Timestamp(LAST), "element_friendly_name": element, "client_platform_family": "all",
        "edit_count_bucket": "all", "is_complete": False, "unmeasured_reason": None, "status": "publish",
        "status_reason": "", "remedy": None, "estimator": "count", "observed_denominator": np.nan,
        "sampling_rate_max": 1.0, **more,
    }  # fmt: skip


def ends(known, *rows):
    found = widen(pd.DataFrame(rows), known, DEFAULT_LIMITS)
    return [tuple(ends) for ends in found[["lower", "estimate", "upper"]].to_numpy()]


def point(value, **more):
    return {"estimate": value, "lower": value, "upper": value, **more}


ONE = {LAST: [12]}


@pytest.mark.parametrize(
    ("metric", "kept", "base", "expected"),
    [
        ("dashboard_pageviews", 100, np.nan, (100, 108, 108)),
        ("dashboard_visitors", 30, np.nan, (30, 30, 34)),
        ("reviewers", 9, np.nan, (9, 9, 12)),
        ("link_impressions", 50, np.nan, (50, 70, 70)),
        ("link_clicks", 0, np.nan, (0, 6, 6)),
        ("pageviews_per_visitor", 2, 20, (44 / 24, 2, 48 / 20)),  # a new visitor brings a load
        ("two_day_review_rate", 0.5, 20, (10 / 24, 0.5, 13 / 20)),
        ("link_click_through_rate", 0.9, 20, (18 / 40, 0.9, 24 / 20)),
        ("link_click_through_rate_matched", 0.8, 20, (16 / 40, 0.8, 1)),
        ("link_click_through_rate_unique", 0.5, 20, (10 / 25, 0.5, 13 / 20)),
    ],
)
def test_a_rolling_row_holds_what_an_hour_could_add(metric, kept, base, expected):
    (found,) = ends(context(ONE), candidate(metric, **point(kept), observed_denominator=base))
    assert found == pytest.approx(expected)


def test_every_metric_grows_somehow_or_is_refused():
    rolling = {m.metric for m in load_catalogue().of_family("totals", "users", "links") if m.seen is None}
    assert rolling - set(RECIPES) <= {"visit_pairs_per_visit"}, "who comes most often could have come in that hour"


def test_a_metric_without_a_bound_is_refused(monkeypatch):
    monkeypatch.delitem(RECIPES, "reviewers")
    found = widen(pd.DataFrame([candidate("reviewers", **point(30))]), context(ONE), DEFAULT_LIMITS)
    assert (found["status"].item(), found["remedy"].item()) == ("not_estimable", "rerun the day when the hours arrive")


@pytest.mark.parametrize(
    ("metric", "lost", "expected"),
    [
        ("retention_day_7", {LAST: [12]}, (0.5, 0.5, 14 / 20)),  # the day of return
        ("retention_day_7", {LAST - 7 * DAY: [12]}, (10 / 24, 0.5, 14 / 24)),  # new members, who may have returned
        ("retention_day_7", {LAST - 3 * DAY: [12]}, (0.5, 0.5, 0.5)),  # a day that is not looked at
        ("two_week_return_rate", {LAST: [12], LAST - 13 * DAY: [12]}, (10 / 24, 0.5, 18 / 24)),
        ("presented_two_week_rate", {LAST - 13 * DAY: [12]}, (10 / 22, 0.5, 16 / 22)),  # two shown, four loading
        ("presented_two_week_rate", {LAST: [12]}, (0.5, 0.5, 14 / 20)),
    ],
)
def test_a_cohort_gains_members_in_its_first_window_and_returns_in_its_second(metric, lost, expected):
    first = pd.Timestamp(LAST - (7 if metric == "retention_day_7" else 13) * DAY)
    row = candidate(metric, **point(0.5), observed_denominator=20, metric_date=first, window_kind="cohort")
    (found,) = ends(context(lost), row)
    assert found == pytest.approx(expected)


def test_an_interval_keeps_its_width_and_a_share_stays_one():
    wide = {"estimate": 0.9, "lower": 0.7, "upper": 0.98, "observed_denominator": 20, "inference": "process"}
    (found,) = ends(context(ONE), candidate("two_day_review_rate", **wide))
    assert found == pytest.approx((14 / 24, 0.9, 1))


def test_under_sampling_events_are_weighted_and_users_seen_are_the_fewest():
    known = context(ONE, rate=0.5)
    half = {"sampling_rate_max": 0.5, "estimator": "horvitz_thompson"}
    total = candidate("dashboard_pageviews", estimate=200, lower=170, upper=230, **half)
    ratio = candidate("link_click_through_rate", **point(0.3), observed_denominator=100, **half)
    bounds = candidate("dashboard_pageviews", estimate=10, lower=4, upper=20, **half) | {"status": "bounds_only"}
    assert ends(known, total, ratio, bounds) == [
        pytest.approx((170, 216, 246)), pytest.approx((60 / 240, 0.3, 72 / 200)), pytest.approx((4, 26, 36)),
    ]  # fmt: skip


def test_wiki_all_is_the_sum_of_its_wikis():
    assert ends(context(ONE), candidate("link_clicks", **point(10), wiki_db="all")) == [(10, 22, 22)]


def test_hours_add_up_and_a_window_without_any_stays():
    known = context({LAST: [12], LAST - 6 * DAY: [12], LAST - 7 * DAY: [12]})
    whole = candidate("dashboard_visitors", **point(9), is_complete=True)
    assert ends(known, candidate("dashboard_visitors", **point(30)), whole) == [(30, 30, 38), (9, 9, 9)]


def test_what_is_not_measured_or_shown_is_left_alone():
    rows = pd.DataFrame(
        [
            candidate("dashboard_visitors", **point(30), unmeasured_reason="1 of 7 days have no input"),
            candidate("dashboard_visitors", **point(30)) | {"status": "not_estimable"},
        ]
    )
    found = widen(rows, context(ONE), DEFAULT_LIMITS)
    assert found["upper"].tolist() == [30, 30]


def test_where_too_little_is_known_nothing_is_shown():
    lost = {LAST: list(range(11))}
    row = candidate("dashboard_visitors", **point(30), metric_date=pd.Timestamp(LAST))
    (found,) = widen(pd.DataFrame([row]), context(lost, known=[LAST]), DEFAULT_LIMITS).to_dict("records")
    assert (found["status"], found["remedy"]) == ("not_estimable", "rerun the day when the hours arrive")
    assert "fewer than 14 like it are known" in found["status_reason"]


def test_a_count_that_became_too_wide_is_bounds_only_and_a_share_too():
    seen = {"estimator": "npmle_users", "sampling_rate_max": 0.5}
    count = candidate("dashboard_visitors", estimate=14, lower=12, upper=15, **seen)
    share = candidate("two_week_return_rate", estimate=0.5, lower=0.45, upper=0.55, observed_denominator=20,
                      metric_date=pd.Timestamp(LAST - 13 * DAY), **seen | {"estimator": "npmle_retention"})  # fmt: skip
    firm = candidate("dashboard_visitors", estimate=200, lower=195, upper=204, **seen)
    found = widen(pd.DataFrame([count, share, firm]), context({LAST: [12]}, rate=0.5), DEFAULT_LIMITS)
    assert found["status"].tolist() == ["bounds_only", "not_estimable", "publish"]
    assert found["status_reason"].iloc[0].startswith("The number of visitors is known to ±")
