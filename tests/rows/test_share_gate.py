"""Process rows of shares of users: one gate by width for every rate."""

import numpy as np
import pandas as pd
import pytest

from jobs.catalogue import load_catalogue
from jobs.estimation.intervals import wilson
from jobs.estimation.limits import DEFAULT_LIMITS
from jobs.rows.share_gate import gate_shares

CATALOGUE = load_catalogue()
REFUSED = "not_estimable"
RETURN, UNIQUE, TWO_DAY = "two_week_return_rate", "link_click_through_rate_unique", "two_day_review_rate"


def _row(metric, returned, n, inference="process", **changed):
    lower, upper = (float(end[0]) for end in wilson(returned, n))
    share = returned / n
    ends = (share, share) if inference == "realised" else (lower, upper)
    kind = "cohort" if CATALOGUE.metric(metric).seen else "rolling"
    return {
        "metric": metric, "inference": inference, "window_kind": kind, "estimate": share, "lower": ends[0],
        "upper": ends[1], "status": "publish", "status_reason": "", "remedy": None,
    } | changed  # fmt: skip


def _gated(*rows):
    return gate_shares(pd.DataFrame(rows).astype({"remedy": object}), CATALOGUE, DEFAULT_LIMITS)


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
        _row("pageviews_per_visitor", 15, 30),
        _row("link_click_through_rate", 15, 30),
        _row(RETURN, 15, 30, status="not_estimable", lower=np.nan, upper=np.nan, estimate=np.nan),
        _row(TWO_DAY, 15, 30, status="bounds_only", lower=0.1, upper=0.5, estimate=np.nan),
    ]
    pd.testing.assert_frame_equal(_gated(*rows), pd.DataFrame(rows).astype({"remedy": object}))


def test_what_a_fit_says_of_itself_is_kept():
    told = {"status": "caution", "status_reason": "No population explains it.", "remedy": "Keep usage at 100 %"}
    kept, worse = (_gated(_row(RETURN, n / 2, n, **told)).iloc[0] for n in (2000, 150))
    assert kept["status_reason"] == told["status_reason"]
    assert worse["status"] == "bounds_only"
    assert worse["remedy"] == told["remedy"]
