"""What `plan-sampling` may promise of people: the fits and limits of the pipeline, on the data a scenario leads to.

How often each editor comes is taken as Poisson with a gamma-distributed mean, of the scenario's volume and variation;
a fixed share of the loads has a click on a review link. No session is taken to span two windows or two days. The table
of kept units this shows on average goes through the very functions that make published rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from jobs.estimation.answers import PeopleEstimate, exact
from jobs.estimation.limits import DEFAULT_LIMITS, Limits
from jobs.estimation.people import (
    pageviews_per_visitor_estimate,
    refuse_presented,
    retention_estimate,
    two_day_review_bounds,
    unique_ctr_estimate,
    users_estimate,
)
from jobs.planning.kept_users import KeptUsers
from jobs.planning.plan import expected_totals
from jobs.planning.scenario import ENTRY_POINT, USAGE, Expectation, Scenario, Setting

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

WEEK = 7
RETENTION_DAYS = 14
LARGEST = 200  # counts of kept units beyond it are added to it
MEANS = 200  # points that stand for the gamma law of the editors' means


@dataclass(frozen=True)
class _Loads:
    """Dashboard pageviews of the window, as far as they are shown."""

    lower: float | None
    estimate: float | None
    upper: float | None


def plan_people(scenario: Scenario, setting: Setting, limits: Limits = DEFAULT_LIMITS) -> tuple[Expectation, ...]:
    """Expect visitors, reviewers and reviews of the window, the unique click-through rate, return and retention.

    Args:
        scenario: the wiki and what is assumed.
        setting: sampling unit and rate.
        limits: thresholds of the people metrics.

    Returns:
        One realised expectation per metric.
    """
    if setting.user_rate > 0:
        return _of_kept_users(scenario, setting, limits)
    rate, users = setting.rate, scenario.may_visit
    means = _units_per_day(scenario, setting.unit)
    clicked = means * _click_share(scenario, setting.unit)
    visitors = _expected_users(means * scenario.window_days, users, rate, "visitors", limits)
    on_a_day = _expected_return(means, means, users, rate, limits)
    answers = (
        ("dashboard_visitors", visitors),
        (
            "pageviews_per_visitor",
            pageviews_per_visitor_estimate(_expected_loads(scenario, setting), visitors, limits=limits),
        ),
        ("reviewers", _expected_users(clicked * scenario.window_days, users, rate, "reviewers", limits)),
        ("two_day_review_rate", _expected_two_days(scenario, means, clicked, rate, visitors, limits)),
        ("link_click_through_rate_unique", _expected_unique_ctr(scenario, means, clicked, rate, limits)),
        ("two_week_return_rate", _expected_return(means * WEEK, means * WEEK, users, rate, limits)),
        ("retention_14d", _expected_return(means, means * RETENTION_DAYS, users, rate, limits)),
        *((f"retention_day_{day}", on_a_day) for day in (1, 7, 14)),
    )
    return tuple(_expectation(name, USAGE, answer) for name, answer in answers)


def _of_kept_users(scenario: Scenario, setting: Setting, limits: Limits) -> tuple[Expectation, ...]:
    """Expect the same metrics where some users are kept whole: the units kept of the others tell no more of people."""
    kept, days = KeptUsers(scenario.may_visit, setting.user_rate, limits), scenario.window_days
    means = _units_per_day(scenario, "pageview")
    clicked = means * _click_share(scenario, "pageview")
    came, clicks = _any(means * days), _any(clicked * days)
    on_two_days = np.asarray(stats.binom.sf(1, days, _any(clicked)), dtype=np.float64)
    day, week = _any(means), _any(means * WEEK)
    return (
        kept.count("dashboard_visitors", came, "visitors"),
        kept.mean("pageviews_per_visitor", means * days, came),
        kept.count("reviewers", clicks, "reviewers"),
        kept.share("two_day_review_rate", on_two_days, came),
        kept.share("link_click_through_rate_unique", clicks, came),
        kept.share("two_week_return_rate", week * week, week),
        kept.share("retention_14d", day * _any(means * RETENTION_DAYS), day),
        *(kept.share(f"retention_day_{later}", day * day, day) for later in (1, 7, 14)),
    )


def plan_presented(scenario: Scenario, setting: Setting, limits: Limits = DEFAULT_LIMITS) -> tuple[Expectation, ...]:
    """Expect the presented two-week rate: exact where entry point and usage are both whole, else of users kept whole.

    It is of the entry point's stream, so that asking for it keeps that whole; usage is then as large a rate at least.
    """
    if setting.user_rate > 0:
        means = _units_per_day(scenario, "pageview")
        shown = _any(means / means.mean() * scenario.impressions_per_day * WEEK / scenario.users)
        back = scenario.visiting_share * _any(means * WEEK) ** 2
        kept = KeptUsers(scenario.users, setting.user_rate, limits)
        return (kept.share("presented_two_week_rate", shown * back, shown, ENTRY_POINT),)
    answer = exact(1.0, "ratio", scenario.users) if setting.rate >= 1 else refuse_presented(setting.rate)
    return (_expectation("presented_two_week_rate", ENTRY_POINT, answer),)


def _units_per_day(scenario: Scenario, unit: str) -> Array:
    """Give the mean units a day (dashboard loads or sessions with one) of `MEANS` equally frequent kinds of editors."""
    size = scenario.loads_per_session if unit == "session" else 1.0
    mean = scenario.loads_per_day / size / scenario.may_visit
    if scenario.activity_variation == 0:
        return np.full(MEANS, mean)
    shape = 1 / scenario.activity_variation
    quantiles = special.gammaincinv(shape, (np.arange(MEANS) + 0.5) / MEANS) / shape
    return np.asarray(mean * quantiles / quantiles.mean(), dtype=np.float64)


def _any(means: Array) -> Array:
    """Give the chance of each kind of editor to have any of a Poisson number of units."""
    return np.asarray(-np.expm1(-means), dtype=np.float64)


def _click_share(scenario: Scenario, unit: str) -> float:
    """Give the share of units with a review click; a session has a geometric number of loads."""
    share, size = scenario.review_share, scenario.loads_per_session if unit == "session" else 1.0
    return share * size / (1 - share + share * size)


def _kept(means: Array, rate: float) -> Array:
    """Give the probability of each number of kept units, 0..LARGEST, of each kind of editor: counts x kinds."""
    pmf = stats.poisson.pmf(np.arange(LARGEST + 1)[:, None], rate * means[None, :])
    cells = np.asarray(pmf, dtype=np.float64)
    cells[-1] += 1 - cells.sum(axis=0)
    return np.maximum(cells, 0.0)


def _expected_loads(scenario: Scenario, setting: Setting) -> _Loads:
    """Estimate the dashboard's pageviews; their estimate is void where only bounds stand."""
    totals = expected_totals(scenario, setting)
    shown = totals.status[2] == "publish"
    return _Loads(float(totals.lower[2]), float(totals.estimate[2]) if shown else None, float(totals.upper[2]))


def _expected_users(means: Array, users: float, rate: float, noun: str, limits: Limits) -> PeopleEstimate:
    """Estimate distinct users from the table to be expected."""
    m = users * _kept(means, rate)[1:].mean(axis=1)
    k = np.arange(1, LARGEST + 1)
    keep = k <= max(int(np.flatnonzero(np.cumsum(m[::-1])[::-1] >= 0.5).max(initial=0)) + 1, 1)
    return users_estimate(k[keep], m[keep], rate, noun=noun, limits=limits)


def _expected_two_days(
    scenario: Scenario, means: Array, clicked: Array, rate: float, visitors: PeopleEstimate, limits: Limits
) -> PeopleEstimate:
    """Bound the two-day review rate from the table to be expected, and whoever is expected to be seen on two days."""
    on_a_day = -np.expm1(-rate * clicked)
    on_two_days = np.asarray(stats.binom.sf(1, scenario.window_days, on_a_day), dtype=np.float64)
    days = scenario.window_days
    table = _pairs(clicked * days, (means - clicked) * days, scenario.may_visit, rate)
    seen = round(scenario.may_visit * float(on_two_days.mean()))
    return two_day_review_bounds(seen, visitors, rate, *table, limits=limits)


def _expected_unique_ctr(
    scenario: Scenario, means: Array, clicked: Array, rate: float, limits: Limits
) -> PeopleEstimate:
    """Estimate the unique click-through rate of a link that every load shows, clicked as often as review links."""
    days = scenario.window_days
    return unique_ctr_estimate(
        *_pairs(clicked * days, (means - clicked) * days, scenario.may_visit, rate), rate, limits=limits
    )


def _expected_return(first: Array, second: Array, users: float, rate: float, limits: Limits) -> PeopleEstimate:
    """Estimate a return share from the table to be expected: the same kinds of editors in both windows."""
    return retention_estimate(*_pairs(first, second, users, rate), rate, rate, limits=limits)


def _pairs(first: Array, second: Array, users: float, rate: float) -> tuple[IntArray, IntArray, Array]:
    """Expect how many users show each pair of counts; the two are independent within a kind of editor."""
    table = users / len(first) * _kept(first, rate) @ _kept(second, rate).T
    table[0, 0] = 0.0
    k1, k2 = np.nonzero(table > 1e-6)
    return k1, k2, table[k1, k2]


def _expectation(metric: str, stream: str, answer: PeopleEstimate) -> Expectation:
    return Expectation(metric, stream, "realised", _half_width(answer), answer.status, answer.status_reason or "")


def _half_width(answer: PeopleEstimate) -> float:
    """Give half of the interval's length over the estimate; NaN where none is shown."""
    if answer.estimate is None or answer.lower is None or answer.upper is None:
        return float("nan")
    if answer.lower == answer.upper:
        return 0.0
    return (answer.upper - answer.lower) / 2 / answer.estimate if answer.estimate > 0 else float("nan")
