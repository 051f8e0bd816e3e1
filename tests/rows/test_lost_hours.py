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
from tests.references import BEGIN, arrival, policy_row, reference, wiki_row

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


def context(lost, rate=1.0, known=MONTH, more=(), visible=BEGIN):
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
    wikis = [wiki_row("idwiki"), wiki_row("thwiki"), *(wiki_row(name, visible) for name in more)]
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
        "sampling_rate_min": 1.0, "sampling_rate_max": 1.0, **more,
    }  # fmt: skip


def ends(known, *rows):
    found = widen(pd.DataFrame(rows), known, DEFAULT_LIMITS)
    return [tuple(ends) for ends in found[["lower", "estimate", "upper"]].to_numpy()]


def point(value, **more):
    return {"estimate": value, "lower": value, "upper": value, **more}


ONE = {LAST: [12]}
HALF = {"sampling_rate_min": 0.5, "sampling_rate_max": 0.5}
RERUN = "rerun the day when the hours arrive"


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
    assert (found["status"].item(), found["remedy"].item()) == ("not_estimable", RERUN)


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


def test_under_sampling_what_is_added_is_weighted_and_a_denominator_is_what_was_kept_at_least():
    known = context(ONE, rate=0.5)
    half = {**HALF, "estimator": "horvitz_thompson"}
    total = candidate("dashboard_pageviews", estimate=200, lower=170, upper=230, **half)
    ratio = candidate("link_click_through_rate", **point(0.3), observed_denominator=100, **half)
    bounds = candidate("dashboard_pageviews", estimate=10, lower=4, upper=20, **half) | {"status": "bounds_only"}
    assert ends(known, total, ratio, bounds) == [
        pytest.approx((170, 216, 246)), pytest.approx((30 / 140, 0.3, 42 / 100)), pytest.approx((4, 26, 36)),
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
    assert found["status"] == "not_estimable"
    assert found["remedy"] == f"{RERUN}; run those of the 28 days to the window's end whose hours are not counted yet"
    assert "fewer than 14 like it are known" in found["status_reason"]


def test_a_count_that_became_too_wide_is_bounds_only_and_a_share_too():
    seen = {"estimator": "npmle_users", **HALF}
    count = candidate("dashboard_visitors", estimate=14, lower=12, upper=15, **seen)
    share = candidate("two_week_return_rate", estimate=0.5, lower=0.45, upper=0.55, observed_denominator=20,
                      metric_date=pd.Timestamp(LAST - 13 * DAY), **seen | {"estimator": "npmle_retention"})  # fmt: skip
    firm = candidate("dashboard_visitors", estimate=200, lower=195, upper=204, **seen)
    found = widen(pd.DataFrame([count, share, firm]), context({LAST: [12]}, rate=0.5), DEFAULT_LIMITS)
    assert found["status"].tolist() == ["bounds_only", "not_estimable", "publish"]
    assert found["status_reason"].iloc[0].startswith("The number of visitors is known to ±")


def fallen(metric, status, ends, **more):
    """What a row under sampling becomes after an hour with (at rate 1/2) 8 visitors and 6 reviewers."""
    lower, estimate, upper = ends
    first = {"metric_date": pd.Timestamp(LAST - 13 * DAY)} if metric == "two_week_return_rate" else {}
    row = candidate(metric, lower=lower, estimate=estimate, upper=upper, **HALF, **first, **more) | {"status": status}
    (found,) = widen(pd.DataFrame([row]), context(ONE, rate=0.5), DEFAULT_LIMITS).to_dict("records")
    return found


@pytest.mark.parametrize(
    ("metric", "estimator", "status", "ends", "expected"),
    [
        ("dashboard_visitors", "bounds", "bounds_only", (12, np.nan, 58), "not_estimable"),
        ("dashboard_visitors", "bounds", "bounds_only", (12, np.nan, 50), "bounds_only"),
        ("dashboard_visitors", "npmle_reference", "caution", (30, 40, 46), "bounds_only"),
        ("dashboard_visitors", "npmle_reference", "caution", (7, 8, 30), "not_estimable"),
        ("dashboard_visitors_rarefied", "rarefied", "publish", (30, 40, 46), "bounds_only"),
        ("dashboard_visitors_rarefied", "rarefied", "publish", (70, 72, 75), "publish"),
        ("two_week_return_rate", "npmle_retention", "bounds_only", (0.2, np.nan, 0.4), "not_estimable"),
        ("two_day_review_rate", "bounds", "bounds_only", (0.0, np.nan, 0.15), "bounds_only"),  # becomes 0 to 45 %
        ("two_day_review_rate", "bounds", "bounds_only", (0.0, np.nan, 0.25), "not_estimable"),
        ("link_click_through_rate_unique", "npmle_ratio", "publish", (0.3, 0.32, 0.34), "not_estimable"),
    ],
)
def test_what_became_too_wide_falls_whatever_estimated_it(metric, estimator, status, ends, expected):
    found = fallen(metric, status, ends, estimator=estimator, observed_denominator=20)
    assert found["status"] == expected, (found["lower"], found["upper"])
    if expected == "not_estimable":
        assert found["remedy"] == RERUN
        assert "too wide even for bounds" in found["status_reason"]


def test_bounds_still_name_what_they_rest_on_but_no_other_width():
    told = "The number is known to ±12 % only, wider than the ±10 % of a firm number; as seen at pageview 10 %"
    found = fallen("dashboard_visitors_rarefied", "caution", (30, 40, 46), estimator="rarefied", status_reason=told)
    assert found["status_reason"] == (
        "The number is known to ±30 % only, too wide for an estimate (at most ±25 %); as seen at pageview 10 %"
    )


def test_a_refused_row_names_its_own_remedy_first():
    found = fallen("dashboard_visitors", "bounds_only", (12, np.nan, 58), estimator="bounds", remedy="Keep all")
    assert found["remedy"] == f"Keep all; {RERUN}"


def test_counts_of_everything_that_arrived_are_at_least_so_many():
    rows = [
        candidate("dashboard_visitors", **point(1)),
        candidate("dashboard_visitors_rarefied", **point(1), estimator="rarefied"),
    ]
    assert widen(pd.DataFrame(rows), context(ONE), DEFAULT_LIMITS)["status"].tolist() == ["publish", "publish"]


@pytest.mark.parametrize(("whole", "expected"), [(13, "not_estimable"), (14, "publish")])
def test_who_never_sent_anything_is_known_from_the_day_it_could(whole, expected):
    known = context({LAST: list(range(24 - whole))}, more=["xwiki"], visible=LAST)
    rows = [candidate(metric, **point(0), wiki_db="xwiki") for metric in ("dashboard_pageviews", "link_clicks")]
    one_day = [row | {"metric_date": pd.Timestamp(LAST)} for row in rows]
    found = widen(pd.DataFrame(one_day), known, DEFAULT_LIMITS)
    assert found["status"].tolist() == [expected, expected]
    assert found["upper"].dropna().tolist() == [0, 0] * (expected == "publish")


def test_who_has_sent_nothing_for_weeks_stays_zero():
    known = context(ONE, more=["xwiki"], visible=LAST - 20 * DAY)
    assert ends(known, candidate("dashboard_pageviews", **point(0), wiki_db="xwiki")) == [(0, 0, 0)]


def test_windows_are_asked_for_one_after_the_other(monkeypatch):
    known = context(ONE)
    asked = []
    monkeypatch.setattr(known.hourly, "lost", lambda as_of, *_: asked.append(as_of))
    both = [candidate(metric, **point(1)) for metric in ("dashboard_pageviews", "reviewers")]
    earlier = [row | {"as_of_date": pd.Timestamp(LAST - DAY)} for row in both]
    widen(pd.DataFrame([both[0], earlier[0], both[1], earlier[1]]), known, DEFAULT_LIMITS)
    assert asked == sorted(asked)
