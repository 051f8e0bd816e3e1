"""Totals: unbiased by enumeration, exact at rate 1, merged in any order, honest with few clusters."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from jobs.estimation.regimes import effective_number, regime_sums
from jobs.estimation.totals import TotalSums, horvitz_thompson

RATES = [0.1, 0.25, 0.5, 1.0]
ENTRY = st.tuples(st.integers(0, 3), st.sampled_from(RATES), st.lists(st.integers(1, 9), min_size=0, max_size=60))


def sums_of(entries, n_rows=1):
    """Long-format sums of clusters given as (row, rate, list of y)."""
    clusters = [len(ys) for _, _, ys in entries]
    sums = TotalSums(
        y=[sum(ys) for _, _, ys in entries],
        yy=[sum(y * y for y in ys) for _, _, ys in entries],
        clusters=clusters,
        units=clusters,
    )
    return regime_sums([row for row, _, _ in entries], [rate for _, rate, _ in entries], n_rows, sums)


def total_of(*entries, n_rows=1, **kwargs):
    return horvitz_thompson(sums_of(entries, n_rows), **kwargs)


def test_mixed_rates_are_unbiased_by_enumeration():
    # Three clusters at 1/2, two at 1/4, one counted at 1: every kept subset, in exact arithmetic.
    clusters = [(Fraction(1, 2), 1), (Fraction(1, 2), 3), (Fraction(1, 2), 2), (Fraction(1, 4), 5), (Fraction(1, 4), 1)]
    mean = square = varhat = Fraction(0)
    for kept in product((False, True), repeat=len(clusters)):
        probability = Fraction(1)
        for (rate, _), is_kept in zip(clusters, kept, strict=True):
            probability *= rate if is_kept else 1 - rate
        entries = [(0, float(rate), [y]) for (rate, y), is_kept in zip(clusters, kept, strict=True) if is_kept]
        result = total_of(*entries, (0, 1.0, [4]))
        estimate = Fraction(float(result.estimate[0]))
        mean += probability * estimate
        square += probability * estimate**2
        varhat += probability * Fraction(float(result.variance[0]))
    truth = sum(y for _, y in clusters) + 4
    assert mean == truth
    assert varhat == square - mean**2 == sum((1 - rate) / rate * y * y for rate, y in clusters)


@given(st.lists(st.integers(1, 9), max_size=80))
def test_rate_one_is_exact(ys):
    result = total_of((0, 1.0, ys))
    assert result.lower[0] == result.estimate[0] == result.upper[0] == sum(ys)
    assert result.variance[0] == 0
    assert result.status[0] == "publish"


def test_a_row_without_entries_is_zero_only_where_the_rate_is_known_to_be_one():
    result = total_of(n_rows=2, all_rate_one=[True, False])
    assert (result.lower[0], result.upper[0], result.status[0]) == (0, 0, "publish")
    assert (result.estimate[1], result.lower[1], result.status[1]) == (0, 0, "bounds_only")
    assert np.isnan(result.upper[1])


def test_nothing_kept_at_a_known_rate_has_an_upper_limit():
    result = total_of((0, 0.1, []))
    assert (result.estimate[0], result.lower[0]) == (0, 0)
    assert result.upper[0] == pytest.approx(np.log(0.025) / np.log(0.9))
    assert result.status[0] == "bounds_only"
    assert "between 0 and" in result.reason[0]


def test_a_silent_regime_raises_the_upper_limit_of_a_row_that_has_events():
    with_it, without = total_of((0, 0.5, [1] * 100), (0, 0.1, [])), total_of((0, 0.5, [1] * 100))
    assert with_it.estimate[0] == without.estimate[0]
    assert with_it.upper[0] == pytest.approx(without.upper[0] + np.log(0.025) / np.log(0.9))


@pytest.mark.parametrize(("events", "status"), [(29, "bounds_only"), (30, "publish")])
def test_under_thirty_kept_events_is_bounds_only(events, status):
    result = total_of((0, 0.1, [1] * events))
    assert result.status[0] == status
    assert bool(result.reason[0]) == (status == "bounds_only")


def test_few_clusters_use_inversion_and_many_the_log_interval():
    few, many = total_of((0, 0.1, [1] * 49)), total_of((0, 0.1, [1] * 50))
    for limit, tail in ((few.upper[0], stats.binom.cdf), (few.lower[0], lambda k, n, p: stats.binom.sf(k - 1, n, p))):
        assert sorted(tail(49, n, 0.1) > 0.025 for n in (np.floor(limit), np.ceil(limit))) == [False, True]
    d, se = 50 / 0.1 - 50, np.sqrt(0.9 / 0.01 * 50)
    factor = np.exp(1.959963984540054 * np.sqrt(np.log1p((se / d) ** 2)))
    assert (many.lower[0], many.upper[0]) == pytest.approx((50 + d / factor, 50 + d * factor))


def test_clustering_widens_the_interval_of_the_same_number_of_events():
    single, double = total_of((0, 0.1, [1] * 40)), total_of((0, 0.1, [2] * 20))
    assert single.estimate[0] == double.estimate[0]
    assert double.lower[0] < single.lower[0] < single.upper[0] < double.upper[0]
    # Twenty clusters of two are twenty units, counted twice, with Student's margin on the second event of each.
    assert double.upper[0] >= 2 * total_of((0, 0.1, [1] * 20)).upper[0]
    assert double.upper[0] == pytest.approx(2 * total_of((0, 0.1, [1] * 20)).upper[0], rel=0.08)


def test_kish_effective_number_of_units():
    result = total_of((0, 0.1, [1] * 30), (0, 1.0, [1] * 30))
    assert result.n_effective[0] == pytest.approx((300 + 30) ** 2 / (3000 + 30))
    assert total_of((0, 0.25, [1] * 30)).n_effective[0] == pytest.approx(30)


@settings(deadline=None)
@given(st.lists(ENTRY, max_size=12))
def test_limits_contain_the_estimate_and_are_never_below_what_was_seen(entries):
    result = total_of(
        *entries, n_rows=4, all_rate_one=[not any(r == i and p < 1 for r, p, _ in entries) for i in range(4)]
    )
    slack = 1e-9 * (1 + result.estimate)
    assert np.all(result.lower <= result.estimate + slack)
    assert np.all(result.estimate <= result.upper + slack)
    assert np.all(result.lower >= result.seen - slack)


@settings(deadline=None)
@given(st.lists(st.integers(1, 5), min_size=1, max_size=70), st.integers(1, 5), st.sampled_from(RATES))
def test_one_more_kept_cluster_never_lowers_the_total(ys, more, rate):
    before, after = total_of((0, rate, ys)), total_of((0, rate, [*ys, more]))
    assert after.estimate[0] > before.estimate[0]
    assert after.seen[0] == before.seen[0] + more


@settings(deadline=None)
@given(st.lists(ENTRY, max_size=12).flatmap(lambda entries: st.tuples(st.just(entries), st.permutations(entries))))
def test_entries_of_one_rate_add_up_in_any_order(drawn):
    entries, shuffled = drawn
    clusters = {}
    for row, rate, ys in entries:
        clusters.setdefault((row, rate), []).extend(ys)
    together = sums_of([(row, rate, ys) for (row, rate), ys in sorted(clusters.items())], n_rows=4)
    for kept in (sums_of(entries, n_rows=4), sums_of(shuffled, n_rows=4)):
        assert list(zip(kept.row, kept.rate, strict=True)) == sorted(clusters)
        assert [values.tolist() for values in kept.sums.arrays()] == [v.tolist() for v in together.sums.arrays()]


def test_some_rows_alone_keep_their_entries():
    kept = sums_of([(0, 0.1, [1]), (1, 0.5, [2]), (3, 0.1, [3]), (3, 1.0, [4])], n_rows=4)
    part = kept.of_rows(np.array([True, False, True, True]))
    assert (part.row.tolist(), part.rate.tolist(), part.n_rows) == ([0, 2, 2], [0.1, 0.1, 1.0], 3)
    assert part.by_row(part.sums.y).tolist() == [1, 0, 7]


@settings(deadline=None)
@given(st.lists(ENTRY, min_size=1, max_size=8))
def test_rows_are_independent(entries):
    together = total_of(*entries, n_rows=4)
    for row in range(4):
        alone = total_of(*[(0, p, ys) for r, p, ys in entries if r == row])
        for name in ("estimate", "lower", "upper", "variance", "n_effective"):
            assert getattr(together, name)[row] == pytest.approx(getattr(alone, name)[0], nan_ok=True)


def test_effective_events_are_those_kept_at_one_rate_and_fewer_at_mixed_rates():
    kept = sums_of([(0, 0.1, [1] * 40), (1, 1.0, [1] * 40), (1, 0.1, [1] * 4)], n_rows=3)
    assert effective_number(kept, kept.sums.y).tolist() == pytest.approx([40, 6400 / 440, 0])


@pytest.mark.parametrize("cluster", [1, 4])
def test_few_clusters_cover_a_known_total(cluster):
    # 300 units of which a tenth is kept, about 30: the log interval alone would miss too often on the low side.
    kept = np.random.default_rng(11).binomial(300, 0.1, 4000)
    rows = np.arange(len(kept))
    sums = TotalSums(y=kept * cluster, yy=kept * cluster**2, clusters=kept, units=kept)
    result = horvitz_thompson(regime_sums(rows, np.full(len(kept), 0.1), len(kept), sums))
    covered = (result.lower <= 300 * cluster) & (300 * cluster <= result.upper)
    assert covered.mean() > 0.945


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match=r"rate must lie in \(0, 1\]"):
        total_of((0, 10.0, [1]))
    with pytest.raises(ValueError, match="same length"):
        regime_sums([0, 1], [0.1], 2, TotalSums([1, 2], [1, 4], [1, 1], [1, 1]))
    with pytest.raises(ValueError, match=r"rows must lie in \[0, 1\)"):
        total_of((1, 0.1, [1]))
    with pytest.raises(ValueError, match="row 0 is called rate 1"):
        total_of((0, 0.1, [1]), all_rate_one=[True])
