"""What may be shown of a count of users, and why."""

from __future__ import annotations

from jobs.estimation.limits import DEFAULT_LIMITS, Interval, Limits, Verdict, percent


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


def users_verdict(fit: Interval, noun: str, limits: Limits = DEFAULT_LIMITS) -> Verdict:
    """Decide from the width of its interval, and from a second model, what is shown of a count of users."""
    width = f"The number of {noun} is known to ±{percent(fit.relative)} only"
    if fit.relative > limits.users_caution:
        return Verdict("bounds_only", f"{width}, too wide for an estimate (at most ±{percent(limits.users_caution)}).")
    if fit.relative > limits.users_publish:
        return Verdict("caution", f"{width}, wider than the ±{percent(limits.users_publish)} of a firm number.")
    if not fit.agrees:
        return Verdict(
            "caution",
            f"A smoother model of visits gives {fit.sensitivity:.0f} {noun}, outside the interval, so that the answer "
            "depends on the model.",
        )
    return Verdict("publish")
