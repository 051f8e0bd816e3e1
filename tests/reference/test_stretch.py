"""Stretches against a look at each day."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from jobs.reference.stretch import Stretch, gaps, merged

ORIGIN = date(2026, 3, 1)
LAST = 40
DAYS = [ORIGIN + timedelta(days=i) for i in range(LAST)]


@st.composite
def stretches(draw):
    start, length = draw(st.integers(0, 20)), draw(st.none() | st.integers(1, 10))
    return Stretch(DAYS[start], None if length is None else DAYS[start + length])


def held(*given_ones):
    """The days of `DAYS` that some stretch holds."""
    return {day for day in DAYS for one in given_ones if one.start <= day and (one.end is None or one.end > day)}


@given(stretches(), stretches())
def test_a_stretch_holds_touches_and_is_clipped_day_by_day(one, window):
    end = window.end or DAYS[-1]
    shared = held(one) & held(Stretch(window.start, end))
    assert {day for day in DAYS if one.holds(day)} == held(one)
    assert one.touches(window.start, end) == bool(shared)
    assert one.touches(window.start, window.end) == bool(held(one) & held(window))
    assert one.clip(window.start, end) == ((min(shared), max(shared) + timedelta(days=1)) if shared else None)


@given(st.lists(stretches(), max_size=5))
def test_merged_stretches_and_their_gaps_are_all_days_once(given_ones):
    whole, rest = merged(given_ones), gaps(given_ones, ORIGIN)
    assert held(*whole) == held(*given_ones)
    assert held(*rest) == set(DAYS) - held(*given_ones)
    ordered = sorted([*whole, *rest], key=lambda one: one.start)
    for earlier, later in pairwise(ordered):
        assert earlier.end == later.start, "they overlap, or leave something out"
        assert (earlier in whole) != (later in whole), "two that follow each other are one"
    assert ordered[-1].end is None
