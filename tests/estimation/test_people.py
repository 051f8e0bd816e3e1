"""The functions the row assembler calls: statuses, what is shown, refusals; and that naive answers fail."""

from dataclasses import dataclass

import numpy as np
import pytest

from jobs.estimation.bounds import users_bounds
from jobs.estimation.limits import Limits
from jobs.estimation.people import (
    pageviews_per_visitor_estimate,
    refuse_mixed_rates,
    refuse_mixed_units,
    refuse_presented,
    retention_estimate,
    two_day_review_bounds,
    unique_ctr_estimate,
    users_estimate,
)


def grouped(*columns):
    data = np.stack(columns)
    rows, m = np.unique(data[:, data.any(axis=0)], axis=1, return_counts=True)
    return (*rows, m)


def light(rng, n):
    return rng.geometric(0.5, n)


@dataclass(frozen=True)
class Total:
    lower: float | None
    estimate: float | None
    upper: float | None


NOBODY = np.array([], dtype=np.int64)


def test_rate_one_is_counted():
    answer = users_estimate(np.array([1, 7]), np.array([30, 12]), 1.0)
    assert (answer.lower, answer.estimate, answer.upper) == (42, 42, 42)
    assert (answer.status, answer.estimator, answer.status_reason, answer.remedy) == ("publish", "count", None, None)


def test_zero_users_at_rate_one_is_a_zero():
    assert users_estimate(NOBODY, NOBODY, 1.0).estimate == 0


def test_two_thousand_visitors_at_half_are_published_and_covered():
    k, m = grouped(np.random.default_rng(1).binomial(light(np.random.default_rng(2), 2000), 0.5))
    answer = users_estimate(k, m, 0.5)
    assert answer.status == "publish"
    assert answer.lower <= 2000 <= answer.upper
    assert answer.estimate == pytest.approx(2000, rel=0.1)
    assert answer.naive == answer.n_seen == m.sum()
    assert answer.estimator == "npmle_users"


def test_at_ten_percent_visitors_are_bounds_with_a_remedy():
    k, m = grouped(np.random.default_rng(1).binomial(light(np.random.default_rng(2), 15_000), 0.1))
    answer = users_estimate(k, m, 0.1)
    assert answer.status == "bounds_only"
    assert answer.estimate is None
    assert answer.lower <= 15_000 <= answer.upper
    assert "10 %" in answer.status_reason
    assert answer.remedy.endswith("at 100 %: exact")
    assert "at 50 %: ±1.8 %" in answer.remedy


def test_few_seen_get_the_bounds_that_need_no_fit():
    answer = users_estimate(np.array([1, 2]), np.array([20, 5]), 0.5, noun="reviewers")
    assert (answer.lower, answer.upper) == (25, users_bounds(25, 0.5)[1])
    assert (answer.status, answer.estimator, answer.estimate) == ("bounds_only", "bounds", None)
    assert "25 reviewers" in answer.status_reason


def test_nobody_seen_under_sampling_is_no_zero_and_no_bounds():
    answer = users_estimate(NOBODY, NOBODY, 0.25)
    assert (answer.status, answer.estimate, answer.lower, answer.upper) == ("not_estimable", None, None, None)
    assert "between 0 and 13" in answer.status_reason
    assert answer.remedy.endswith("at 100 %: exact")


def test_a_dozen_of_a_small_wiki_at_a_high_rate_are_bounded_closely():
    answer = users_estimate(np.array([1, 2]), np.array([3, 10]), 0.9)
    assert (answer.status, answer.lower) == ("bounds_only", 13)
    assert answer.upper < 19


def test_duplicated_visits_forbid_a_firm_number_and_say_so():
    """Each kept visit twice: only even counts are seen, which no population explains."""
    kept = 2 * np.random.default_rng(2).binomial(light(np.random.default_rng(1), 3000), 0.5)
    answer = users_estimate(*grouped(kept), 0.5)
    assert answer.status == "caution"
    assert "visits arrived twice" in answer.status_reason
    assert answer.remedy


def test_users_seen_in_a_full_segment_are_counted_exactly():
    rng = np.random.default_rng(3)
    k, m = grouped(rng.binomial(light(rng, 500), 0.1))
    alone, beside = users_estimate(k, m, 0.1), users_estimate(k, m, 0.1, n_full=20_000)
    assert beside.lower == alone.lower + 20_000
    assert beside.upper == alone.upper + 20_000
    assert beside.status == "publish"
    assert beside.lower <= 20_500 <= beside.upper


def test_full_segment_with_nobody_else_seen_is_almost_exact():
    answer = users_estimate(NOBODY, NOBODY, 0.5, n_full=300)
    assert (answer.lower, answer.estimate) == (300, 300)
    assert answer.upper == pytest.approx(300 + np.log(0.025) / np.log(0.5))
    assert answer.status == "publish"


def test_full_segment_with_few_others_keeps_the_safe_interval():
    answer = users_estimate(np.array([1]), np.array([10]), 0.25, n_full=1000)
    assert answer.lower == 1010
    assert answer.upper == 1000 + users_bounds(10, 0.25)[1]
    assert answer.lower < answer.estimate < answer.upper


def retained(rng, n=6000, chance=0.4):
    first = 1 + rng.poisson(2, n)
    return first, np.where(rng.random(n) < chance, 1 + rng.poisson(2, n), 0)


def test_retention_at_rate_one_is_the_plain_share():
    answer = retention_estimate(np.array([1, 2, 0]), np.array([1, 0, 3]), np.array([10, 30, 99]), 1.0, 1.0)
    assert (answer.estimate, answer.n_seen, answer.estimator) == (0.25, 40, "ratio")


def test_retention_at_ten_percent_is_refused_with_a_remedy():
    rng = np.random.default_rng(4)
    first, second = retained(rng, 1500)
    k1, k2, m = grouped(rng.binomial(first, 0.1), rng.binomial(second, 0.1))
    answer = retention_estimate(k1, k2, m, 0.1, 0.1)
    assert answer.status == "not_estimable"
    assert "most users are seen once at most" in answer.status_reason
    assert answer.estimate is answer.lower is answer.upper is None
    assert "at 50 %: ±" in answer.remedy
    assert answer.naive is not None


def test_retention_of_heavy_users_at_ten_percent_is_bounds():
    """Statistics R2 12: who comes forty times is seen at any rate; an estimate it is not."""
    rng = np.random.default_rng(4)
    first = 1 + rng.poisson(40, 3000)
    second = np.where(rng.random(3000) < 0.6, 1 + rng.poisson(40, 3000), 0)
    k1, k2, m = grouped(rng.binomial(first, 0.1), rng.binomial(second, 0.1))
    answer = retention_estimate(k1, k2, m, 0.1, 0.1)
    assert (answer.status, answer.estimate) == ("bounds_only", None)
    assert answer.process.status == "bounds_only"
    assert answer.lower <= (second > 0).mean() <= answer.upper <= answer.lower + 0.2


def test_retention_at_three_quarters_is_published():
    rng = np.random.default_rng(16)
    first, second = retained(rng)
    k1, k2, m = grouped(rng.binomial(first, 0.75), rng.binomial(second, 0.75))
    answer = retention_estimate(k1, k2, m, 0.75, 0.75)
    assert (answer.status, answer.estimator) == ("publish", "npmle_retention")
    assert answer.lower <= (second > 0).mean() <= answer.upper


def test_one_window_at_ten_percent_is_enough_for_bounds_at_best():
    k1, k2, m = np.array([1, 2]), np.array([1, 0]), np.array([500, 500])
    answer = retention_estimate(k1, k2, m, 1.0, 0.1)
    assert (answer.status, answer.estimate) == ("bounds_only", None)


def test_small_and_empty_cohorts_are_refused():
    k1, k2, m = np.array([1, 1, 0]), np.array([1, 0, 1]), np.array([9, 20, 500])
    few = retention_estimate(k1, k2, m, 0.5, 0.5)
    assert few.status == "not_estimable"
    assert "29 visitors" in few.status_reason
    nobody = retention_estimate(np.array([0]), np.array([1]), np.array([5]), 1.0, 1.0)
    assert (nobody.status, nobody.naive) == ("not_estimable", None)
    assert retention_estimate(NOBODY, NOBODY, NOBODY, 0.5, 0.5).status == "not_estimable"


def test_unique_ctr_counts_users_once():
    exact = unique_ctr_estimate(np.array([0, 2, 1]), np.array([3, 0, 9]), np.array([60, 30, 10]), 1.0)
    assert exact.estimate == pytest.approx(0.4)
    rng = np.random.default_rng(7)
    n = light(rng, 8000)
    clicks = rng.binomial(n, 0.3)
    c, s, m = grouped(rng.binomial(clicks, 0.6), rng.binomial(n - clicks, 0.6))
    answer = unique_ctr_estimate(c, s, m, 0.6)
    assert answer.estimator == "npmle_ratio"
    assert answer.lower <= (clicks > 0).mean() <= answer.upper
    assert unique_ctr_estimate(c, s, m, 0.1).status == "not_estimable"
    assert unique_ctr_estimate(NOBODY, NOBODY, NOBODY, 1.0).status == "not_estimable"


def test_pageviews_per_visitor_are_narrower_than_the_ends_divided_crosswise():
    k, m = grouped(np.random.default_rng(1).binomial(light(np.random.default_rng(2), 2000), 0.5))
    users = users_estimate(k, m, 0.5)
    answer = pageviews_per_visitor_estimate(Total(3800, 4000, 4200), users, 2000)
    assert answer.estimate == pytest.approx(4000 / users.estimate)
    assert 3800 / users.upper < answer.lower < 4000 / users.upper
    assert 4000 / users.lower < answer.upper < 4200 / users.lower
    assert (answer.status, answer.estimator) == ("publish", "npmle_ratio")
    exact = pageviews_per_visitor_estimate(Total(10, 10, 10), users_estimate(np.array([1]), np.array([4]), 1.0))
    assert (exact.lower, exact.estimate, exact.upper, exact.estimator) == (2.5, 2.5, 2.5, "ratio")


@pytest.mark.parametrize(("margin", "status"), [(0.05, "publish"), (0.15, "caution"), (0.3, "bounds_only")])
def test_pageviews_per_visitor_are_judged_by_their_own_width(margin, status):
    """Of the same firm number of visitors."""
    k, m = grouped(np.random.default_rng(1).binomial(light(np.random.default_rng(2), 2000), 0.5))
    users = users_estimate(k, m, 0.5)
    answer = pageviews_per_visitor_estimate(Total(4000 * (1 - margin), 4000, 4000 * (1 + margin)), users, 2000)
    assert (users.status, answer.status) == ("publish", status)
    assert bool(answer.remedy) == (status != "publish")


def test_pageviews_per_visitor_share_the_misfit_of_the_visitors():
    kept = 2 * np.random.default_rng(2).binomial(light(np.random.default_rng(1), 3000), 0.5)
    answer = pageviews_per_visitor_estimate(Total(5900, 6000, 6100), users_estimate(*grouped(kept), 0.5))
    assert answer.status == "caution"
    assert "visits arrived twice" in answer.status_reason


def test_pageviews_per_visitor_without_an_estimate_of_either_is_bounds_or_nothing():
    few = users_estimate(np.array([1]), np.array([20]), 0.5)
    bounds = pageviews_per_visitor_estimate(Total(30, 40, 50), few)
    assert (bounds.status, bounds.estimate) == ("bounds_only", None)
    assert bounds.lower < bounds.upper
    nobody = pageviews_per_visitor_estimate(Total(0, None, 7), users_estimate(NOBODY, NOBODY, 0.5))
    assert nobody.status == "not_estimable"
    k, m = grouped(np.random.default_rng(1).binomial(light(np.random.default_rng(2), 2000), 0.5))
    no_total = pageviews_per_visitor_estimate(Total(30, None, 50), users_estimate(k, m, 0.5))
    assert (no_total.status, no_total.estimate) == ("bounds_only", None)
    assert no_total.status_reason


def test_two_day_review_is_bounded_never_estimated():
    rng = np.random.default_rng(8)
    clicks, others = rng.poisson(1.2, 4000), 1 + rng.poisson(2, 4000)
    kept = rng.binomial(clicks, 0.5), rng.binomial(others, 0.5)
    k, m = grouped(sum(kept))
    users = users_estimate(k, m, 0.5)
    c, o, pairs = grouped(*kept)
    seen_twice = int((kept[0] >= 2).sum())  # every click on a day of its own
    tight = two_day_review_bounds(seen_twice, users, 0.5, c, o, pairs)
    loose = two_day_review_bounds(seen_twice, users, 0.5)
    assert tight.lower <= (clicks >= 2).mean() <= tight.upper <= loose.upper
    assert (tight.status, tight.estimator, tight.estimate) == ("bounds_only", "bounds", None)
    assert tight.remedy.endswith("at 100 %: exact")
    # What so many users would do again is less sure than what they did.
    assert tight.process.lower < tight.lower - 0.005
    assert tight.upper + 0.005 < tight.process.upper
    exact = two_day_review_bounds(3, users_estimate(np.array([1]), np.array([12]), 1.0), 1.0)
    assert (exact.estimate, exact.status) == (0.25, "publish")
    assert two_day_review_bounds(0, users_estimate(np.array([1]), np.array([2]), 0.25), 0.25).status == "not_estimable"


def test_refusals_say_why_and_show_nothing():
    for answer in (refuse_mixed_rates(120), refuse_mixed_units(120), refuse_presented(0.5, 120)):
        assert (answer.status, answer.estimator) == ("not_estimable", "none")
        assert answer.estimate is answer.lower is answer.upper is None
        assert answer.status_reason.endswith(".")
        assert answer.remedy.startswith("Keep usage at 100 % and sample only the menu link; ")
        assert answer.remedy.endswith("at 100 %: exact")
        assert answer.n_seen == 120
    assert "menu link whole as well" in refuse_presented(0.5).remedy  # sampling the link is what it cannot bear


@pytest.mark.parametrize("rate", [0.25, 0.5])
def test_naive_and_scaled_counts_fail_where_ours_holds(rate):
    """What is seen is far too low, what is seen over the rate far too high: by more than our whole half-width."""
    rng = np.random.default_rng(9)
    covered = 0
    for _ in range(20):
        k, m = grouped(rng.binomial(light(rng, 3000), rate))
        answer = users_estimate(k, m, rate)
        covered += answer.lower <= 3000 <= answer.upper
        assert answer.naive < 0.75 * 3000
        assert answer.naive / rate > 1.25 * 3000
        assert answer.naive < answer.lower
        assert answer.naive / rate > answer.upper
    assert covered >= 17


def test_naive_and_scaled_retention_fail_in_either_direction():
    """A devoted minority makes the naive share too high, missed second visits too low; over the rate is absurd."""
    rng = np.random.default_rng(10)
    devoted = rng.random(6000) < 0.3
    heavy = np.where(devoted, 21, 1), np.where(devoted, 21, 0)
    missed = retained(rng)
    errors = []
    for first, second in (heavy, missed):
        k1, k2, m = grouped(rng.binomial(first, 0.5), rng.binomial(second, 0.5))
        answer = retention_estimate(k1, k2, m, 0.5, 0.5)
        truth = float((second > 0)[first > 0].mean())
        assert answer.lower <= truth <= answer.upper
        assert not answer.lower <= answer.naive <= answer.upper
        assert not answer.lower <= answer.naive / 0.5 <= answer.upper
        errors.append(answer.naive - truth)
    assert errors[0] > 0.1
    assert errors[1] < -0.05


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("seed", range(12))
def test_any_table_gives_an_ordered_interval(seed):
    """Odd tables (huge counts, one user, rates near 0 and 1) and open limits: no failure, no warning, no disorder."""
    rng = np.random.default_rng(seed)
    rate = (0.001, 0.01, 0.3, 0.9, 0.999)[seed % 5]
    open_limits = Limits(blind_rate=0.0, fewest_seen=1, share_bounds=1.0)
    largest, n = (3, 60, 5000)[seed % 3], 1 + seed % 7
    k1, k2 = rng.integers(1, largest + 1, n), rng.integers(0, largest + 1, n)
    m = rng.integers(1, (3, 2000)[seed % 2], n)
    k, first = np.unique(k1, return_index=True)
    users = users_estimate(k, m[first], rate, limits=open_limits)
    certain = rng.random(n) < 0.3
    answers = [
        users,
        retention_estimate(k1, k2, m, rate, (rate, 1.0)[seed % 2], full1=certain, limits=open_limits),
        unique_ctr_estimate(k1, k2, m, rate, limits=open_limits),
        two_day_review_bounds(1, users, rate, k1, k2, m, limits=open_limits),
    ]
    for answer in answers:
        if answer.lower is not None:
            assert 0 <= answer.lower <= answer.upper
        if answer.estimate is not None:
            assert answer.lower <= answer.estimate <= answer.upper
    assert all(answer.upper is None or answer.upper <= 1 for answer in answers[1:])
