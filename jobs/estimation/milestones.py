"""Where a milestone stands: reached, on track with a range of dates, behind, or not measurable.

**Reached.** Somebody looks every day, so a limit that holds on one look is past the target by luck on some look of a
year. Two rules guard against it, and `benchmarks/milestones_error.py` counts how well (docs/milestones.md):

- Windows that can be apart: the lower limit is at or past the target in two windows without a common day, at least a
  week apart, and in every window measured between them.
- Quarter to date, whose windows hold each other: the lower limit is widened until it holds on all looks of a year at
  once (Bonferroni, which needs no independence). Where nothing is random the widened limit is the number itself.

**On track.** What is counted since a first day grows about as `t^b`. The lower limit is carried on from where it
stands with the `b` of its past, never faster than a straight line, which is too fast already, and never further than
four times the observed span. The range is that of projections on real sequences: nine in ten were inside a quarter of
the outcome at twice the span, and inside half of it at four times.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
from scipy.stats import norm

from jobs.estimation.course import HORIZON as HORIZON
from jobs.estimation.course import Course
from jobs.estimation.looks import Goal, Look, Standing, Status
from jobs.windows import DAY, quarter_end

LOOKS_A_YEAR = 365
ERROR_A_SIDE = 0.025  # of a 95 % interval
WIDENED = float(norm.isf(ERROR_A_SIDE / LOOKS_A_YEAR) / norm.isf(ERROR_A_SIDE))
LEAST_HOLD = 7  # days: two windows of a day each, side by side, come about by luck too easily
COUNT_AGAIN = "pdmetrics audience counts a newer snapshot"
TWO_WINDOWS = "pdmetrics audience --windows 14,28 counts two windows of one day"
INVITE_MORE = "more wikis or a wider band invite more"
LEAST_LOOKS, LEAST_SPAN = 4, 13 * DAY  # the shortest past that projections were tried on had two weeks
# Errors of a projection as exponents of time, so that they grow from nothing: the widest of the two that were measured.
FASTER = max(math.log(1.25) / math.log(2), math.log(1.5) / math.log(4))
SLOWER = max(-math.log(0.75) / math.log(2), -math.log(0.5) / math.log(4))


def current(looks: Sequence[Look], as_of: date, stands: int | None = None) -> Look | None:
    """Return the newest look that stands on a day.

    Args:
        looks: in the order of their last days.
        as_of: the day.
        stands: for how many days one stands; null: until windows of its length could have nothing in common with it.
    """
    look = next((look for look in reversed(looks) if look.last <= as_of), None)
    if look is None:
        return None
    since = look.counted.oldest if look.counted else look.last
    return look if (as_of - since).days < (stands or look.days) else None


def limit(look: Look, goal: Goal) -> float | None:
    """Return the lower limit that is held against the target; null where there is none that can be."""
    if look.lower is None or not goal.is_nested:
        return look.lower
    if look.estimate is None:
        return None  # bounds say nothing of how much further a stricter limit would lie
    return look.estimate - WIDENED * (look.estimate - look.lower)


def passing(looks: Sequence[Look], goal: Goal) -> tuple[Look | None, date | None]:
    """Return the look from which on every measured one is at or past the target, and the day it became reached.

    Args:
        looks: in the order of their last days.
        goal: the target.

    Returns:
        The first look of the unbroken row of passing ones that the looks end with (null if the last does not pass),
        and the first day on which the milestone was reached, which stays (null if it never was).
    """
    begun: Look | None = None
    reached: date | None = None
    for look in looks:
        target = goal.asked(look)
        if look.lower is None or target is None:
            continue  # says nothing either way
        value = limit(look, goal)
        if value is None or value < target:
            begun = None
            continue
        begun = begun or look
        if reached is None and (goal.is_nested or goal.is_audience or look.last >= held_on(begun, look)):
            reached = look.last
    return begun, reached


def held_on(begun: Look, now: Look) -> date:
    """Return the first day whose window has no day in common with the first that passed, a week later at least."""
    return begun.last + timedelta(days=max(now.days, LEAST_HOLD))


def standing(looks: Sequence[Look], goal: Goal, as_of: date) -> Standing:
    """Judge a milestone on a day.

    Args:
        looks: of the metric, in the order of their last days; later ones than `as_of` do not count.
        goal: target and due date.
        as_of: the day.
    """
    seen = [look for look in looks if look.last <= as_of]
    begun, reached = passing(seen, goal)
    if reached is not None:
        return Standing("reached", f"On {reached} {_rule(goal)}.", reached_on=reached)
    now = current(seen, as_of, goal.stands)
    if now is None or now.lower is None:
        return _unmeasured(now, seen, goal)
    if goal.target is None:
        return Standing("not measurable", "Nobody knows yet what the target is a share of.")
    if goal.is_audience:
        return _grown(now, goal, as_of)
    if begun is not None:
        held = held_on(begun, now)
        reason = (
            f"The lower limit is at or past the target since {begun.last}; a window without a common day, "
            f"the first on {held}, has to show it too."
        )
        return Standing(_by(held, goal), reason, expected_from=held, expected_to=held)
    return _projected(seen, now, goal)


def _rule(goal: Goal) -> str:
    """Say what made it reached."""
    if goal.is_nested:
        return "the limit that holds on all looks of a year at once was at or past the target"
    if goal.is_audience:
        return "the count was at or past the target"
    return "the lower limit was at or past the target in two windows without a common day, and in all between"


def _unmeasured(now: Look | None, seen: Sequence[Look], goal: Goal) -> Standing:
    if now is not None:
        return Standing("not measurable", now.reason or "The newest window has no value.", now.remedy)
    if seen:
        remedy = COUNT_AGAIN if goal.is_audience else "run the days since then"
        return Standing("not measurable", f"The newest window ended on {seen[-1].last}.", remedy)
    return Standing("not measurable", "No window of the metric has closed yet.")


def _projected(seen: Sequence[Look], now: Look, goal: Goal) -> Standing:
    """Judge what is below the target by when it would be there if it went on as before."""
    same = [look for look in seen if look.estimate is not None and (not goal.is_nested or look.first == now.first)]
    value = limit(now, goal)
    if now.estimate is None or value is None or goal.target is None:
        return Standing("not measurable", "Only bounds are known, which cannot be projected.", now.remedy)
    if len(same) < LEAST_LOOKS or now.last - same[0].last < LEAST_SPAN:
        since = f"{len(same)} look{' is' if len(same) == 1 else 's are'} too few for a projection"
        begin = f", the first of {same[0].last}" if same else ""
        return Standing("not measurable", f"{since}{begin}.", f"wait until {_enough(same, goal)}" if same else None)
    hold = 0 if goal.is_nested else max(now.days, LEAST_HOLD)
    course = Course(same[0].first, now.last, hold, value)
    power = growth(same, course.origin)
    last = min(course.horizon, quarter_end(now.last) - DAY) if goal.is_nested else course.horizon
    dates = [course.day(goal.target, min(max(power + change, 0), 1), last) for change in (FASTER, 0, -SLOWER)]
    earliest, expected, latest = dates
    if expected is not None:
        told = f"{earliest} to {latest}" if latest else f"from {earliest} on; how late cannot be said"
        reason = f"The lower limit grows as t^{power:.2f} and would be there on {expected} ({told}), due {goal.due}."
        return Standing(_by(expected, goal), reason, expected_from=earliest, expected_to=latest)
    if goal.due <= last:
        reason = f"As it grows (t^{power:.2f}), the lower limit is not there by {last}, as far as can be projected"
        reason += _at_best(earliest)
        return Standing("behind", reason, expected_from=earliest)
    reason = f"Nothing can be said beyond {last}, and the target is due {goal.due}."
    return Standing("not measurable", reason, _wait(course, goal))


def _grown(now: Look, goal: Goal, as_of: date) -> Standing:
    """Judge a count below the target by when as many different editors will have edited since its window began."""
    counted = now.counted
    if now.estimate is None or goal.target is None or counted is None or counted.power is None:
        reason = "The count is below the target, and there are no two windows of it that tell how it grows."
        return Standing("not measurable", reason, TWO_WINDOWS)
    course = Course(now.last - (counted.days - 1) * DAY, now.last, 0, now.estimate)
    earliest, expected, latest = (
        course.day(goal.target, min(max(counted.power + change, 0), 1), course.horizon)
        for change in (FASTER, 0, -SLOWER)
    )
    grow = f"Different editors since {course.origin} grow as t^{counted.power:.2f}"
    if expected is not None:
        told = f"{earliest} to {latest}" if latest else f"from {earliest} on; how late cannot be said"
        status = _by(max(expected, as_of), goal)  # once it is due, no forecast stands for a count
        reason = f"{grow} and would be {goal.target:,.0f} on {expected} ({told}), due {goal.due}."
        remedy = INVITE_MORE if status == "behind" else None
        return Standing(status, reason, remedy, expected_from=earliest, expected_to=latest)
    if goal.due <= course.horizon:
        reason = f"{grow}: fewer than {goal.target:,.0f} by {course.horizon}, as far as can be projected"
        reason += _at_best(earliest)
        return Standing("behind", reason, INVITE_MORE, expected_from=earliest)
    reason = f"{grow}; nothing can be said beyond {course.horizon}, and the target is due {goal.due}."
    return Standing("not measurable", reason, COUNT_AGAIN)


def _at_best(earliest: date | None) -> str:
    """End the reason of what does not get there: the fastest course may, and is what `expected_from` has."""
    return "." if earliest is None else f"; if it grew as fast as it may, on {earliest}."


def _enough(looks: Sequence[Look], goal: Goal) -> date:
    """Return the day on which looks are enough for a projection, if none of those to come lacks an estimate."""
    step, last = goal.every * DAY, looks[-1].last
    n_lacking = max(LEAST_LOOKS - len(looks), math.ceil((looks[0].last + LEAST_SPAN - last) / step))
    return last + n_lacking * step


def _wait(course: Course, goal: Goal) -> str:
    """Return what to wait for until a projection reaches the due date."""
    if goal.is_nested and goal.due >= quarter_end(course.now):
        return f"a quarter starts anew; look again in that of {goal.due}"
    span = math.ceil(((goal.due - course.origin).days + 1) / HORIZON)
    return f"wait until {course.origin + (span - 1) * DAY}: a projection reaches {HORIZON} times the observed span"


def _by(day: date, goal: Goal) -> Status:
    return "on track" if day <= goal.due else "behind"


def growth(looks: Sequence[Look], origin: date) -> float:
    """Return `b` of `t^b`, from 0 to 1, through the last look: least squares of the logarithms, `t` in days.

    Looks without an estimate above 0 do not count; with nothing to fit nothing grows.
    """
    points = [((look.last - origin).days + 1, look.estimate) for look in looks if look.estimate]
    if not points or looks[-1].estimate != points[-1][1]:
        return 0.0
    days, values = np.log(np.array(points, dtype=np.float64)).T
    x, y = days - days[-1], values - values[-1]
    squares = float(x @ x)
    return min(max(float(x @ y) / squares, 0.0), 1.0) if squares > 0 else 0.0
