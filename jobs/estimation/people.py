"""Everything the rows of people are made of: counts and shares of users, explained, with a remedy.

Inputs are tiny tables over users (a row per combination of counts and how many users have it). Units are what is
sampled: pageviews or sessions, never events. What an answer states of the process, where that is another interval than
that of what happened, is its `process`; where everything was kept the answer is exact.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from jobs.estimation.answers import (
    Counts,
    PeopleEstimate,
    TotalLike,
    Weights,
    as_allowed,
    exact,
    refusal,
    refuse_mixed_rates,
    refuse_mixed_units,
    refuse_presented,
)
from jobs.estimation.bounds import two_day_bounds, users_bounds
from jobs.estimation.intervals import as_float, ratio_from_limits, wilson
from jobs.estimation.limits import DEFAULT_LIMITS, Interval, Limits, Verdict, percent
from jobs.estimation.remedy import ADVICE, AT_FULL_RATE, BELOW_FULL_RATE, remedy
from jobs.estimation.retention import Side, share_fit, union_problem
from jobs.estimation.share_limits import too_wide
from jobs.estimation.shares import retention_estimate, unique_ctr_estimate
from jobs.estimation.users import UsersFit, users_fit
from jobs.estimation.users_limits import bounds_verdict, users_without_fit, width_verdict, with_misfit

__all__ = [
    "PeopleEstimate",
    "TotalLike",
    "pageviews_per_visitor_estimate",
    "refusal",
    "refuse_mixed_rates",
    "refuse_mixed_units",
    "refuse_presented",
    "retention_estimate",
    "two_day_review_bounds",
    "unique_ctr_estimate",
    "users_estimate",
]


def users_estimate(
    k: Counts, m: Weights, rate: float, n_full: int = 0, noun: str = "visitors", limits: Limits = DEFAULT_LIMITS
) -> PeopleEstimate:
    """Estimate how many distinct users there were.

    The interval covers about 95 %, measured; of fewer seen than a fit needs it is the exact binomial one.

    Args:
        k: kept units per user, at least 1, of users never seen in a 100 % segment of the window.
        m: users with so many kept units.
        rate: sampling rate (of the sampled segment, if there is a 100 % one beside it); 1 is exact.
        n_full: users seen in a 100 % segment, counted exactly; 0 without such a segment.
        noun: what the users are called in sentences: `visitors`, `reviewers`.
        limits: thresholds.

    Returns:
        The number of users; estimator `count` at rate 1, `bounds` without a fit, else `npmle_users`.
    """
    rest = float(m.sum())
    n_seen = rest + n_full
    if rate >= 1:
        return exact(n_seen, "count", n_seen)
    few = users_without_fit(n_seen, 1.0 if n_full > 0 else rate, noun, limits)
    without_fit = few is not None and rest < limits.fewest_seen
    fit = _no_fit(rest, rate) if without_fit else _fit_rest(k, m, rate, limits)
    interval = Interval(n_full + fit.estimate, n_full + fit.lower, n_full + fit.upper)
    what = f"The number of {noun}"
    verdict = with_misfit(few or width_verdict(interval, what, limits), fit.misfit, noun)
    verdict = bounds_verdict(verdict, interval.lower, interval.upper, what)
    base = PeopleEstimate(
        None, None, None, "not_estimable", None, None, "bounds" if without_fit else "npmle_users", n_seen, n_seen,
        alternative=None if without_fit else n_full + fit.alternative, misfit=fit.misfit,
    )  # fmt: skip
    return as_allowed(verdict, interval, base, remedy("users", rate, interval.estimate, limits))


def _no_fit(rest: float, rate: float) -> UsersFit:
    """Give the interval that holds without a fit; its estimate serves the remedy."""
    lower, upper = users_bounds(rest, rate)
    guess = math.sqrt(max(rest, 1.0) * upper)
    return UsersFit(guess, lower, upper, guess, guess, 1.0, 0.0)


def _fit_rest(k: Counts, m: Weights, rate: float, limits: Limits) -> UsersFit:
    """Fit the users not counted exactly; of a handful, the interval is the one that holds without a fit."""
    rest = float(m.sum())
    lower, upper = users_bounds(rest, rate)
    if rest == 0:
        return UsersFit(0.0, lower, upper, 0.0, 0.0, 1.0, 0.0)
    fit = users_fit(k, m.astype(np.float64), rate)
    return fit if rest >= limits.fewest_seen else replace(fit, lower=lower, upper=max(upper, fit.estimate))


def pageviews_per_visitor_estimate(
    total: TotalLike,
    users: PeopleEstimate,
    n_kept_pageviews: float | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> PeopleEstimate:
    """Divide the dashboard's pageviews by its visitors.

    Where both have an estimate the limits of the ratio are made of theirs (Donner & Zou 2012) as if their errors were
    independent; they rise and fall together, which makes the interval rather too wide. Elsewhere the ends are divided
    crosswise. The ratio's own width decides, and whether the counts of visits fit any population.

    Args:
        total: dashboard pageviews of the window.
        users: dashboard visitors of the window.
        n_kept_pageviews: pageviews as kept, for the naive value.
        limits: thresholds; those of counts.

    Returns:
        Pageviews per visitor; estimator `ratio` at rate 1, else `npmle_ratio`.
    """
    naive = n_kept_pageviews / users.n_seen if n_kept_pageviews is not None and users.n_seen > 0 else None
    ends = (total.lower, total.upper, users.lower, users.upper)
    if any(end is None for end in ends) or not users.lower:
        reason = users.status_reason if users.lower is None else "There may have been no visitor at all."
        return refusal(reason or "Neither pageviews nor visitors are known.", naive=naive, advice=users.remedy)
    interval = _ratio_interval(total, users)
    what = "The number of pageviews per visitor"
    if interval.estimate:
        verdict = width_verdict(interval, what, limits)
    else:
        few = "Too few pageviews were kept for an estimate of their number; only bounds hold."
        verdict = Verdict("bounds_only", few if users.estimate else users.status_reason)
    verdict = with_misfit(verdict, users.misfit, "visitors")
    verdict = bounds_verdict(verdict, interval.lower, interval.upper, what)
    name = "ratio" if users.estimator == "count" else "npmle_ratio"
    base = PeopleEstimate(None, None, None, "not_estimable", None, None, name, naive, users.n_seen, misfit=users.misfit)
    return as_allowed(verdict, interval, base, users.remedy or f"{ADVICE}; {AT_FULL_RATE}")


def _ratio_interval(total: TotalLike, users: PeopleEstimate) -> Interval:
    """Divide a total by a count, both with limits; the estimate is 0 where one of the two has none."""
    t, t_lower, t_upper = (as_float(end or 0.0) for end in (total.estimate, total.lower, total.upper))
    u, u_lower, u_upper = (as_float(end or 0.0) for end in (users.estimate, users.lower, users.upper))
    estimate = float(t[0] / u[0]) if u[0] > 0 else 0.0
    # Of an exact count both ways are the same, and crosswise free of rounding.
    if estimate == 0 or u_lower[0] == u_upper[0]:
        return Interval(estimate, float(t_lower[0] / u_upper[0]), float(t_upper[0] / u_lower[0]))
    lower, upper = ratio_from_limits((t, t_lower, t_upper), (u, u_lower, u_upper), 0.0)
    return Interval(estimate, float(lower[0]), float(upper[0]))


def two_day_review_bounds(
    n_two_days: int,
    users: PeopleEstimate,
    rate: float,
    click_units: Counts | None = None,
    other_units: Counts | None = None,
    m: Weights | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> PeopleEstimate:
    """Bound the share of visitors who clicked a review link on at least two separate days (T422024).

    Days are not observed through any thinning that could be undone, so there is no point estimate below rate 1.

    Args:
        n_two_days: visitors seen clicking a review link on two or more days.
        users: visitors of the window; its ends are used.
        rate: smallest sampling rate in the window; 1 is exact.
        click_units: kept units with a review click, per row of the table of visitors. None where sessions are
            sampled (one may hold clicks of several days, and how many do is not counted) or the window has a 100 %
            segment.
        other_units: kept units without a review click, per row.
        m: users per row.
        limits: thresholds.

    Returns:
        Bounds, status `bounds_only`, those of the process wider by the chance of who came; exact at rate 1; refused
        where the bounds say nothing.
    """
    n_seen = users.n_seen
    if rate >= 1:
        return exact(n_two_days / n_seen, "ratio", n_seen) if n_seen > 0 else refusal("Nobody visited.")
    naive = n_two_days / n_seen if n_seen > 0 else None
    guess = users.estimate or n_seen / math.sqrt(rate)
    advice = remedy("share", 1.0, guess, limits).replace(AT_FULL_RATE, BELOW_FULL_RATE)
    if users.lower is None or users.upper is None or not users.lower:
        return refusal("The number of visitors is not known.", n_seen=n_seen, naive=naive, advice=advice)
    limit = None
    if click_units is not None and other_units is not None and m is not None and m.sum() >= limits.fewest_seen:
        sides = Side(click_units, rate), Side(other_units, rate)
        limit = share_fit(union_problem(*sides, m.astype(np.float64), at_least=2)).upper
    lower, upper = two_day_bounds(n_two_days, (users.lower, users.upper), rate, limit)

    def answer(lower: float, upper: float) -> PeopleEstimate:
        if wide := too_wide(lower, upper):
            why = f"At a sampling rate of {percent(rate)} who reviewed on two days may be seen on one of them only"
            wide = f"{why}: {wide[0].lower()}{wide[1:]}"
            return refusal(wide, n_seen=n_seen, naive=naive, advice=advice)
        reason = "Which days a visitor reviewed on is seen in part only; the true share lies between these bounds."
        return PeopleEstimate(None, lower, upper, "bounds_only", reason, advice, "bounds", naive, n_seen)

    # What so many users do again varies: Wilson's limits of the shares at both ends.
    below, above = wilson(lower * users.upper, users.upper)[0], wilson(upper * users.lower, users.lower)[1]
    return replace(answer(lower, upper), process=answer(float(below[0]), float(above[0])))
