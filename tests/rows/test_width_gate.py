"""Process rows of people: one gate by width for every rate."""

import numpy as np
import pandas as pd
import pytest

from jobs.catalogue import load_catalogue
from jobs.estimation.intervals import wilson
from jobs.estimation.limits import DEFAULT_LIMITS
from jobs.rows.width_gate import gate_widths

CATALOGUE = load_catalogue()
REFUSED = "not_estimable"
RETURN, UNIQUE, TWO_DAY = "two_week_return_rate", "link_click_through_rate_unique", "two_day_review_rate"


def _row(metric, returned, n, inference="process", **changed):
    lower, upper = (float(end[0]) for end in wilson(returned, n))
    share = returned / n
    ends = (share, share) if inference == "realised" else (lower, upper)
    kind, days = ("cohort", 14) if CATALOGUE.metric(metric).seen else ("rolling", 7)
    return {
        "metric": metric, "inference": inference, "window_kind": kind, "window_days": days, "estimator": "ratio",
        "estimate": share, "lower": ends[0], "upper": ends[1], "status": "publish", "status_reason": "", "remedy": None,
    } | changed  # fmt: skip


def _gated(*rows):
    return gate_widths(pd.DataFrame(rows).astype({"remedy": object}), CATALOGUE, DEFAULT_LIMITS)


@pytest.mark.parametrize("metric", [RETURN, UNIQUE, TWO_DAY, "presented_two_week_rate", "retention_day_7"])
@pytest.mark.parametrize(
    ("n", "status"),
    [(1100, "publish"), (900, "caution"), (200, "caution"), (150, "bounds_only"), (30, "not_estimable")],
)
def test_the_same_width_has_the_same_status_at_full_rate(metric, n, status):
    row = _gated(_row(metric, n / 2, n)).iloc[0]
    assert row["status"] == status
    if status != "publish":
        assert row["status_reason"].startswith("The share is known to ±")
        cohort = CATALOGUE.metric(metric).seen is not None
        assert row["remedy"] == ("a cohort of more users" if cohort else "a longer window, with more users")


def test_rare_shares_are_judged_relative_to_themselves():
    assert _gated(_row(RETURN, 2, 400)).iloc[0]["status"] == "bounds_only"


def test_what_happened_and_other_numbers_stay_as_they_are():
    rows = [
        _row(RETURN, 15, 30, "realised"),
        _row("pageviews_per_visitor", 15, 30, "realised"),
        _row("link_click_through_rate", 15, 30),
        _row(RETURN, 15, 30, status="not_estimable", lower=np.nan, upper=np.nan, estimate=np.nan),
        _row(TWO_DAY, 15, 30, status="bounds_only", lower=0.1, upper=0.5, estimate=np.nan, estimator="bounds"),
    ]
    pd.testing.assert_frame_equal(_gated(*rows), pd.DataFrame(rows).astype({"remedy": object}))


def test_what_a_fit_says_of_itself_is_kept():
    told = {"status": "caution", "status_reason": "No population explains it.", "remedy": "Keep usage at 100 %"}
    kept, worse = (_gated(_row(RETURN, n / 2, n, **told)).iloc[0] for n in (2000, 150))
    assert kept["status_reason"] == told["status_reason"]
    assert worse["status"] == "bounds_only"
    assert worse["remedy"] == told["remedy"]


@pytest.mark.parametrize(
    ("metric", "upper", "more"),
    [(RETURN, 0.95, {}), (TWO_DAY, 0.55, {"estimator": "bounds"})],
)
def test_bounds_that_became_too_wide_are_refused(metric, upper, more):
    row = _row(metric, 15, 30, status="bounds_only", lower=0.0, upper=upper, estimate=np.nan, **more)
    assert _gated(row).iloc[0]["status"] == REFUSED


@pytest.mark.parametrize(
    ("upper", "status"), [(2.1, "publish"), (2.6, "caution"), (4.9, "bounds_only"), (9.1, REFUSED)]
)
def test_pageviews_per_visitor_are_judged_relative_to_themselves(upper, status):
    row = _gated(_row("pageviews_per_visitor", 60, 30, lower=1.8, upper=upper)).iloc[0]
    assert row["status"] == status
    if status != "publish":
        assert row["status_reason"].startswith("The number of pageviews per visitor")
        assert row["remedy"] == "a longer window, with more users"


@pytest.mark.parametrize(
    ("metric", "kind", "days", "remedy"),
    [
        (UNIQUE, "rolling", 7, "a longer window, with more users"),
        (UNIQUE, "rolling", 28, "more users"),
        (TWO_DAY, "rolling", 28, "a longer window, with more users"),
        (TWO_DAY, "quarter_to_date", np.nan, "more users"),
        ("pageviews_per_visitor", "rolling", 28, "more users"),
    ],
)
def test_a_longer_window_is_offered_where_there_is_one(metric, kind, days, remedy):
    row = _row(metric, 15, 30, window_kind=kind, window_days=days, lower=0.0, upper=0.9)
    assert _gated(row).iloc[0]["remedy"] == remedy
