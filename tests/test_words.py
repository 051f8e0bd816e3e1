"""How numbers, intervals, changes, rates and statuses are written."""

from __future__ import annotations

import pytest

from jobs import words
from jobs.metric import UNITS

NAN = float("nan")


@pytest.mark.parametrize(
    ("value", "unit", "written"),
    [
        (0.2391, "share of users", "23.9 %"),
        (1.204, "clicks per impression", "120.4 %"),
        (0.00042, "share of impressions", "0.04 %"),
        (0.0, "share of users", "0.0 %"),
        (11150.4, "pageviews", "11,150"),
        (0.0, "events", "0"),
        (3.4866, "pageviews per user", "3.49"),
        (1234.5, "visits per visit", "1,234.50"),
    ],
)
def test_a_number_is_written_as_its_unit_wants_it(value, unit, written):
    assert unit in UNITS
    assert words.number(value, unit) == written


@pytest.mark.parametrize(
    ("estimate", "lower", "upper", "unit", "written"),
    [
        (0.239, 0.21, 0.268, "share of users", "23.9 % (21.0 – 26.8)"),
        (748.0, 748.0, 748.0, "users", "748 (exact)"),
        (None, 0.21, 0.268, "share of users", "21.0 – 26.8 %"),
        (NAN, 1608.4, 3823.5, "users", "1,608 – 3,824"),
        (12.0, 12.0, NAN, "events", "12 (12 – …)"),
        (12.0, None, None, "events", "12"),
        (None, NAN, None, "users", ""),
    ],
)
def test_an_interval_says_what_is_known_and_nothing_else(estimate, lower, upper, unit, written):
    assert words.interval(estimate, lower, upper, unit) == written


def test_a_difference_has_a_sign_unless_it_rounds_to_zero():
    told = [words.signed(value, "users") for value in (4.0, -4.4, 0.3, -0.3, 0.0)]
    assert told == ["+4", "−4", "0", "0", "0"]
    assert words.signed(-0.012, "share of users") == "−1.2"


@pytest.mark.parametrize(
    ("value", "lower", "upper", "unit", "written"),
    [
        (21.0, 21.0, 21.0, "users", "+21 (exact)"),
        (-0.031, -0.031, -0.031, "share of users", "−3.1 pp (exact)"),
        (0.0, 0.0, 0.0, "users", "0 (exact)"),
        (0.012, -0.004, 0.028, "share of users", "+1.2 pp (−0.4 to +2.8)"),
        (21.0, 21.0, 22.0, "users", "+21 (+21 to +22)"),
        (21.0, NAN, None, "users", "+21"),
        (NAN, NAN, NAN, "users", ""),
    ],
)
def test_a_change_is_exact_where_its_limits_say_so(value, lower, upper, unit, written):
    assert words.change(value, lower, upper, unit) == written


@pytest.mark.parametrize(
    ("unit", "smallest", "largest", "written"),
    [
        ("pageview", 1.0, 1.0, "everything"),
        ("session", 0.1, 0.1, "10 % of sessions"),
        ("session", 0.125, 1.0, "12.5 % to 100 % of sessions"),
        ("mixed", 0.1, 1.0, "10 % to 100 % of pageviews and sessions"),
    ],
)
def test_what_is_kept_is_told_with_its_unit(unit, smallest, largest, written):
    assert words.sampled(unit, smallest, largest) == written


def test_windows_in_words():
    told = [words.metric_window(*window) for window in (("rolling", 7), ("rolling", 1), ("cohort", 14))]
    assert told == ["7 days", "1 day", "cohort, 14 days"]
    assert (
        words.metric_window("quarter_to_date", None) == words.metric_window("quarter_to_date", NAN) == "quarter to date"
    )


def test_no_two_statuses_look_or_sound_alike():
    for name in ("word", "symbol", "colour"):
        looks = [getattr(status, name) for status in words.STATUSES.values()]
        assert len(set(looks)) == len(looks) == 6
