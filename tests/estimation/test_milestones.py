"""Where a milestone stands, on series that can be followed by hand."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from jobs.estimation.looks import Counted, Goal, Look
from jobs.estimation.milestones import (
    COUNT_AGAIN,
    FASTER,
    INVITE_MORE,
    SLOWER,
    TWO_WINDOWS,
    WIDENED,
    current,
    growth,
    limit,
    standing,
)

START = date(2026, 3, 1)
DUE = date(2026, 12, 31)
QUARTER = date(2026, 4, 1)


def day(n: int) -> date:
    """The n-th day of the series, the first is day 1."""
    return START + timedelta(days=n - 1)


def look(last: int, estimate: float | None, lower: float | None = None, *, days: int = 7, first: date | None = None):
    """A window that ends on the n-th day; exact where no lower limit is given."""
    lower = estimate if lower is None else lower
    upper = None if estimate is None or lower is None else 2 * estimate - lower
    return Look(first or day(last - days + 1), day(last), estimate, lower, upper)


def at(value: float, *lasts: int, **more):
    return [look(last, value, **more) for last in lasts]


GOAL = Goal(100, DUE)


# --- Reached


def test_one_window_past_the_target_is_not_enough():
    found = standing([*at(90, 7), *at(120, *range(8, 15))], GOAL, day(14))
    assert (found.status, found.reached_on) == ("on track", None)
    assert (found.expected_from, found.expected_to) == (day(15), day(15)), "its window begins after day 8"
    assert str(day(8)) in found.reason


def test_two_windows_without_a_common_day_are():
    looks = at(120, *range(8, 16))
    assert standing(looks, GOAL, day(14)).status == "on track"
    found = standing(looks, GOAL, day(15))
    assert (found.status, found.reached_on) == ("reached", day(15))


def test_a_window_below_the_target_between_them_starts_the_count_anew():
    looks = [*at(120, *range(8, 12)), *at(99, 12), *at(120, *range(13, 20))]
    assert standing(looks, GOAL, day(19)).status == "on track"
    assert standing([*looks, *at(120, 20)], GOAL, day(20)).reached_on == day(20), "a week after day 13"


def test_it_is_the_lower_limit_that_counts_and_equal_is_enough():
    below = [look(n, 120, 99.9) for n in range(8, 40)]
    assert standing(below, GOAL, day(39)).status != "reached"
    equal = [look(n, 120, 100) for n in range(8, 16)]
    assert standing(equal, GOAL, day(15)).status == "reached"


def test_an_unmeasured_window_says_nothing_either_way():
    looks = [*at(120, 8), look(9, None), look(10, None), *at(120, 15)]
    assert standing(looks, GOAL, day(15)).reached_on == day(15)


def test_what_is_reached_stays_so_and_not_before():
    looks = [*at(120, *range(8, 16)), *at(50, 16, 17), look(18, None)]
    assert [standing(looks, GOAL, day(n)).status for n in (14, 15, 17, 18, 60)] == ["on track", *["reached"] * 4]
    assert standing(looks, GOAL, day(60)).reached_on == day(15)


def test_windows_of_a_day_have_to_hold_for_a_week():
    looks = at(120, *range(1, 9), days=1)
    assert standing(looks, GOAL, day(7)).status == "on track"
    assert standing(looks, GOAL, day(8)).reached_on == day(8)


def test_weekly_cohorts_of_two_weeks_take_the_next_but_one():
    looks = at(120, 14, 21, 28, days=14)
    assert standing(looks, GOAL, day(21)).expected_from == day(28)
    assert standing(looks, GOAL, day(28)).reached_on == day(28)


def test_quarter_to_date_needs_a_limit_that_holds_on_a_years_looks_at_once():
    goal = Goal(100, DUE, is_nested=True)
    assert pytest.approx(1.946, abs=1e-3) == WIDENED, "3.81 over 1.96 standard errors"
    wide, narrow = look(40, 120, 109, first=QUARTER), look(40, 120, 110, first=QUARTER)
    assert limit(wide, goal) == pytest.approx(120 - 11 * WIDENED)
    assert standing([wide], goal, day(40)).status != "reached", "109 is past the target, 98.6 is not"
    assert standing([narrow], goal, day(40)).reached_on == day(40)
    assert standing([look(40, 100, first=QUARTER)], goal, day(40)).status == "reached", "nothing is random in it"
    assert limit(Look(QUARTER, day(40), None, 500, 900), goal) is None, "bounds cannot be widened"


# --- Which window stands


def test_a_window_stands_until_the_next_of_its_length_has_nothing_of_it():
    looks = at(50, 14, 21, days=14)
    assert current(looks, day(20)) == looks[0]
    assert current(looks, day(34)) == looks[1]
    assert current(looks, day(35)) is None
    assert current(looks, day(13)) is None


def test_not_measured_says_why_and_what_would_help():
    gap = Look(day(2), day(8), reason="2 days have no input", remedy="run them")
    found = standing([*at(50, 7), gap], GOAL, day(8))
    assert (found.status, found.reason, found.remedy) == ("not measurable", "2 days have no input", "run them")
    assert standing([], GOAL, day(8)).reason == "No window of the metric has closed yet."
    assert str(day(7)) in standing(at(50, 7), GOAL, day(14)).reason


# --- Projections: 100 * (t / 25) ** 0.5, which is 200 on day 100


def root(*lasts: int, **more):
    return [look(last, 100 * (last / 25) ** 0.5, **more) for last in lasts]


def test_growth_is_the_exponent_of_time():
    assert growth(root(*range(7, 26)), START) == pytest.approx(0.5)
    assert growth(at(80, *range(7, 26)), START) == 0
    assert growth([look(n, n**1.5) for n in range(7, 26)], START) == 1, "never faster than a straight line"
    assert growth([look(n, 100 / n) for n in range(7, 26)], START) == 0
    assert growth([*root(*range(7, 25)), look(25, 0)], START) == 0, "nothing to go through"


def test_a_projection_ends_at_four_times_the_observed_span():
    looks = root(*range(7, 26))
    found = standing(looks, Goal(200, DUE), day(25))
    assert found.status == "on track"
    assert str(day(107)) in found.reason, "there on day 100, and a week later a window without a common day shows it"
    assert found.expected_from == day(25 + round(25 * (2 ** (1 / (0.5 + FASTER)) - 1) + 0.5) + 7)
    assert found.expected_to is None, "later than day 100 nothing is said"
    beyond = standing(looks, Goal(201, day(100)), day(25))
    assert (beyond.status, beyond.expected_to) == ("behind", None)
    assert beyond.reason == (
        f"As it grows (t^0.50), the lower limit is not there by {day(100)}, as far as can be projected; "
        f"if it grew as fast as it may, on {beyond.expected_from}."
    ), "what is expected is no other day than the reason tells"


def test_the_due_date_decides_between_on_track_and_behind():
    looks = root(*range(7, 26))
    target = 100 * (49 / 25) ** 0.5  # there on day 49, shown on day 56
    assert standing(looks, Goal(target, day(56)), day(25)).status == "on track"
    late = standing(looks, Goal(target, day(55)), day(25))
    assert late.status == "behind"
    assert late.expected_from is not None


def test_both_ends_of_the_range_are_told_where_they_can_be():
    straight = [look(n, 4.0 * n) for n in range(7, 26)]
    found = standing(straight, Goal(150, DUE), day(25))
    assert found.expected_from == day(38 + 7), "150 = 4 * 37.5, and nothing is faster than a straight line"
    assert found.expected_to == day(57 + 7), f"25 * 1.5 ** (1 / {1 - SLOWER}) = 56.25"


def test_it_is_the_lower_limit_that_is_carried_on():
    looks = [look(n, 4.0 * n, 2.0 * n) for n in range(7, 26)]
    found = standing(looks, Goal(150, DUE), day(25))
    assert str(day(75 + 7)) in found.reason, "50 on day 25 is 150 on day 75"


def test_a_due_date_beyond_what_can_be_said_is_not_measurable_yet():
    found = standing(at(50, *range(7, 26)), Goal(100, day(120)), day(25))
    assert found.status == "not measurable"
    assert found.remedy is not None
    assert str(day(30)) in found.remedy, "a quarter of 120 days"
    assert standing(at(50, *range(7, 31)), Goal(100, day(120)), day(30)).status == "behind"


def test_two_weeks_of_looks_are_needed():
    short = standing(root(*range(7, 20)), GOAL, day(19))
    assert (short.status, short.remedy) == ("not measurable", f"wait until {day(20)}")
    assert standing(root(*range(7, 21)), GOAL, day(20)).status == "on track"
    weekly = Goal(200, DUE, every=7)
    few = standing(root(14, 21, 28, days=14), weekly, day(28))
    assert (few.status, few.remedy) == ("not measurable", f"wait until {day(35)}"), "the fourth of weekly looks"
    assert standing(root(14, 21, 28, 35, days=14), weekly, day(35)).status != "not measurable"
    assert standing(root(14, days=14), weekly, day(14)).remedy == f"wait until {day(35)}"
    gaps = standing(root(7, 21, 22, days=7), GOAL, day(22))
    assert gaps.remedy == f"wait until {day(23)}", "two weeks have passed, a look is lacking"


def test_bounds_are_no_ground_for_a_projection():
    looks = [Look(day(n - 6), day(n), None, 50, 400) for n in range(7, 30)]
    assert standing(looks, GOAL, day(29)).status == "not measurable"
    assert standing([Look(day(n - 6), day(n), None, 120, 400) for n in range(7, 15)], GOAL, day(14)).status == "reached"


def test_nothing_at_all_by_the_due_date_is_behind():
    found = standing(at(0, *range(7, 26)), Goal(100, day(60)), day(25))
    assert (found.status, found.expected_from) == ("behind", None)
    assert found.reason.endswith("as far as can be projected.")


def test_a_quarter_is_projected_from_its_own_first_day_and_not_beyond_its_last():
    before = [look(n, 90, first=date(2026, 1, 1)) for n in range(7, 32)]
    own = [Look(QUARTER, QUARTER + timedelta(days=n - 1), 2.0 * n, 2.0 * n, 2.0 * n) for n in range(1, 31)]
    now = own[-1].last
    found = standing([*before, *own], Goal(100, DUE, is_nested=True), now)
    assert (found.status, found.expected_from) == ("on track", QUARTER + timedelta(days=49)), "50 days of two a day"
    late = standing([*before, *own], Goal(200, DUE, is_nested=True), now)
    assert (late.status, late.remedy) == ("not measurable", f"a quarter starts anew; look again in that of {DUE}")
    missed = standing([*before, *own], Goal(200, date(2026, 6, 30), is_nested=True), now)
    assert missed.status == "behind"


# --- An audience, and a target that changes

AUDIENCE = Goal(100, DUE, is_audience=True)


def month(last: int, n: float | None):
    return look(last, n, days=28)


def test_one_look_at_an_audience_is_enough_since_whoever_was_invited_stays_so():
    found = standing([month(30, 120)], AUDIENCE, day(30))
    assert (found.status, found.reached_on) == ("reached", day(30))
    assert found.reason == f"On {day(30)} the count was at or past the target."


def test_an_audience_stands_for_two_months_and_a_window_for_its_length():
    looks = [month(30, 90)]
    assert current(looks, day(30 + 61), AUDIENCE.stands) == looks[0]
    assert current(looks, day(30 + 62), AUDIENCE.stands) is None
    assert current(looks, day(30 + 28)) is None
    assert standing(looks, AUDIENCE, day(91)).remedy == TWO_WINDOWS
    found = standing(looks, AUDIENCE, day(92))
    assert (found.status, found.reason) == ("not measurable", f"The newest window ended on {day(30)}.")
    assert "pdmetrics audience" in (found.remedy or "")


def test_a_sum_stands_as_long_as_the_oldest_of_its_counts():
    looks = [editors(60, 90, 0.5, oldest=30)]
    assert current(looks, day(91), AUDIENCE.stands) == looks[0]
    assert current(looks, day(92), AUDIENCE.stands) is None


def editors(last: int, n: float, power: float | None, oldest: int | None = None):
    counted = Counted(day(oldest or last), 28, power)
    return Look(day(last - 27), day(last), n, n, n, counted=counted)


def test_editors_below_the_target_are_expected_when_different_ones_grow_to_it():
    found = standing([editors(28, 50, 1.0)], Goal(100, day(56), is_audience=True), day(40))
    assert (found.status, found.expected_from) == ("on track", day(56)), "twice the days, and no faster than a line"
    assert (found.expected_to, found.remedy) == (day(112), None), (
        "with the exponent 0.5 it takes four times, the horizon"
    )
    found = standing([editors(28, 50, 1.0)], Goal(99, day(112), is_audience=True), day(40))
    assert (found.expected_from, found.expected_to) == (day(56), day(110))
    assert f"since {day(1)} grow as t^1.00 and would be 99 on {day(56)}" in found.reason
    found = standing([editors(28, 5000, 0.25)], Goal(8000, day(112), is_audience=True), day(40))
    assert (found.status, found.expected_to) == ("behind", None)
    assert f"fewer than 8,000 by {day(112)}, as far" in found.reason
    assert found.reason.endswith(f"; if it grew as fast as it may, on {found.expected_from}.")


@pytest.mark.parametrize(
    ("due", "as_of", "power", "status", "remedy"),
    [
        (day(55), day(40), 1.0, "behind", INVITE_MORE),
        (day(57), day(58), 1.0, "behind", INVITE_MORE),
        (day(112), day(40), 0.0, "behind", INVITE_MORE),
        (day(113), day(40), 0.0, "not measurable", COUNT_AGAIN),
        (day(57), day(40), None, "not measurable", TWO_WINDOWS),
    ],
)
def test_else_they_are_behind_with_what_helps_or_nothing_can_be_said(due, as_of, power, status, remedy):
    found = standing([editors(28, 50, power)], Goal(100, due, is_audience=True), as_of)
    assert (found.status, found.remedy) == (status, remedy)


def test_what_a_target_was_on_the_day_of_a_look_counts():
    looks = at(120, *range(8, 16))
    grown = Goal(130, DUE, targets={day(n): 110.0 for n in range(8, 16)})
    assert standing(looks, grown, day(15)).reached_on == day(15), "it was reached when less was asked"
    unknown = Goal(110, DUE, targets={day(n): 110.0 for n in range(12, 16)})
    found = standing(looks, unknown, day(15))
    assert (found.status, found.expected_from) == ("on track", day(19)), "days without a target say nothing"
    assert standing(looks, Goal(None, DUE, targets={}), day(15)).status == "not measurable"
