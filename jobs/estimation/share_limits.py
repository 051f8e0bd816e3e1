"""What may be shown of a share of users, and why."""

from __future__ import annotations

from jobs.estimation.limits import DEFAULT_LIMITS, Interval, Limits, Verdict, beyond, percent, points

WIDEST_BOUNDS = 0.5
"""Bounds of a share that lie further apart say nothing (statistics R2 13)."""


def share_without_fit(n_seen: float, noun: str, limits: Limits = DEFAULT_LIMITS) -> Verdict | None:
    """Decide before any fit whether a share of users can be estimated at all.

    Args:
        n_seen: users seen in the denominator.
        noun: what the users of the denominator are called, in the plural.
        limits: thresholds.

    Returns:
        The verdict `not_estimable`, or None where the fit has to decide.
    """
    if n_seen < limits.fewest_seen:
        reason = f"Only {n_seen:.0f} {noun} were seen, fewer than the {limits.fewest_seen} an estimate needs."
        return Verdict("not_estimable", reason)
    return None


def share_verdict(fit: Interval, limits: Limits = DEFAULT_LIMITS) -> Verdict:
    """Decide from the width of its interval what is shown of a share of users.

    The one gate of all rates, 1 included, where a process row has the interval of Wilson (statistics R2 6): the same
    users must not be refused at 90 % and published at 100 %.

    Args:
        fit: the share and its interval.
        limits: thresholds.
    """
    widest = min(limits.share_bounds, WIDEST_BOUNDS / 2)
    if fit.half_width > widest:
        width = f"The share is known to ±{beyond(fit.half_width, widest, points)} only"
        return Verdict("not_estimable", f"{width}, too wide even for bounds (at most ±{points(widest)}).")
    width = f"The share is known to ±{points(fit.half_width)} only"
    if fit.half_width > limits.share_caution or fit.relative > limits.share_caution_relative:
        return Verdict("bounds_only", f"{width}, too wide for an estimate.")
    if fit.half_width > limits.share_publish:
        width = f"The share is known to ±{beyond(fit.half_width, limits.share_publish, points)} only"
        return Verdict("caution", f"{width}, wider than the ±{points(limits.share_publish)} of a firm number.")
    if fit.relative > limits.share_publish_relative:
        quarter = f"more than ±{percent(limits.share_publish_relative)} of itself"
        return Verdict("caution", f"{width}, {quarter}, which is the most of a firm number.")
    return Verdict("publish")


def too_wide(lower: float, upper: float) -> str | None:
    """Say that bounds of a share that has no estimate are too far apart to be shown, or None where they are not."""
    if upper - lower <= WIDEST_BOUNDS:
        return None
    return f"The share may lie anywhere between {percent(lower)} and {percent(upper)}, too wide even for bounds."


def blind_verdict(verdict: Verdict, rate: float, limits: Limits = DEFAULT_LIMITS) -> Verdict:
    """Lower a verdict to bounds at a rate that shows too little of users for any estimate (statistics R2 12).

    Args:
        verdict: what the width allows.
        rate: the smaller of the windows' rates, a window's rate being the largest in it.
        limits: thresholds.
    """
    if rate > limits.blind_rate:
        return verdict
    if verdict.status == "not_estimable":
        return Verdict(
            "not_estimable",
            f"At a sampling rate of {percent(rate)} most users are seen once at most, so that missing a visit and not "
            "coming look the same.",
        )
    return Verdict("bounds_only", f"At a sampling rate of {percent(rate)} no share is estimated; only bounds hold.")


def spanning_verdict(bias: float, share: float, fit: Interval, limits: Limits = DEFAULT_LIMITS) -> Verdict | None:
    """Decide whether sessions in both windows, where they are not modelled, may have biased a return share.

    Args:
        bias: what they may have added to the share.
        share: of the users seen in both windows, those with such a session.
        fit: the share and its interval.
        limits: thresholds.

    Returns:
        The verdict `not_estimable`, or None where the bias is small beside the interval (statistics R2 2).
    """
    if bias <= limits.spanning_bias * fit.half_width:
        return None
    reason = (
        f"Of the users seen in both windows {percent(share)} had one session in both, so that coming back and staying "
        "cannot be told apart (sessions span both windows)."
    )
    return Verdict("not_estimable", reason)
