"""Bounds that hold whatever people do: exact Poisson limits; the two-day review rate, which has no estimate."""

from __future__ import annotations

from scipy import special


def garwood_upper(count: float, confidence: float = 0.975) -> float:
    """Give the exact one-sided upper limit of a Poisson mean (Garwood 1936); safe for sums of coin flips, too."""
    return float(special.gammaincinv(count + 1, confidence))


def users_bounds(n_seen: float, rate: float) -> tuple[float, float]:
    """Bound the number of users without any fit.

    Each user has at least one unit, hence shows with probability `rate` at least: E[seen] >= rate * users.

    Args:
        n_seen: users with at least one kept unit.
        rate: sampling rate, above 0.

    Returns:
        The users seen, and the 97.5 % upper limit of the expected number seen, divided by the rate.
    """
    return n_seen, garwood_upper(n_seen) / rate


def two_day_bounds(
    n_two_days: float, users: tuple[float, float], rate: float, share_limit: float | None
) -> tuple[float, float]:
    """Bound the share of visitors who clicked a review link on at least two separate days (T422024).

    Whoever was seen on two days did review on two days; and a user who did is seen on two days with probability
    `rate` squared at least. So with O2 users seen on two days

        lower = O2 / U_hi,    upper = min(share_limit, Garwood_hi(O2) / rate^2 / U_lo).

    Args:
        n_two_days: O2, visitors seen clicking a review link on two or more days.
        users: lower and upper 97.5 % limits of the number of visitors.
        rate: smallest sampling rate in the window.
        share_limit: 97.5 % upper limit of the share of visitors with two or more clicked units, None if there is none.

    Returns:
        Lower and upper bound, within 0..1.
    """
    users_lower, users_upper = users
    lower = n_two_days / users_upper if users_upper > 0 else 0.0
    upper = garwood_upper(n_two_days) / rate**2 / users_lower if users_lower > 0 else 1.0
    if share_limit is not None:
        upper = min(upper, share_limit)
    return min(lower, 1.0), min(max(upper, lower), 1.0)
