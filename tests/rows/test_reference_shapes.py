"""A wiki that was whole for some weeks and is now kept at 10 %: what its whole weeks say of its visitors today."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from jobs.estimation.fits import ESTIMATORS, FitTask
from jobs.estimation.limits import DEFAULT_LIMITS
from jobs.rows.fitting import Fitting
from jobs.rows.reference_shapes import LAW_COLUMNS, Shapes, laws_of, with_reference

MONDAY = date(2026, 4, 6)
USERS = 3000
WINDOW = ("enwiki", "rolling", "visitors", 7, pd.Timestamp(2026, 4, 20))
KEY = ("visitors", WINDOW)


def _visits(rng, law):
    """How often each of some users comes in a week."""
    if law == "gamma":
        return 1 + rng.poisson(rng.gamma(0.6, 4.0, USERS))
    return np.minimum(rng.zipf(1.9, USERS), 400)


def _table(counts):
    units, users = np.unique(counts[counts > 0], return_counts=True)
    return units, users


def _week(rng, last, law):
    """A whole week as rows of `visit_laws`: as it was, and thinned to 10 %."""
    visits = _visits(rng, law)
    parts = []
    for rate, counts in ((1.0, visits), (0.1, rng.binomial(visits, 0.1))):
        units, users = _table(counts)
        parts.append(pd.DataFrame({"sample_rate": rate, "n_units": units, "n_users": users}))
    named = {"wiki_db": "enwiki", "counted": "visitors", "window_days": 7, "sample_unit": "pageview"}
    return pd.concat(parts).assign(**named, as_of_date=last, metric_date=last - timedelta(days=6))[LAW_COLUMNS]


def _laws(rng, laws):
    weeks = [_week(rng, MONDAY - timedelta(weeks=back), law) for back, law in enumerate(laws)]
    return pd.concat(weeks, ignore_index=True)


def _sampled(rng, law, rate=0.1, n_full=0):
    """The week in question as a fit of its counts."""
    k, m = _table(rng.binomial(_visits(rng, law), rate))
    arguments = {"k": k, "m": m, "rate": rate, "n_full": n_full, "noun": "visitors", "limits": DEFAULT_LIMITS}
    return FitTask("users_estimate", arguments)


def _answers(laws, task, unit="pageview", key=KEY):
    fitting = Fitting(DEFAULT_LIMITS, lambda tasks: [ESTIMATORS[own.estimator](**own.arguments) for own in tasks])
    plain = fitting.run({key: task})
    return plain, with_reference(plain, {key: task}, {key: unit}, Shapes(laws), fitting)


@pytest.fixture(scope="module")
def whole():
    return _laws(np.random.default_rng(3), ["gamma"] * 5)


def test_bounds_without_and_caution_with_a_reference(whole):
    plain, told = _answers(whole, _sampled(np.random.default_rng(4), "gamma"))

    assert plain[KEY].status == "bounds_only"
    answer = told[KEY]
    assert (answer.status, answer.estimator) == ("caution", "npmle_reference")
    assert answer.lower <= USERS <= answer.upper
    assert (answer.upper - answer.lower) / 2 / answer.estimate < 0.25
    assert "2026-03-31 to 2026-04-06" in answer.status_reason
    assert "held 20 of 20 times" in answer.status_reason or "held 19 of 20 times" in answer.status_reason


def test_a_wiki_that_never_was_whole_keeps_its_bounds(whole):
    nothing = whole.iloc[:0]

    assert _answers(nothing, _sampled(np.random.default_rng(4), "gamma"))[1] == {}


def test_too_few_weeks_prove_nothing(whole):
    three = whole[whole["as_of_date"] > MONDAY - timedelta(weeks=3)]

    assert _answers(three, _sampled(np.random.default_rng(4), "gamma"))[1] == {}


def test_weeks_that_do_not_speak_for_each_other_show_nothing():
    """Every other week another law: intervals with the wrong one miss."""
    rng = np.random.default_rng(5)
    few = ("gamma", "few", "gamma", "few", "gamma", "few")
    parts = []
    for back, law in enumerate(few):
        week = _week(rng, MONDAY - timedelta(weeks=back), "gamma")
        if law == "few":  # the same users seen, most of whom come once only
            week.loc[(week["sample_rate"] == 1) & (week["n_units"] == 1), "n_users"] *= 9
        parts.append(week)
    _, told = _answers(pd.concat(parts, ignore_index=True), _sampled(rng, "gamma"))

    assert told == {}


@pytest.mark.parametrize(
    ("task", "unit", "key"),
    [
        ({"rate": 0.05}, "pageview", KEY),
        ({"n_full": 40}, "pageview", KEY),
        ({}, "session", KEY),
        ({}, "pageview", ("reviewers", WINDOW)),
        ({}, "pageview", ("visitors", (*WINDOW[:3], 1, WINDOW[4]))),
    ],
    ids=["below 10 %", "beside a 100 % segment", "another unit", "nobody's law", "one day"],
)
def test_is_not_used_where_it_does_not_belong(whole, task, unit, key):
    assert _answers(whole, _sampled(np.random.default_rng(4), "gamma", **task), unit, key)[1] == {}


def test_only_weeks_that_ended_by_then_are_a_reference(whole):
    key = ("visitors", (*WINDOW[:4], pd.Timestamp(2026, 4, 5)))

    _, told = _answers(whole, _sampled(np.random.default_rng(4), "gamma"), key=key)

    assert "2026-03-24 to 2026-03-30" in told[key].status_reason
    assert "of 12 times" in told[key].status_reason


def test_a_law_of_another_kind_is_refused(whole):
    plain, told = _answers(whole, _sampled(np.random.default_rng(6), "zipf"))

    assert plain[KEY].status in ("bounds_only", "not_estimable")
    assert told == {}


def test_habits_of_years_ago_are_no_reference(whole):
    later = ("visitors", (*WINDOW[:4], pd.Timestamp(2028, 5, 1)))

    assert _answers(whole, _sampled(np.random.default_rng(4), "gamma"), key=later)[1] == {}


def test_a_week_in_which_nobody_came_has_no_law():
    columns = ["wiki_db", "as_of_date", "window_days", "k_load", "k_review", "n_users"]
    windows = pd.DataFrame(columns=["wiki_db", "counted", "window_days", "as_of_date", "sample_unit", "metric_date"])

    assert list(laws_of(windows, pd.DataFrame(columns=columns)).columns) == LAW_COLUMNS


def test_laws_are_read_off_the_copies():
    counts = pd.DataFrame(
        {
            "wiki_db": ["idwiki@1.0", "idwiki@1.0", "idwiki@0.1", "trwiki@1.0"],
            "as_of_date": pd.Timestamp(MONDAY), "window_days": 7,
            "k_load": [3, 0, 1, 2], "k_review": [1, 2, 0, 1], "n_users": [5, 4, 2, 9],
        }
    )  # fmt: skip
    windows = pd.DataFrame(
        [
            ("idwiki", counted, 7, MONDAY, "pageview", MONDAY - timedelta(days=6))
            for counted in ("visitors", "reviewers")
        ],
        columns=["wiki_db", "counted", "window_days", "as_of_date", "sample_unit", "metric_date"],
    )

    laws = laws_of(windows, counts)

    found = {(r.counted, r.sample_rate, r.n_units): r.n_users for r in laws.itertuples()}
    assert found == {
        ("visitors", 1.0, 3): 5, ("visitors", 0.1, 1): 2, ("reviewers", 1.0, 1): 5, ("reviewers", 1.0, 2): 4,
    }  # fmt: skip
