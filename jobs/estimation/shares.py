"""Shares of users: return and retention, and the unique click-through rate, within limits and explained."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from jobs.estimation.answers import Counts, Flags, PeopleEstimate, Weights, as_allowed, exact, refusal
from jobs.estimation.kernels import Law
from jobs.estimation.limits import DEFAULT_LIMITS, Interval, Limits, percent
from jobs.estimation.remedy import remedy
from jobs.estimation.retention import (
    Problem,
    Side,
    return_problem,
    share_fit,
    share_point,
    spanning_problem,
    union_problem,
)
from jobs.estimation.share_limits import share_verdict, share_without_fit


def _share(
    pose: Callable[[Law], Problem], naive: float, n_seen: float, rate: float, name: str, limits: Limits
) -> PeopleEstimate:
    """Fit a share, hold it against the hurdle model, and show what its verdict allows."""
    fit = share_fit(pose("int"))
    interval = Interval(fit.estimate, fit.lower, fit.upper, share_point(pose("ztp")))
    base = PeopleEstimate(None, None, None, "not_estimable", None, None, name, naive, n_seen)
    return as_allowed(share_verdict(interval, limits), interval, base, remedy("share", rate, fit.n_denominator, limits))


def _if_any(full: Flags | None) -> Flags | None:
    """Drop a 100 % segment in which nobody was seen: it tells nothing."""
    return full if full is not None and bool(full.any()) else None


def _window_rate(rate: float, full: Flags | None) -> float:
    """Give the largest rate in a window: 1 if it holds a 100 % segment in which someone was seen."""
    return rate if full is None else 1.0


def _before_fit(n_seen: float, naive: float | None, rate: float, noun: str, limits: Limits) -> PeopleEstimate | None:
    """Refuse a share before any fit, if it has to be."""
    pregate = share_without_fit(n_seen, rate, noun, limits)
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
    spanning_share: float = 0.0,
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
        spanning_share: share of kept sessions that touch both windows; 0 where pageviews are sampled.
        spanning: per row, kept sessions that touch both windows; needed only above 1 % spanning.
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
    smaller = min(rate1, rate2)
    pose = _return_pose(first, second, m.astype(np.float64))
    if max(rate1, rate2) < 1 and spanning_share > limits.spanning:
        is_mixed = rate1 != rate2 or full1 is not None or full2 is not None
        if spanning is None or is_mixed or rate1 < limits.spanning_rate:
            return _refuse_spanning(spanning_share, cohort, naive, smaller, limits)
        pose = _spanning_pose(k1, spanning, k2, m.astype(np.float64), rate1)
    return _share(pose, naive, cohort, smaller, "npmle_retention", limits)


def _return_pose(first: Side, second: Side, m: NDArray[np.float64]) -> Callable[[Law], Problem]:
    """Pose the return share under either law."""
    return lambda law: return_problem(first, second, m, law)


def _spanning_pose(
    k1: Counts, spanning: Counts, k2: Counts, m: NDArray[np.float64], rate: float
) -> Callable[[Law], Problem]:
    """Pose the return share with sessions in both windows apart."""
    return lambda law: spanning_problem(k1 - spanning, spanning, k2 - spanning, m, rate, law)


def _refuse_spanning(share: float, cohort: float, naive: float, rate: float, limits: Limits) -> PeopleEstimate:
    """Refuse a return share whose windows share too many sessions."""
    reason = (
        f"{percent(share)} of sessions span both windows, so that coming back and staying cannot be told apart "
        "(sessions span both windows)."
    )
    return refusal(reason, n_seen=cohort, naive=naive, advice=remedy("share", rate, cohort / rate, limits))


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
    return _share(lambda law: union_problem(click, shown, weights, law), naive, n_seen, rate, "npmle_ratio", limits)
