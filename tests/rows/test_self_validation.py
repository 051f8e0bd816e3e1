from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from jobs.estimation.limits import DEFAULT_LIMITS
from jobs.estimation.people import retention_estimate
from jobs.rows.fitting import Fitting
from jobs.rows.self_validation import COLUMNS, RATES, mondays, self_validation_rows, validation_windows
from jobs.rows.window_context import WindowContext
from jobs.steps.fitting import fit_many
from jobs.window_sums.tables import CohortSums, VisitSums, copy_name
from tests.references import arrival, element_row, instrument_row, policy_row, reference, wiki_row

MONDAY = date(2026, 6, 8)
DAY = timedelta(days=1)
FITTING = Fitting(DEFAULT_LIMITS, fit_many)
WINDOW = {"window_kind": "rolling", "population": "visitors", "window_length": 28, "as_of_date": pd.Timestamp(MONDAY)}
WEEK = {
    "metric": "two_week_return_rate",
    "metric_date": pd.Timestamp(2026, 5, 25),
    "as_of_date": pd.Timestamp(2026, 6, 7),
}


def _thinned_visits(units, reviews, rng):
    """Thin users with so many pageviews, some with a review click, to every rate, nested as ids are."""
    fractions = [(rng.random(n - r), rng.random(r)) for n, r in zip(units, reviews, strict=True)]
    cells, users, two_day = [], [], []
    for rate in (1.0, *RATES):
        place = {**WINDOW, "wiki_db": copy_name("idwiki", rate)}
        other = np.array([(own[0] < rate).sum() for own in fractions])
        review = np.array([(own[1] < rate).sum() for own in fractions])
        # Every review is on a day of its own.
        cells.append({**place, "n_visitors": (other + review > 0).sum(), "n_reviewers": (review > 0).sum(),
                      "n_two_day_reviewers": (review > 1).sum()})  # fmt: skip
        if rate < 1:
            for counted, k in (("visitors", other + review), ("reviewers", review)):
                users += [{**place, "counted": counted, "is_full": False, "k": value, "n_users": n}
                          for value, n in zip(*np.unique(k[k > 0], return_counts=True), strict=True)]  # fmt: skip
            pairs, n_users = np.unique(np.stack([review, other])[:, other + review > 0], axis=1, return_counts=True)
            two_day += [{**place, "is_full": False, "k_review_units": r, "k_other_units": o, "n_users": n}
                        for r, o, n in zip(*pairs, n_users, strict=True)]  # fmt: skip
    return VisitSums(pd.DataFrame(cells), pd.DataFrame(), pd.DataFrame(users), pd.DataFrame(two_day))


def _thinned_weeks(first, second, rng):
    """Thin users with so many pageviews in each of two weeks."""
    fractions = [(rng.random(a), rng.random(b)) for a, b in zip(first, second, strict=True)]
    cells, counts = [], []
    for rate in (1.0, *RATES):
        place = {**WEEK, "wiki_db": copy_name("idwiki", rate)}
        k = np.array([[(part < rate).sum() for part in own] for own in fractions]).T
        cells.append({**place, "n_cohort": (k[0] > 0).sum(), "n_returned": ((k[0] > 0) & (k[1] > 0)).sum()})
        if rate < 1:
            pairs, n_users = np.unique(k[:, k.sum(axis=0) > 0], axis=1, return_counts=True)
            counts += [{**place, "is_full1": False, "is_full2": False, "k1": a, "k2": b, "k_spanning": 0, "n_users": n}
                       for a, b, n in zip(*pairs, n_users, strict=True)]  # fmt: skip
    return CohortSums(pd.DataFrame(cells), pd.DataFrame(counts))


def _windows(*metrics):
    rows = [
        {"wiki_db": "idwiki", "metric": metric, "metric_date": pd.Timestamp(MONDAY - 27 * DAY), "window_days": 28,
         "last_day": pd.Timestamp(MONDAY), "as_of_date": pd.Timestamp(MONDAY), "sample_unit": "pageview"}
        for metric in metrics if metric != WEEK["metric"]
    ]  # fmt: skip
    if WEEK["metric"] in metrics:
        rows.append(
            {"wiki_db": "idwiki", "metric": WEEK["metric"], "metric_date": WEEK["metric_date"], "window_days": 14,
             "last_day": WEEK["as_of_date"], "as_of_date": pd.Timestamp(MONDAY), "sample_unit": "pageview"}
        )  # fmt: skip
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def rows():
    """1,500 users who come once to some thirty times; a third of pages have a review; 1,200 of them over two weeks."""
    rng = np.random.default_rng(3)
    units = 1 + rng.poisson(rng.gamma(1.0, 3.0, 1500))
    visits = _thinned_visits(units, rng.binomial(units, 0.3), rng)
    activity = rng.gamma(1.0, 3.0, 1200)
    cohorts = _thinned_weeks(1 + rng.poisson(activity), rng.poisson(activity), rng)
    windows = _windows("dashboard_visitors", "reviewers", "two_day_review_rate", WEEK["metric"])
    return self_validation_rows(windows, visits, cohorts, FITTING, 10), visits, cohorts


def _of(rows, metric):
    return rows[0][rows[0]["metric"] == metric].set_index("rate")


def test_one_row_per_window_and_rate(rows):
    found = rows[0]
    assert list(found.columns) == COLUMNS
    assert len(found) == 4 * 3
    assert not found.duplicated(["wiki_db", "as_of_date", "metric", "metric_date", "rate"]).any()
    assert set(found["wiki_db"]) == {"idwiki"}
    assert set(found["as_of_date"]) == {pd.Timestamp(MONDAY)}
    week = _of(rows, WEEK["metric"])
    assert set(week["metric_date"]) == {pd.Timestamp(2026, 5, 25)}
    assert set(week["window_days"]) == {14}


def test_truth_is_what_was_kept_whole_and_naive_what_is_left(rows):
    cells = rows[1].cells.set_index("wiki_db")
    visitors, two_day = _of(rows, "dashboard_visitors"), _of(rows, "two_day_review_rate")
    assert set(visitors["truth"]) == {1500}
    assert visitors.loc[0.25, "naive"] == cells.loc["idwiki@0.25", "n_visitors"]
    assert _of(rows, "reviewers").loc[0.5, "naive"] == cells.loc["idwiki@0.5", "n_reviewers"]
    half = cells.loc["idwiki@0.5"]
    assert two_day.loc[0.5, "naive"] == half["n_two_day_reviewers"] / half["n_visitors"]
    week = rows[2].cells.set_index("wiki_db")
    assert _of(rows, WEEK["metric"])["truth"].iloc[0] == week.loc["idwiki@1.0", "n_returned"] / 1200


def test_naive_misses_where_ours_covers(rows):
    visitors, week = _of(rows, "dashboard_visitors").loc[0.5], _of(rows, WEEK["metric"]).loc[0.5]
    assert visitors["naive"] < visitors["lower"]
    assert visitors["is_covered"]
    assert abs(visitors["estimate"] / 1500 - 1) < 0.1
    assert abs(week["naive"] - week["truth"]) > 3 * abs(week["estimate"] - week["truth"])
    assert week["is_covered"]
    assert rows[0]["is_covered"].dropna().all()


def test_gates_are_those_of_sampled_wikis(rows):
    found = rows[0].set_index(["metric", "rate"])
    assert found.loc[("dashboard_visitors", 0.5), "status"] in ("publish", "caution")
    assert found.loc[("dashboard_visitors", 0.1), "status"] == "bounds_only"
    refused = found.loc[(WEEK["metric"], 0.1)]
    assert refused["status"] == "not_estimable"
    assert refused[["estimate", "lower", "upper"]].isna().all()
    assert pd.isna(refused["is_covered"])
    assert refused["naive"] > 0
    assert set(found.loc["two_day_review_rate", "status"]) <= {"bounds_only", "not_estimable"}
    assert found.loc[("two_day_review_rate", 0.5), "status"] == "bounds_only"


def test_sessions_in_both_weeks_are_told_to_the_fit():
    rng = np.random.default_rng(8)
    activity = rng.gamma(1.0, 3.0, 600)
    weeks = _thinned_weeks(1 + rng.poisson(activity), 1 + rng.poisson(activity), rng)
    # In each row with visits in both weeks, one session is the same.
    counts = weeks.counts.assign(k_spanning=((weeks.counts["k1"] > 0) & (weeks.counts["k2"] > 0)).astype(int))
    windows = _windows(WEEK["metric"]).assign(sample_unit="session")
    visits = _thinned_visits(np.ones(1, dtype=int), np.zeros(1, dtype=int), rng)
    found = self_validation_rows(windows, visits, CohortSums(weeks.cells, counts), FITTING, 10).set_index("rate")
    half = counts[counts["wiki_db"] == "idwiki@0.5"]
    k1, k2, m, both = (half[name].to_numpy(dtype=np.int64) for name in ("k1", "k2", "n_users", "k_spanning"))
    expected = retention_estimate(k1, k2, m, 0.5, 0.5, spanning=both)
    assert (found.loc[0.5, "estimate"], found.loc[0.5, "status"]) == (expected.estimate, expected.status)
    assert expected.estimate is not None


def test_an_interval_beside_the_truth_is_not_covered():
    """Kept units that no thinning of 2,000 visitors leaves: the copy is a tenth of the wiki it pretends to be."""
    rng = np.random.default_rng(4)
    small = _thinned_visits(1 + rng.poisson(4.0, 200), np.zeros(200, dtype=int), rng)
    small.cells.loc[small.cells["wiki_db"] == "idwiki@1.0", "n_visitors"] = 2000
    nobody = _thinned_weeks([1], [0], rng)
    found = self_validation_rows(_windows("dashboard_visitors"), small, nobody, FITTING, 10).set_index("rate")
    assert found.loc[0.5, "upper"] < 2000
    assert not found.loc[0.5, "is_covered"]


def test_small_truths_are_left_out_and_small_samples_suppressed():
    rng = np.random.default_rng(5)
    # 30 visitors with a page each, nine of them reviewing: the reviewers are too few whatever the rate.
    visits = _thinned_visits(np.ones(30, dtype=int), (np.arange(30) < 9).astype(int), rng)
    nobody = _thinned_weeks([1], [0], rng)
    found = self_validation_rows(_windows("dashboard_visitors", "reviewers"), visits, nobody, FITTING, 10)
    assert set(found["metric"]) == {"dashboard_visitors"}
    kept = visits.cells.set_index("wiki_db")["n_visitors"]
    assert 1 <= kept["idwiki@0.1"] < 10 <= kept["idwiki@0.5"]
    few, enough = found.set_index("rate").loc[0.1], found.set_index("rate").loc[0.5]
    assert few["status"] == "suppressed"
    assert few[["estimate", "lower", "upper", "naive", "is_covered"]].isna().all()
    assert few["truth"] == 30
    assert (enough["status"], enough["naive"]) == ("bounds_only", kept["idwiki@0.5"])


def test_a_copy_of_which_nothing_is_left_counts_zero():
    rng = np.random.default_rng(6)
    visits = _thinned_visits(np.ones(20, dtype=int), np.zeros(20, dtype=int), rng)
    gone = visits.cells["wiki_db"] == "idwiki@0.1"
    visits = VisitSums(
        visits.cells[~gone],
        visits.regimes,
        visits.user_counts[visits.user_counts["wiki_db"] != "idwiki@0.1"],
        visits.two_day_counts[visits.two_day_counts["wiki_db"] != "idwiki@0.1"],
    )
    found = self_validation_rows(
        _windows("dashboard_visitors", "two_day_review_rate"), visits, _thinned_weeks([1], [0], rng), FITTING, 10
    ).set_index(["metric", "rate"])
    visitors, rate = found.loc[("dashboard_visitors", 0.1)], found.loc[("two_day_review_rate", 0.1)]
    assert (visitors["naive"], visitors["status"]) == (0, "not_estimable"), "from none to many says nothing"
    assert pd.isna(visitors["is_covered"])
    assert np.isnan(rate["naive"])
    assert rate["status"] == "not_estimable"


# ---- which windows


def _context(*policy, arrived=40, unmeasured_reviews=False):
    """Two wikis, 40 days up to the Monday; `policy` rows are (wiki, unit, rate, from, to)."""
    first = MONDAY - (arrived - 1) * DAY
    enabled = first - 30 * DAY
    known = reference(
        *(policy_row(*row) for row in policy),
        wikis=[wiki_row("idwiki", enabled), wiki_row("viwiki", enabled, MONDAY - 20 * DAY)],
        instruments=[instrument_row(start=first - 60 * DAY)],
        vocabulary=[element_row("diff", start=enabled, end=MONDAY - 5 * DAY if unmeasured_reviews else None)],
    )
    days = [first + i * DAY for i in range(arrived)]
    return WindowContext(known, arrival(days, {MONDAY - 3 * DAY: [4, 5]}), 15)


LONG_AGO = MONDAY - 200 * DAY


def _listed(context, wiki="idwiki"):
    windows = validation_windows(context, [MONDAY])
    return windows[windows["wiki_db"] == wiki]


def test_only_mondays_count():
    days = [MONDAY, MONDAY + DAY, MONDAY - 7 * DAY, MONDAY]
    assert mondays(days) == [MONDAY - 7 * DAY, MONDAY]
    assert mondays([MONDAY + DAY]) == []


def test_the_windows_of_a_monday():
    context = _context(("*", "session", 1.0, LONG_AGO, None))
    own = _listed(context)
    assert set(own["sample_unit"]) == {"session"}
    assert set(own["as_of_date"]) == {pd.Timestamp(MONDAY)}
    assert own["metric"].value_counts().to_dict() == {
        "dashboard_visitors": 1,
        "reviewers": 1,
        "two_day_review_rate": 1,
        "two_week_return_rate": 1,
        "retention_14d": 7,
    }
    week = own[own["metric"] == "two_week_return_rate"].iloc[0]
    assert (week["metric_date"], week["last_day"]) == (pd.Timestamp(2026, 5, 25), pd.Timestamp(2026, 6, 7))
    lengths = (own["last_day"] - own["metric_date"]).dt.days + 1
    assert (lengths == own["window_days"]).all()
    # Shown for three weeks only: no window of four, but the cohorts.
    assert set(_listed(context, "viwiki")["metric"]) == {"two_week_return_rate", "retention_14d"}


def test_windows_that_were_not_kept_whole_are_left_out():
    half = _context(("*", "pageview", 0.5, LONG_AGO, None), ("viwiki", "pageview", 1.0, LONG_AGO, None))
    assert _listed(half).empty
    assert not _listed(half, "viwiki").empty
    # Raised to 100 % 20 days ago: the four weeks are mixed, the cohorts of the last days whole.
    raised = _context(
        ("idwiki", "pageview", 0.5, LONG_AGO, MONDAY - 20 * DAY), ("idwiki", "pageview", 1.0, MONDAY - 20 * DAY, None)
    )
    assert set(_listed(raised)["metric"]) == {"two_week_return_rate", "retention_14d"}
    other_unit = _context(
        ("idwiki", "pageview", 1.0, LONG_AGO, MONDAY - DAY), ("idwiki", "session", 1.0, MONDAY - DAY, None)
    )
    assert _listed(other_unit)["last_day"].max() < pd.Timestamp(MONDAY - DAY)


def test_unmeasured_windows_are_left_out():
    policy = ("*", "pageview", 1.0, LONG_AGO, None)
    assert set(_listed(_context(policy, unmeasured_reviews=True))["metric"]).isdisjoint(
        {"reviewers", "two_day_review_rate"}
    )
    assert set(_listed(_context(policy, arrived=20))["metric"]) == {"two_week_return_rate", "retention_14d"}
    assert _listed(_context()).empty
