"""Windows: weeks, quarters and which published dates a changed day touches."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs import windows

DATES = st.dates(min_value=date(2025, 12, 1), max_value=date(2027, 3, 31))


def test_days_are_half_open():
    assert windows.days(date(2026, 2, 27), date(2026, 3, 2)) == [
        date(2026, 2, 27),
        date(2026, 2, 28),
        date(2026, 3, 1),
    ]
    assert windows.days(date(2026, 3, 2), date(2026, 3, 2)) == []
    assert windows.days(date(2026, 3, 2), date(2026, 3, 1)) == []


@pytest.mark.parametrize(
    ("day", "first", "end"),
    [
        (date(2026, 1, 1), date(2026, 1, 1), date(2026, 4, 1)),
        (date(2026, 3, 31), date(2026, 1, 1), date(2026, 4, 1)),
        (date(2026, 4, 1), date(2026, 4, 1), date(2026, 7, 1)),
        (date(2026, 12, 31), date(2026, 10, 1), date(2027, 1, 1)),
    ],
)
def test_quarters(day, first, end):
    assert windows.quarter_start(day) == first
    assert windows.quarter_end(day) == end


@given(DATES)
def test_a_day_lies_in_its_quarter(day):
    assert windows.quarter_start(day) <= day < windows.quarter_end(day)
    assert windows.quarter_start(windows.quarter_end(day)) == windows.quarter_end(day)


def test_rolling_window_has_its_days():
    start = windows.rolling_start(date(2026, 3, 28), 28)
    assert start == date(2026, 3, 1)
    assert len(windows.days(start, date(2026, 3, 29))) == 28


def test_affected_dates_end_with_the_28_day_window_in_a_new_quarter():
    changed = [date(2026, 3, 10)]
    published = windows.days(date(2026, 3, 1), date(2026, 4, 30))
    found = windows.affected_as_of(changed, published, [], 28)
    # All of the quarter from the changed day on, and those of the next quarter whose 28 days reach back to it.
    assert found == windows.days(date(2026, 3, 10), date(2026, 4, 7))


def test_affected_dates_reach_the_end_of_the_quarter():
    found = windows.affected_as_of([date(2026, 1, 5)], [date(2026, 3, 31), date(2026, 4, 1)], [], 28)
    assert found == [date(2026, 3, 31)]


def test_only_asked_or_published_dates_are_recomputed():
    changed = [date(2026, 3, 10)]
    assert windows.affected_as_of(changed, [], [date(2026, 3, 10)], 28) == [date(2026, 3, 10)]
    assert windows.affected_as_of(changed, [date(2026, 3, 9)], [], 28) == []
    assert windows.affected_as_of([], [date(2026, 3, 9)], [date(2026, 3, 1)], 28) == [date(2026, 3, 1)]


@given(st.lists(DATES, max_size=4), st.lists(DATES, max_size=12), st.lists(DATES, max_size=3))
def test_affected_dates_agree_with_the_windows_written_out(changed, published, asked):
    def in_a_window(as_of):
        spans = [(as_of - timedelta(days=n - 1), as_of) for n in (1, 2, 7, 8, 14, 15, 28)]
        spans.append((date(as_of.year, (as_of.month - 1) // 3 * 3 + 1, 1), as_of))
        return any(first <= day <= last for first, last in spans for day in changed)

    expected = sorted({d for d in published if in_a_window(d)} | set(asked))
    assert windows.affected_as_of(changed, published, asked, 28) == expected


def test_days_in_words_name_the_last_one():
    assert windows.in_words(date(2026, 3, 24), date(2026, 3, 25)) == "2026-03-24"
    assert windows.in_words(date(2026, 3, 24), date(2026, 4, 1)) == "2026-03-24 to 2026-03-31"
