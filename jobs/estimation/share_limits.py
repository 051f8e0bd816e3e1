"""What may be shown of a share of users, and why."""

from __future__ import annotations

from jobs.estimation.limits import DEFAULT_LIMITS, Interval, Limits, Verdict, percent, points


def share_without_fit(n_seen: float, rate: float, noun: str, limits: Limits = DEFAULT_LIMITS) -> Verdict | None:
    """Decide before any fit whether a share of users can be estimated at all.

    Args:
        n_seen: users seen in the denominator.
        rate: the smaller of the windows' rates, a window's rate being the largest in it.
        noun: what the users of the denominator are called, in the plural.
        limits: thresholds.

    Returns:
        The verdict `not_estimable`, or None where the fit has to decide.
    """
    if rate <= limits.blind_rate:
        return Verdict(
            "not_estimable",
            f"At a sampling rate of {percent(rate)} most users are seen once at most, so that missing a visit and not "
            "coming look the same.",
        )
    if n_seen < limits.fewest_seen:
        reason = f"Only {n_seen:.0f} {noun} were seen, fewer than the {limits.fewest_seen} an estimate needs."
        return Verdict("not_estimable", reason)
    return None


def share_verdict(fit: Interval, limits: Limits = DEFAULT_LIMITS) -> Verdict:
    """Decide from the width of its interval, and from a second model, what is shown of a share of users."""
    width = f"The share is known to ±{points(fit.half_width)} only"
    if fit.half_width > limits.share_bounds:
        return Verdict("not_estimable", f"{width}, too wide even for bounds (at most ±{points(limits.share_bounds)}).")
    if fit.half_width > limits.share_caution or fit.relative > limits.share_caution_relative:
        return Verdict("bounds_only", f"{width}, too wide for an estimate.")
    if fit.half_width > limits.share_publish or fit.relative > limits.share_publish_relative:
        return Verdict(
            "caution", f"{width}, wider than the ±{points(limits.share_publish)} or quarter of a firm number."
        )
    if not fit.agrees:
        return Verdict(
            "caution",
            f"A smoother model of visits gives {percent(fit.sensitivity)}, outside the interval, so that the answer "
            "depends on the model.",
        )
    return Verdict("publish")
