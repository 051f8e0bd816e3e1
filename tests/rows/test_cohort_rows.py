"""Cohorts under sampling: of which days the rates decide."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from jobs.estimation.limits import DEFAULT_LIMITS
from jobs.rows.cohort_fits import fill_cohorts
from jobs.rows.cohorts import cohort_rows
from jobs.rows.fitting import Fitting
from jobs.rows.window_context import WindowContext
from jobs.steps.fitting import fit_many
from jobs.window_sums.tables import CohortSums
from jobs.windows import DAY, days
from tests.references import HEALTH, arrival, instrument_row, policy_row, reference, wiki_row

MONDAY = date(2026, 3, 9)
BEFORE = MONDAY - 40 * DAY
EVERY_DAY = days(BEFORE, MONDAY + 40 * DAY)
WEEK, DAY_7, FORTNIGHT = "two_week_return_rate", "retention_day_7", "retention_14d"
LAST = {WEEK: 13, DAY_7: 7, FORTNIGHT: 14}


def _policy(*stretches):
    """Policy rows of (unit, rate, first day), each until the next."""
    ends = [*(start for _, _, start in stretches[1:]), None]
    return [
        policy_row("enwiki", unit, rate, start, end) for (unit, rate, start), end in zip(stretches, ends, strict=True)
    ]


def _context(*stretches):
    known = reference(
        *_policy(*stretches),
        wikis=[wiki_row("enwiki", BEFORE)],
        instruments=[instrument_row(HEALTH, "both", BEFORE)],
    )
    return WindowContext(known, arrival(EVERY_DAY), 15)


def _answered(context, metric, rate1, rate2):
    """The rows of Monday's cohort of 3,000, of whom two fifths return, under sampling at two rates."""
    rng = np.random.default_rng(1)
    first, second = 1 + rng.poisson(2, 3000), np.where(rng.random(3000) < 0.4, 1 + rng.poisson(2, 3000), 0)
    k = np.stack([rng.binomial(first, rate1), rng.binomial(second, rate2)])
    pairs, n_users = np.unique(k[:, k.any(axis=0)], axis=1, return_counts=True)
    place = {
        "metric": metric,
        "wiki_db": "enwiki",
        "metric_date": pd.Timestamp(MONDAY),
        "as_of_date": pd.Timestamp(MONDAY + LAST[metric] * DAY),
    }
    cohort = k[0] > 0
    cells = pd.DataFrame([{**place, "n_cohort": cohort.sum(), "n_returned": (cohort & (k[1] > 0)).sum()}])
    full = {f"is_full{side}": (rate == 1) & (k > 0) for side, rate, k in ((1, rate1, pairs[0]), (2, rate2, pairs[1]))}
    counts = {"k1": pairs[0], "k2": pairs[1], "k_spanning": 0, "n_users": n_users}
    sums = CohortSums(cells, pd.DataFrame({**place, **full, **counts}))
    as_of = [MONDAY + LAST[metric] * DAY]
    fitting = Fitting(DEFAULT_LIMITS, fit_many)
    rows = fill_cohorts(cohort_rows(sums, context, as_of), sums, context, fitting)
    found = rows[(rows["metric"] == metric) & (rows["metric_date"] == pd.Timestamp(MONDAY))].set_index("inference")
    return found.loc["realised"], found.loc["process"]


def test_a_rate_between_the_days_that_count_does_not_touch_a_share():
    """Everything kept on the day and seven days later, a tenth in between."""
    context = _context(
        ("pageview", 1.0, BEFORE), ("pageview", 0.1, MONDAY + 3 * DAY), ("pageview", 1.0, MONDAY + 5 * DAY)
    )
    realised, process = _answered(context, DAY_7, 1.0, 1.0)
    assert (realised["status"], realised["estimator"]) == ("publish", "ratio")
    assert realised["lower"] == realised["estimate"] == realised["upper"]
    assert process["lower"] < process["estimate"] < process["upper"]
    assert (realised["sampling_rate_min"], realised["sampling_rate_max"]) == (0.1, 1.0), "of the whole window"
    realised, _ = _answered(context, FORTNIGHT, 1.0, 1.0)
    assert realised["estimator"] != "ratio", "every one of the fourteen days counts"


def test_two_rates_in_two_windows_are_estimated_and_two_in_one_are_not():
    halves = _context(("pageview", 0.5, BEFORE), ("pageview", 0.75, MONDAY + 3 * DAY))
    for row in _answered(halves, DAY_7, 0.5, 0.75):
        assert row["status"] in ("publish", "caution")
        assert row["lower"] <= 0.4 <= row["upper"]
    for row in _answered(halves, FORTNIGHT, 0.5, 0.75):
        assert row["status"] == "not_estimable"
        assert "between two values below 100 %" in row["status_reason"]


def test_a_unit_in_between_does_not_matter_and_two_units_do():
    between = ("session", 0.5, MONDAY + 3 * DAY), ("pageview", 0.5, MONDAY + 5 * DAY)
    context = _context(("pageview", 0.5, BEFORE), *between)
    realised, _ = _answered(context, DAY_7, 0.5, 0.5)
    assert (realised["status"], realised["cautions"]) == ("caution", ())
    realised, _ = _answered(context, FORTNIGHT, 0.5, 0.5)
    assert "unit changed" in realised["status_reason"]
    for_good = _context(("pageview", 0.5, BEFORE), ("session", 0.5, MONDAY + 3 * DAY))
    realised, _ = _answered(for_good, DAY_7, 0.5, 0.5)
    assert "unit changed" in realised["status_reason"]


@pytest.mark.parametrize("metric", [WEEK, DAY_7])
def test_what_happened_is_narrower_than_the_process(metric):
    realised, process = _answered(_context(("pageview", 0.75, BEFORE)), metric, 0.75, 0.75)
    assert (realised["estimate"], realised["status"]) == (process["estimate"], process["status"])
    assert process["lower"] < realised["lower"] <= realised["upper"] < process["upper"]
