"""The audit of a declared rate: what it finds, how surely, and that it stays silent on clean days."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from jobs.estimation.audit import KS_BINS, ks_p_value, likely_rate, rate_upper_limit, verdict


def bins_of(shares):
    """Bin of each fraction over the declared rate, as the audit's table counts them."""
    return np.floor(np.asarray(shares) * KS_BINS).astype(int)


def histogram_p_values(samples):
    """p-values of lists of fractions over the declared rate."""
    rows = np.repeat(np.arange(len(samples)), [len(s) for s in samples])
    return ks_p_value(rows, bins_of(np.concatenate(samples)), np.ones(len(rows)), len(samples))


def test_upper_limit_is_the_formula():
    assert rate_upper_limit([0.099], [300])[0] == pytest.approx(0.099 * 20 ** (1 / 300))
    assert rate_upper_limit([0.05], [20], 1 - 1e-6)[0] == pytest.approx(0.05 * 1e6 ** (1 / 20))


def test_upper_limit_edges():
    assert rate_upper_limit([np.nan, 0.9, 0.0], [0, 1, 1]).tolist() == [1, 1, 0]


def test_upper_limit_covers_as_often_as_it_says():
    rng = np.random.default_rng(3)
    largest = rng.random((20_000, 30)).max(axis=1) * 0.25
    assert (rate_upper_limit(largest, 30) >= 0.25).mean() == pytest.approx(0.95, abs=0.006)


def test_three_hundred_ids_pin_a_rate_to_one_percent():
    assert rate_upper_limit([0.1], [300])[0] <= 0.1 * 1.0101


def test_likely_rate_is_unbiased():
    rng = np.random.default_rng(4)
    assert likely_rate(rng.random((20_000, 10)).max(axis=1) * 0.1, 10).mean() == pytest.approx(0.1, rel=0.005)
    assert np.isnan(likely_rate([np.nan], [0])[0])


@pytest.mark.parametrize(
    ("n", "largest", "impossible", "expected"),
    [
        (300, 0.0999, 0, "as declared"),
        (300, 0.0499, 0, "lower than declared"),
        (20, 0.0499, 0, "lower than declared"),
        (19, 0.0001, 0, "too few ids"),
        (0, np.nan, 0, "too few ids"),
        (300, 0.0999, 5, "as declared"),
        (300, 0.0999, 6, "higher than declared"),
        (3, 0.0999, 6, "higher than declared"),
    ],
)
def test_verdict(n, largest, impossible, expected):
    assert verdict([n], [largest], [0.1], [impossible])[0] == expected


def test_half_the_declared_rate_shows_in_a_day_of_three_hundred_ids():
    rng = np.random.default_rng(6)
    largest = rng.random((2000, 300)).max(axis=1) * 0.05
    assert (verdict(300, largest, 0.1, 0) == "lower than declared").all()


def test_a_year_of_clean_days_on_thirty_wikis_is_silent():
    rng = np.random.default_rng(7)
    for n in (20, 100, 2000):
        # The largest of n uniform fractions, drawn directly.
        largest = 0.1 * rng.random(11_000) ** (1 / n)
        assert (verdict(n, largest, 0.1, 0) == "as declared").all()


@given(st.lists(st.floats(0, 0.999999), min_size=1, max_size=400))
def test_ks_from_bins_is_close_to_scipy_and_never_louder_than_its_bins_allow(fractions):
    distance = stats.ks_1samp(fractions, stats.uniform.cdf).statistic
    bins = bins_of(fractions)
    p_value = ks_p_value(np.zeros(len(bins)), bins, np.ones(len(bins)), 1)[0]
    assert stats.kstwo.sf(min(distance, 1.0), len(fractions)) <= p_value * (1 + 1e-6) + 1e-9
    assert p_value <= stats.kstwo.sf(max(distance - 1 / KS_BINS - 1e-9, 0.0), len(fractions)) * (1 + 1e-6) + 1e-9


def test_ks_sees_a_wrong_shape_and_not_a_right_one():
    rng = np.random.default_rng(8)
    uniform, halved, squeezed = rng.random(300), rng.random(300) / 2, rng.random(300) ** 2
    p_values = histogram_p_values([uniform, halved, squeezed])
    assert p_values[0] > 0.001
    assert (p_values[1:] < 1e-6).all()


def test_ks_on_clean_days_keeps_its_level():
    rng = np.random.default_rng(9)
    p_values = histogram_p_values(list(rng.random((4000, 50))))
    assert (p_values < 0.05).mean() <= 0.06
    assert (p_values >= 1e-6).all()


def test_ks_adds_up_entries_of_one_bin_in_any_order():
    rows, bins, counts = [0, 1, 0, 0, 1], [5, 900, 5, 700, 3], [2, 4, 3, 1, 1]
    whole = ks_p_value(rows, bins, counts, 3)
    assert ks_p_value(rows[::-1], bins[::-1], counts[::-1], 3) == pytest.approx(whole, nan_ok=True)
    assert ks_p_value([0, 0], [5, 700], [5, 1], 1)[0] == pytest.approx(whole[0])
    assert np.isnan(whole[2])


def test_bins_and_rows_out_of_range_are_refused():
    with pytest.raises(ValueError, match="bins must lie in"):
        ks_p_value([0], [KS_BINS], [1], 1)
    with pytest.raises(ValueError, match="bins must lie in"):
        ks_p_value([1], [0], [1], 1)
