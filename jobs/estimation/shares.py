"""Shares of users: return and retention, and the unique click-through rate, within limits and explained."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from jobs.estimation.answers import Counts, Flags, PeopleEstimate, Weights, as_allowed, exact, refusal
from jobs.estimation.bounds import users_bounds
from jobs.estimation.intervals import wilson
from jobs.estimation.kernels import Law
from jobs.estimation.limits import DEFAULT_LIMITS, Interval, Limits, Verdict, points
from jobs.estimation.remedy import AT_FULL_RATE, remedy
from jobs.estimation.retention import (
    CUT,
    Problem,
    ShareFit,
    Side,
    return_problem,
    share_fit,
    share_misfit,
    share_point,
    spanning_problem,
    union_problem,
)
from jobs.estimation.share_limits import blind_verdict, share_verdict, share_without_fit, spanning_verdict
from jobs.estimation.users_limits import with_misfit

SUSPECT = 0.01
REALISED_RATE = 0.75
REALISED_USERS = 100
"""From this rate and so many users on, a realised share has an interval of its own (statistics R2 9)."""
REALISED_CHANCE = 0.95
REALISED_LEAST = 1 / 3


@dataclass(frozen=True)
class _Asked:
    """A share to estimate.

    Attributes:
        pose: gives the problem under a law.
        naive: the share as kept.
        n_seen: users seen in the denominator.
        rate: the smaller sampling rate, that of 100 % segments left out.
        window_rate: the smaller of the windows' rates, a window's rate being the largest in it.
        name: the estimator.
        noun: what the users of the denominator are called, in the plural.
    """

    pose: Callable[[Law], Problem]
    naive: float
    n_seen: float
    rate: float
    window_rate: float
    name: str
    noun: str


def _share(
    asked: _Asked, limits: Limits, check: Callable[[ShareFit], Verdict | None] = lambda _: None
) -> PeopleEstimate:
    """Fit a share and show what its verdict allows, that of what happened and that of the process apart.

    Args:
        asked: the share.
        limits: thresholds.
        check: refuses a fit for another reason than its width, or gives None.
    """
    fit = share_fit(asked.pose("int"))
    # A coarse grid of types may miss counts that a population explains; the interval hardly depends on it.
    misfit = share_misfit(asked.pose("fine")) if fit.misfit < SUSPECT else fit.misfit
    base = PeopleEstimate(
        None, None, None, "not_estimable", None, None, asked.name, asked.naive, asked.n_seen,
        alternative=share_point(asked.pose("ztp")), misfit=misfit,
    )  # fmt: skip
    advice = remedy("share", asked.rate, fit.n_denominator, limits)
    whole = Interval(fit.estimate, fit.lower, fit.upper)
    no = check(fit)

    def answer(interval: Interval, advice: str) -> PeopleEstimate:
        width = blind_verdict(share_verdict(interval, limits), asked.window_rate, limits)
        verdict = no or with_misfit(width, misfit, asked.noun)
        return as_allowed(verdict, interval, base, advice)

    is_apart = asked.rate >= REALISED_RATE and fit.n_denominator >= REALISED_USERS
    realised = answer(_of_what_happened(fit) if is_apart else whole, advice)
    return replace(realised, process=answer(whole, advice.replace(AT_FULL_RATE, _at_full_rate(fit))))


def _at_full_rate(fit: ShareFit) -> str:
    """Say how well the process would be known if everything were kept."""
    lower, upper = wilson(fit.estimate * fit.n_denominator, fit.n_denominator)
    return f"at 100 %: ±{points((float(upper[0]) - float(lower[0])) / 2)}"


def _of_what_happened(fit: ShareFit) -> Interval:
    """Narrow the interval of a share of the process to that of the users who came.

    The fit's interval holds the chance by which those N users are who they are, of variance R (1 - R) / N; they are
    known but for those missed, Var(R_hat) - R (1 - R) / N. Each side is scaled by the root of what remains; of a
    side shorter than the mean of both, as the longer would be. Where next to nobody is missed that remainder is a small
    difference of large numbers, hence only `REALISED_CHANCE` of the chance is taken off, and no less than
    `REALISED_LEAST` of a side is kept (coverage study: without either 92 % of zipf and 33 % of daily visitors).
    """
    below, above = fit.estimate - fit.lower, fit.upper - fit.estimate
    chance = REALISED_CHANCE * CUT * fit.estimate * (1 - fit.estimate) / fit.n_denominator

    def kept(side: float) -> float:
        whole = max(side, (below + above) / 2)
        return math.sqrt(max(1 - chance / whole**2, REALISED_LEAST**2)) if whole > 0 else 1.0

    return Interval(fit.estimate, fit.estimate - below * kept(below), fit.estimate + above * kept(above))


def _if_any(full: Flags | None) -> Flags | None:
    """Drop a 100 % segment in which nobody was seen: it tells nothing."""
    return full if full is not None and bool(full.any()) else None


def _window_rate(rate: float, full: Flags | None) -> float:
    """Give the largest rate in a window: 1 if it holds a 100 % segment in which someone was seen."""
    return rate if full is None else 1.0


def _before_fit(n_seen: float, naive: float | None, rate: float, noun: str, limits: Limits) -> PeopleEstimate | None:
    """Refuse a share before any fit, if it has to be."""
    pregate = share_without_fit(n_seen, noun, limits)
    if pregate is None:
        return None
    advice = remedy("share", rate, n_seen / math.sqrt(rate), limits)
    return refusal(pregate.reason or "", n_seen=n_seen, naive=naive, advice=advice)


def retention_estimate(
    k1: Counts,
    k2: Counts,
    m: Weights,
    rate1: float,
    rate2: float,
    full1: Flags | None = None,
    full2: Flags | None = None,
    spanning: Counts | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> PeopleEstimate:
    """Estimate the share of a window's visitors who come in a second window, too.

    Args:
        k1: kept units with a visit in the first window, per row; sessions in both windows count in both.
        k2: the same in the second window; rows of users seen in the second window only belong to the table.
        m: users per row.
        rate1: sampling rate in the first window (of its sampled segment); 1 if all was kept.
        rate2: the same in the second window.
        full1: per row, whether the users were seen in a 100 % segment of the first window; None without a segment.
        full2: the same in the second window.
        spanning: per row, kept sessions that touch both windows; None where pageviews are sampled.
        limits: thresholds.

    Returns:
        The share; estimator `ratio` if all was kept, `none` where refused, else `npmle_retention`.
    """
    full1, full2 = _if_any(full1), _if_any(full2)
    first, second = Side(k1, rate1, full1), Side(k2, rate2, full2)
    cohort = float(m[first.present()].sum())
    both = float(m[first.present() & second.present()].sum())
    if cohort == 0 and min(rate1, rate2) >= 1:
        return refusal("Nobody visited in the first window, so there is nothing to take a share of.")
    naive = both / cohort if cohort > 0 else None
    if naive is not None and min(rate1, rate2) >= 1:
        return exact(naive, "ratio", cohort)
    rate = min(_window_rate(rate1, full1), _window_rate(rate2, full2))
    refused = _before_fit(cohort, naive, rate, "visitors of the first window", limits)
    if refused is not None or naive is None:
        return refused or refusal("Nobody was seen in the first window.")
    weights = m.astype(np.float64)
    pose = _return_pose(first, second, weights)
    asked = _Asked(pose, naive, cohort, min(rate1, rate2), rate, "npmle_retention", "visitors")
    spans = np.zeros(len(m), dtype=bool) if spanning is None else spanning > 0
    if spanning is None or not spans.any() or max(rate1, rate2) >= 1:
        return _share(asked, limits)
    if rate1 == rate2 >= limits.spanning_rate and full1 is None and full2 is None:
        return _share(replace(asked, pose=_spanning_pose(k1, spanning, k2, weights, rate1)), limits)
    return _share(asked, limits, _spanning_check(float(m[spans].sum()), both, (rate1, rate2), limits))


def _return_pose(first: Side, second: Side, m: NDArray[np.float64]) -> Callable[[Law], Problem]:
    """Pose the return share under either law."""
    return lambda law: return_problem(first, second, m, law)


def _spanning_pose(
    k1: Counts, spanning: Counts, k2: Counts, m: NDArray[np.float64], rate: float
) -> Callable[[Law], Problem]:
    """Pose the return share with sessions in both windows apart."""
    return lambda law: spanning_problem(k1 - spanning, spanning, k2 - spanning, m, rate, law)


def _spanning_check(
    n_spanning: float, both: float, rates: tuple[float, float], limits: Limits
) -> Callable[[ShareFit], Verdict | None]:
    """Hold what sessions in both windows may add to a share, where the fit does not know them, against its interval.

    Such a session is kept or lost in both windows at once, which two windows apart take for two visits kept by chance:
    a share s of the cohort with one adds s (1 / rate - 1) at most. An id kept at the smaller of two rates is kept at
    the larger, too, so that s is counted by the smaller and the bias made by the larger.
    """

    def check(fit: ShareFit) -> Verdict | None:
        share = users_bounds(n_spanning, min(rates))[1] / fit.n_denominator
        bias = share * (1 / max(rates) - 1)
        interval = Interval(fit.estimate, fit.lower, fit.upper)
        return spanning_verdict(bias, n_spanning / max(both, n_spanning), interval, limits)

    return check


def unique_ctr_estimate(
    n_click_units: Counts,
    n_shown_only_units: Counts,
    m: Weights,
    rate: float,
    full_click: Flags | None = None,
    full_shown: Flags | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> PeopleEstimate:
    """Estimate, of the users shown a link, the share who clicked it.

    A unit with a click counts whether or not its impression was recorded, so a user who clicked but was never shown the
    link enters both sides, and each such user moves the share up a little. Only users shown count at rate 1; under
    sampling the two cannot be told apart, since an impression may lie in a unit that was not kept.

    Args:
        n_click_units: kept units with a click, with or without an impression, per row.
        n_shown_only_units: kept units with an impression and no click, per row.
        m: users per row, each with at least one such unit or seen in a 100 % segment.
        rate: sampling rate; 1 is exact.
        full_click: per row, whether the users clicked in a 100 % segment of the window; None without a segment.
        full_shown: per row, whether they had a unit without a click in a 100 % segment.
        limits: thresholds.

    Returns:
        The share; estimator `ratio` at rate 1, `none` where refused, else `npmle_ratio`.
    """
    full_click, full_shown = _if_any(full_click), _if_any(full_shown)
    click, shown = Side(n_click_units, rate, full_click), Side(n_shown_only_units, rate, full_shown)
    n_seen = float(m[click.present() | shown.present()].sum())
    if rate >= 1 and n_seen == 0:
        return refusal("Nobody was shown the link, so there is nothing to take a share of.")
    naive = float(m[click.present()].sum()) / n_seen if n_seen > 0 else None
    if rate >= 1 and naive is not None:
        return exact(naive, "ratio", n_seen)
    largest = max(_window_rate(rate, full_click), _window_rate(rate, full_shown))
    refused = _before_fit(n_seen, naive, largest, "users shown the link", limits)
    if refused is not None or naive is None:
        return refused or refusal("Nobody was seen to be shown the link.")
    weights = m.astype(np.float64)

    def pose(law: Law) -> Problem:
        return union_problem(click, shown, weights, law)

    return _share(_Asked(pose, naive, n_seen, rate, largest, "npmle_ratio", "users shown the link"), limits)
