"""Hours that did not arrive are named, with what they could hold at most."""

from __future__ import annotations

from datetime import date

import pytest

from jobs.rows.arrival import HOURS, Arrival, InputHour
from jobs.rows.cautions import hours_in_words
from jobs.windows import DAY, days
from tests.references import arrival

MONDAY = date(2026, 3, 9)
WEEK = days(MONDAY, MONDAY + 7 * DAY)


def _busy_at_noon(window, lost):
    """Ten lines an hour, fifty at noon; the hours of `lost` did not arrive."""
    return Arrival(
        InputHour(day, hour, (day, hour) not in lost, (day, hour) not in lost, _kept(hour, (day, hour) in lost))
        for day in window
        for hour in range(HOURS)
    )


def _kept(hour, is_lost):
    return 0 if is_lost else 50 if hour == 12 else 10


def test_an_hour_could_hold_as_many_as_the_same_hour_of_whole_days():
    window = days(MONDAY, MONDAY + 8 * DAY)
    at_night, at_noon = (_busy_at_noon(window, {(MONDAY, hour)}) for hour in (3, 12))
    assert at_night.largest_share(MONDAY, MONDAY + 8 * DAY) == pytest.approx(10 / (8 * 280))
    assert at_noon.largest_share(MONDAY, MONDAY + 8 * DAY) == pytest.approx(50 / (8 * 280))


def test_with_few_whole_days_any_hour_of_the_window_speaks():
    night = _busy_at_noon(WEEK, {(MONDAY, 3)})  # six whole days
    assert night.largest_share(MONDAY, MONDAY + 7 * DAY) == pytest.approx(50 / (7 * 280 - 10 + 50))
    assert night.largest_share(MONDAY, MONDAY + DAY) == pytest.approx(50 / (280 - 10 + 50)), "its own day only"


def test_what_was_kept_of_an_hour_is_not_lost_twice():
    hours = [
        InputHour(MONDAY, hour, arrived=True, is_whole=hour != 3, n_kept=4 if hour == 3 else 10) for hour in range(24)
    ]
    assert Arrival(hours).largest_share(MONDAY, MONDAY + DAY) == pytest.approx(6 / 240)


def test_of_a_window_without_any_event_everything_could_lie_there():
    nothing = arrival([MONDAY], {MONDAY: [3]}, n_kept=0)
    (caution,) = nothing.cautions(MONDAY, MONDAY + DAY)
    assert ", up to 100.0 % of its events on all wikis: counts are at least what was kept" in caution.sentence


def test_a_day_without_input_is_told_as_a_day():
    known = arrival([MONDAY, MONDAY + 2 * DAY])
    silent = [InputHour(MONDAY + DAY, hour, arrived=False, is_whole=False, n_kept=0) for hour in range(HOURS)]
    for days_of in (known, Arrival([*_hours(known), *silent])):
        assert days_of.missing_reason(MONDAY, MONDAY + 3 * DAY) == "1 of 3 days of the window have no input"
        assert days_of.missing_hours(MONDAY, MONDAY + 3 * DAY) == []
        assert not days_of.is_complete(MONDAY, MONDAY + 3 * DAY)


def _hours(_known):
    return [InputHour(day, hour, True, True, 100) for day in (MONDAY, MONDAY + 2 * DAY) for hour in range(HOURS)]


def test_a_window_without_its_lost_hours_has_no_caution():
    known = arrival(WEEK, {MONDAY: [3]})
    assert known.cautions(MONDAY + DAY, MONDAY + 7 * DAY) == ()
    assert known.is_complete(MONDAY + DAY, MONDAY + 7 * DAY)
    assert not known.is_complete(MONDAY, MONDAY + 7 * DAY)


@pytest.mark.parametrize(
    ("hours", "named"),
    [
        ([(MONDAY, 5)], "1 hour of the window did not arrive whole (2026-03-09 05:00 to 06:00 UTC)"),
        ([(MONDAY, 5), (MONDAY, 6)], "2 hours of the window did not arrive whole (2026-03-09 05:00 to 07:00 UTC)"),
        (
            [(MONDAY, 22), (MONDAY, 23), (MONDAY + DAY, 0)],
            "3 hours of the window did not arrive whole (2026-03-09 22:00 to 2026-03-10 01:00 UTC)",
        ),
        ([(MONDAY, 23)], "1 hour of the window did not arrive whole (2026-03-09 23:00 to 2026-03-10 00:00 UTC)"),
        (
            [(MONDAY, 1), (MONDAY, 3), (MONDAY, 5), (MONDAY, 7), (MONDAY, 8)],
            "5 hours of the window did not arrive whole (2026-03-09 01:00 to 02:00, 2026-03-09 03:00 to 04:00, "
            "2026-03-09 05:00 to 06:00 UTC and 2 more)",
        ),
    ],
)
def test_hours_in_a_row_are_named_together(hours, named):
    assert hours_in_words(hours, 0.0123) == (
        f"{named}, up to 1.2 % of its events on all wikis: counts are at least what was kept, and the interval holds "
        "what could lie there"
    )


def test_next_to_nothing_is_said_so():
    assert ", less than 0.1 % of its events on all wikis:" in hours_in_words([(MONDAY, 5)], 0.0004)
