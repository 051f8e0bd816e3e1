"""Eligible editors of a longer window: never linear, with a range, and only as far as two windows speak for."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.estimation.audience import PROJECTED_DAYS, growth, is_few, project


def test_published_counts_of_english_wikipedia() -> None:
    found = project({14: 9987, 28: 15905})
    assert found is not None
    assert found.growth_exponent == pytest.approx(0.671, abs=0.0005)
    assert found.projected == pytest.approx(25_330, abs=1)  # linear would be 31,810
    assert found.days == PROJECTED_DAYS == 56
    # A quarter more or less would be outcomes at twice the span: 31,662 is 1.25 times the estimate, at most linear.
    assert found.upper == pytest.approx(25_330 * 1.25, abs=1)
    assert found.lower == pytest.approx(25_330 / math.sqrt(2), abs=1)  # half of it at four times the span


@pytest.mark.parametrize(
    ("counts", "exponent"),
    [
        ({14: 500, 28: 1100}, 1.0),  # faster than time itself: somebody's campaign, or chance
        ({14: 500, 28: 480}, 0.0),  # fewer in a longer window, which bots make possible
        ({7: 20, 14: 300, 28: 400}, math.log2(4 / 3)),  # the two longest
        ({28: 400, 14: 300}, math.log2(4 / 3)),  # in any order
        ({14: 300, 28: 400, 56: 900, 84: 1000}, math.log2(4 / 3)),  # those that are shorter
    ],
)
def test_the_exponent_is_that_of_the_two_longest_windows_from_0_to_1(counts: dict[int, int], exponent: float) -> None:
    found = project(counts)
    assert found is not None
    assert found.growth_exponent == pytest.approx(exponent)
    n = counts[28]
    assert found.projected == pytest.approx(n * 2**exponent)
    assert n <= found.lower <= found.projected <= found.upper <= 2 * n


@pytest.mark.parametrize(
    "counts",
    [
        {},
        {28: 400},
        {14: None, 28: 400},
        {14: 300, 28: None},
        {14: 0, 28: 400},
        {14: 0, 28: 0},
        {7: 300, 13: 400},  # 56 days are more than four times as long
        {28: 400, 56: 600},
        {28: 400, 84: 600},
        {14: None, 28: 400, 56: 600},
        {14: 300, 28: 400, 84: 399},  # bots make it possible; which of them to go by nobody knows
    ],
)
def test_nothing_is_projected_without_two_windows_that_speak_for_it(counts: dict[int, int | None]) -> None:
    assert project(counts) is None


def test_four_times_the_longest_window_is_the_limit() -> None:
    found = project({7: 300, 14: 400})
    assert found is not None
    assert found.projected == pytest.approx(400 * 4 ** math.log2(4 / 3))


def test_a_shorter_window_that_is_hidden_and_not_used_does_not_matter() -> None:
    assert project({7: None, 14: 300, 28: 400}) == project({14: 300, 28: 400})


def test_never_more_than_a_longer_window_has() -> None:
    counted = project({14: 2936, 28: 4152, 59: 5520})
    assert counted is not None
    assert (counted.projected, counted.upper) == (5520, 5520)
    assert counted.lower == pytest.approx(4152, abs=1)
    assert counted.growth_exponent == pytest.approx(0.5, abs=0.0005), "which tells of the shorter ones alone"
    assert project({14: 300, 28: 400, 84: None}) == project({14: 300, 28: 400}), "a hidden one tells nothing"
    assert project({14: 300, 28: 400, 84: 800}) == project({14: 300, 28: 400})


@given(st.dictionaries(st.integers(1, 366), st.none() | st.integers(0, 10_000), max_size=7))
def test_whatever_was_counted_a_projection_lies_between_the_windows_around_it(counts: dict[int, int | None]) -> None:
    found = project(counts)
    if found is None:
        return
    longest = counts[max(days for days in counts if days < PROJECTED_DAYS)]
    assert longest is not None
    assert longest <= found.lower <= found.projected <= found.upper
    assert all(found.upper <= n for days, n in counts.items() if days > PROJECTED_DAYS and n is not None)


def test_growth_is_within_0_to_1() -> None:
    assert [growth(14, 100, 28, n) for n in (50, 100, 200, 400)] == [0, 0, 1, 1]
    assert growth(14, 100, 28, 160) == pytest.approx(math.log2(1.6))


def test_few_are_some_and_fewer_than_may_be_shown() -> None:
    assert [is_few(n, 10) for n in (0, 1, 9, 10)] == [False, True, True, False]
