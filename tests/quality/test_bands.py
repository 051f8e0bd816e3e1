from __future__ import annotations

import numpy as np
import pytest

from jobs.quality.bands import HISTORY, band, share_sd, usual_share

WEEK = np.array([1.2, 1.1, 1.0, 1.0, 0.9, 0.4, 0.6])


def series(size: float, n: int = HISTORY, growth: float = 0.0, rhythm: np.ndarray = WEEK) -> np.ndarray:
    """An exact series that ends the day before one whose place in the week is 0."""
    day = np.arange(n) - n
    return size * (1 + growth) ** day * rhythm[day % 7]


def test_a_steady_week_is_expected_exactly_by_its_weekday() -> None:
    expected = band(series(1000))
    assert expected is not None
    assert expected.expected == pytest.approx(1200)
    assert expected.n_days == 28
    # Nothing varies, so chance alone is left: sqrt(n), and what four days of a weekday cannot tell.
    assert expected.sd == pytest.approx(np.sqrt(1200) * np.sqrt(1 + np.pi / 2 / 4))


def test_other_days_of_the_week_have_their_own_level() -> None:
    saturday = band(np.roll(series(1000), -5))
    assert saturday is not None
    assert saturday.expected == pytest.approx(400, rel=0.01)


@pytest.mark.parametrize("growth", [0.01, 0.03, -0.02])
def test_growth_and_decline_are_followed(growth: float) -> None:
    expected = band(series(1000, growth=growth))
    assert expected is not None
    assert expected.expected == pytest.approx(1200, rel=0.015)


def test_three_days_of_holiday_move_nothing_much() -> None:
    values = series(1000)
    values[-4:-1] *= 0.6
    expected = band(values)
    assert expected is not None
    assert expected.expected == pytest.approx(1200, rel=0.02)


def test_a_storm_on_one_of_two_days_of_a_weekday_is_not_its_usual() -> None:
    values = series(1000, 14, rhythm=np.ones(7))
    values[0] *= 10  # the weekday of the judged day
    expected = band(values)
    assert expected is not None
    assert expected.expected == pytest.approx(1000, rel=0.02)


def test_days_that_are_not_usable_are_left_out() -> None:
    values = series(1000)
    values[[2, 9, 16, 20, 22, 23, 24, 25]] = np.nan
    expected = band(values)
    assert expected is not None
    assert expected.n_days == 20
    assert expected.expected == pytest.approx(1200, rel=0.02)


def test_young_series_are_wider_and_fewer_than_three_days_say_nothing() -> None:
    flat = np.ones(7)
    widths = [found.sd for n in (7, 14, 21, 28) if (found := band(series(400, n, rhythm=flat))) is not None]
    assert widths == sorted(widths, reverse=True)
    assert widths[0] > 2 * widths[-1]
    assert band([np.nan] * 26 + [5, 5]) is None
    assert band([]) is None


def test_sampled_series_are_wider_by_the_kept_units() -> None:
    full, tenth = band(series(1000)), band(series(1000), rate=0.1)
    assert full is not None
    assert tenth is not None
    assert tenth.expected == full.expected
    assert tenth.sd == pytest.approx(full.sd * np.sqrt(10))


def test_overdispersion_shows_in_the_deviation() -> None:
    rng = np.random.default_rng(5)
    ratios = []
    for _ in range(100):
        values = rng.gamma(100, 10, HISTORY)  # a relative deviation of 10 %, three times that of counts
        found = band(values)
        assert found is not None
        ratios.append(found.sd / 100)
    assert 1.0 < np.median(ratios) < 1.6


def test_ends_need_both_deviations_and_a_change() -> None:
    big, small = band(series(10000, rhythm=np.ones(7))), band(series(16, rhythm=np.ones(7)))
    assert big is not None
    assert small is not None
    assert big.limits(5, 0.25) == pytest.approx((7500, 12500))  # five deviations are 6 %
    assert big.limits(5, 0.01)[0] == pytest.approx(10000 - 5 * big.sd)
    low, high = small.limits(5, 0.25)
    assert low == 0.0  # 16 events can fail to come by chance
    # Of the end itself: sqrt(n) of what would be out, not of what is usual.
    assert high - 16 == pytest.approx(5 * small.sd / 4 * np.sqrt(high))


@pytest.mark.parametrize(
    ("size", "low", "high"),
    [(10_000, 3000, 17_000), (400, 120, 680), (121, 11, 231), (100, 0, 200), (25, 0, 125)],
)
def test_far_ends_are_ten_roots_or_seventy_percent_and_at_least_a_hundred_events(
    size: int, low: float, high: float
) -> None:
    steady = band(series(size, rhythm=np.ones(7)))
    assert steady is not None
    assert steady.far_limits(10, 0.7) == pytest.approx((low, high))
    # Of what is kept: one in four of these days.
    sampled = band(series(size * 4, rhythm=np.ones(7)), rate=0.25)
    assert sampled is not None
    assert sampled.far_limits(10, 0.7) == pytest.approx((low * 4, high * 4))


def test_far_ends_have_the_days_own_spread_and_not_what_is_unknown_of_the_expected() -> None:
    days = 1000 + 100 * np.tile([1, 1, -1, -1], 7)
    for history in (days, days[14:]):
        found = band(history)
        assert found is not None
        assert found.spread > 0.07  # ten times that is more than the 70 %
        level = max(found.expected, found.expected_month)
        assert found.far_limits(10, 0.7)[1] == pytest.approx(level * (1 + 10 * found.spread))
        assert found.sd > 1.15 * found.spread * found.expected


def test_a_part_of_a_day_is_as_far_out_by_its_part() -> None:
    whole = band(series(10_000, rhythm=np.ones(7)))
    assert whole is not None
    assert whole.scaled(0.5).far_limits(10, 0.7) == pytest.approx((1500, 8500))
    # Half of what is expected is not known by the hours that are lost: ten of these are more than all.
    assert whole.scaled(0.5, lost_sd=0.25).far_limits(10, 0.7) == pytest.approx((0, 5000 * 6))


def test_a_series_that_comes_back_to_its_month_is_not_far_out() -> None:
    values = series(1000, rhythm=np.ones(7))
    values[-5:] = 20  # an outage that was published
    expected = band(values)
    assert expected is not None
    assert expected.expected < 100
    assert expected.limits(5, 0.25)[1] < 1000
    assert expected.far_limits(10, 0.7)[1] > 1000


def test_a_part_of_a_day_is_expected_to_hold_its_part() -> None:
    whole = band(series(1000, rhythm=np.ones(7)))
    assert whole is not None
    half = whole.scaled(0.5)
    assert half.expected == pytest.approx(500)
    assert half.sd == pytest.approx(whole.sd * np.sqrt(0.5))
    assert whole.scaled(0.5, lost_sd=0.25).sd > 250


def test_an_empty_series_expects_nothing_and_at_least_one_unit_of_doubt() -> None:
    expected = band(np.zeros(HISTORY), rate=0.01)
    assert expected is not None
    assert (expected.expected, expected.sd) == (0.0, 100.0)


def test_shares_have_the_days_deviation_or_chance() -> None:
    usual, spread = usual_share([1, 2, 3, 2, 2], [100] * 5)
    assert usual == pytest.approx(0.02)
    assert spread == 0.0  # most days are alike
    assert share_sd(usual, spread, 100) == pytest.approx(np.sqrt(3 / 102 * 99 / 102 / 100))
    assert share_sd(usual, 0.05, 100) == 0.05
    assert share_sd(0.0, 0.0, 1) > 0.4  # of one unit nothing is known
