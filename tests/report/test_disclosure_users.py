"""Which cells a report hides because of users: those of two platforms, those among others, a raised threshold."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from few_users import MIN_USERS, MONDAY, OTHER, random_cells

from jobs.catalogue import load_catalogue
from jobs.estimation.comparable import UserUnits, pairs_process, pairs_realised
from jobs.estimation.limits import Interval
from jobs.estimation.share_limits import spanning_verdict
from jobs.report.cells_reasons import without_others
from jobs.report.disclosure import hide

CATALOGUE = load_catalogue()
UNIQUE = "link_click_through_rate_unique"
BOTH = ("desktop_browser", "mobile_browser")
Row = tuple[str, str, str, float, float]  # metric, element, platform, numerator, denominator


def shown(*rows: Row) -> list[bool]:
    """Say which rows of one week are shown."""
    names = ["metric", "element_friendly_name", "client_platform_family", "observed_numerator", "observed_denominator"]
    cells = pd.DataFrame(rows, columns=names)
    value = cells["observed_numerator"]
    users = cells["observed_denominator"].fillna(value)
    cells = cells.assign(
        wiki_db="w0wiki", window_days=7, window_kind="rolling", inference="realised", window_start=MONDAY,
        link_group=cells["element_friendly_name"].map({"policy link": OTHER}), estimate=value, lower=value,
        upper=value, n_users_observed=users, n_effective=users, status="publish", status_reason="", remedy=None,
        estimator="count",
    )  # fmt: skip
    return hide(cells, CATALOGUE, MIN_USERS)["estimate"].notna().tolist()


def unique(desktop: float, mobile: float, total: float) -> list[bool]:
    """Say which of the rows of a link are shown: desktop, mobile, all; a hundred users saw it on both platforms."""
    tops = zip((*BOTH, "all"), (desktop, mobile, total), (500.0, 500.0, 900.0), strict=True)
    return shown(*((UNIQUE, "policy link", *row) for row in tops))


def test_users_who_do_not_overlap_are_shown_by_platform():
    assert unique(45, 17, 62) == [True, True, True]


@pytest.mark.parametrize(
    ("desktop", "mobile", "total"),
    [(45, 17, 61), (45, 17, 53), (45, 20, 48)],
    ids=["one on both", "nine on both", "three on mobile only"],
)
def test_few_users_of_both_platforms_or_of_one_only_hide_the_platforms(desktop, mobile, total):
    assert unique(desktop, mobile, total) == [False, False, True]


def test_many_users_of_both_platforms_hide_nothing():
    assert unique(45, 37, 62) == [True, True, True]


def people(visitors: float, reviewers: float, two_day: float) -> list[bool]:
    """Say which rows are shown: visitors, reviewers, share of visitors who reviewed on two days."""
    return shown(
        ("dashboard_pageviews", "all", "all", 4000.0, np.nan),
        ("dashboard_visitors", "all", "all", visitors, np.nan),
        ("reviewers", "all", "all", reviewers, np.nan),
        ("two_day_review_rate", "all", "all", two_day, visitors),
    )[1:]


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ((300, 200, 100), [True, True, True]),
        ((300, 200, 200), [True, True, True]),  # nobody is left over
        ((300, 296, 100), [True, False, True]),
        ((300, 200, 199), [True, False, True]),
    ],
)
def test_few_users_left_over_by_those_among_them_hide_the_inner_count(counts, expected):
    assert people(*counts) == expected


def test_a_raised_threshold_is_obeyed():
    cells = random_cells(7, users=(30, 200))
    least = []
    for threshold in (MIN_USERS, 30):
        left = hide(cells, CATALOGUE, threshold)
        users = cells.loc[left["estimate"].notna(), "n_users_observed"]
        least.append(users[users > 0].min())
    assert least[0] < 30 <= least[1]


def test_a_number_that_a_few_users_make_is_hidden_in_both_readings():
    process = pairs_process(UserUnits(np.array([[1.0], [100.0]]), np.array([1.0]), np.array([400.0, 5.0])))
    cells = pd.DataFrame(
        {
            "metric": "visit_pairs_per_visit", "wiki_db": ["w0wiki", "w0wiki", "w1wiki"], "window_days": 28,
            "window_kind": "rolling", "inference": ["realised", "process", "realised"], "window_start": MONDAY,
            "element_friendly_name": "all", "client_platform_family": "all", "link_group": None, "estimate": 54.4,
            "lower": 54.4, "upper": 54.4, "observed_numerator": 49500.0, "observed_denominator": 900.0,
            "n_users_observed": 405.0, "n_effective": 900.0, "status": ["publish", process.status, "publish"],
            "status_reason": ["", process.status_reason, ""], "remedy": None, "estimator": "pairs",
        }
    )  # fmt: skip
    left = hide(cells, CATALOGUE, MIN_USERS)
    assert left["status"].tolist() == ["suppressed", "suppressed", "publish"]
    assert left["estimate"].isna().tolist() == [True, True, False]


def test_shares_of_users_who_are_no_cell_are_cut_from_reasons():
    verdict = spanning_verdict(1.0, 0.73, Interval(0.4, 0.3, 0.5))
    pairs = pairs_realised(UserUnits(np.array([[2.0], [1.0]]), np.array([0.25]), np.array([5.0, 15.0])))
    known = "The share may lie anywhere between 11 % and 88 %, too wide even for bounds."
    assert verdict is not None
    told = without_others(pd.Series([verdict.reason, pairs.status_reason, known, None], dtype=object)).tolist()
    assert told[0].startswith("Of the users seen in both windows … % had one session in both")
    assert not any(digit in told[1].split("worth")[1].split("at one rate")[0] for digit in "0123456789")
    assert told[2:] == [known, None]
