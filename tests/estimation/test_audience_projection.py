"""Eligible editors of a longer window: never linear, with a range, and only as far as two windows speak for."""

from __future__ import annotations

import math

import pytest

from jobs.estimation.audience import PROJECTED_DAYS, project


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
