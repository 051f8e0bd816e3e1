"""What may be shown of a count of users, and why."""

from __future__ import annotations

from jobs.estimation.limits import DEFAULT_LIMITS, Interval, Limits, Status, Verdict, beyond, percent
from jobs.estimation.misfit import MISFIT

WIDEST_BOUNDS = 5.0
"""Bounds of a count of which the upper is more times the lower than this say nothing (statistics R2 13)."""


def users_without_fit(n_seen: float, rate: float, noun: str, limits: Limits = DEFAULT_LIMITS) -> Verdict | None:
    """Decide before any fit whether a count can be more than bounds.

    Args:
        n_seen: users seen in the window.
        rate: largest sampling rate in the window.
        noun: what the users are called, in the plural.
        limits: thresholds.

    Returns:
        The verdict `bounds_only`, or None where the fit has to decide.
    """
    if rate <= limits.blind_rate:
        return Verdict(
            "bounds_only",
            f"At a sampling rate of {percent(rate)} nobody can tell how many {noun} were missed; only bounds hold.",
        )
    if n_seen < limits.fewest_seen:
        reason = f"Only {n_seen:.0f} {noun} were seen, fewer than the {limits.fewest_seen} an estimate needs."
        return Verdict("bounds_only", reason)
    return None


def width_verdict(fit: Interval, what: str, limits: Limits = DEFAULT_LIMITS) -> Verdict:
    """Decide from the relative width of its interval what is shown of a count, or of a ratio of counts.

    Args:
        fit: estimate and interval.
        what: subject of the sentence, such as "The number of visitors".
        limits: thresholds.
    """
    steps: tuple[tuple[float, Status, str], ...] = (
        (limits.users_caution, "bounds_only", "too wide for an estimate (at most ±{})"),
        (limits.users_publish, "caution", "wider than the ±{} of a firm number"),
    )
    for limit, status, consequence in steps:
        if fit.relative > limit:
            width = f"{what} is known to ±{beyond(fit.relative, limit, percent)} only"
            return Verdict(status, f"{width}, {consequence.format(percent(limit))}.")
    return Verdict("publish")


def with_misfit(verdict: Verdict, misfit: float, noun: str) -> Verdict:
    """Lower a verdict to `caution` where no population whatever explains the counts, and say so first of all."""
    if misfit >= MISFIT:
        return verdict
    status: Status = "caution" if verdict.status == "publish" else verdict.status
    reason = (
        f"No population of {noun} explains how often they were seen: the sampling rate was not the declared one, "
        "visits arrived twice, or visits of a user were not kept independently."
    )
    return Verdict(status, reason)


def bounds_verdict(verdict: Verdict, lower: float, upper: float, what: str) -> Verdict:
    """Refuse bounds that are too far apart to say anything; leave every other verdict as it is.

    Args:
        verdict: what stands before.
        lower: lower bound of a count, or of a ratio of counts.
        upper: upper bound.
        what: subject of the sentence, such as "The number of visitors".
    """
    if verdict.status != "bounds_only" or upper <= WIDEST_BOUNDS * lower:
        return verdict
    between = f"{_short(lower)} and {_short(upper)}"
    return Verdict("not_estimable", f"{what} may be anything between {between}, which is too wide even for bounds.")


def _short(bound: float) -> str:
    return f"{bound:.0f}" if bound >= 10 or bound == 0 else f"{bound:.1f}"
