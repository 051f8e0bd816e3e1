"""Bounds that hold whatever people do: exact binomial limits; the two-day review rate, which has no estimate."""

from __future__ import annotations

from jobs.estimation.intervals import binomial_inversion


def users_bounds(n_seen: float, rate: float) -> tuple[float, float]:
    """Bound the number of users without any fit.

    Each user has at least one unit, hence shows with probability `rate` at least. The number seen is therefore no
    smaller than a binomial variable of all users and that rate, and its exact inversion holds.

    Args:
        n_seen: users with at least one kept unit.
        rate: sampling rate, above 0.

    Returns:
        The users seen, and the largest number of users of whom so few might be seen (97.5 % one-sided).
    """
    return n_seen, float(binomial_inversion(n_seen, rate)[1][0])


def light_users_upper(n_seen: float, once: float, rate: float) -> float:
    """Bound the number of users from above by those seen exactly once, were all that were missed as light as can be.

    Whoever is missed with probability q^n is seen exactly once with probability n p q^(n-1), so that the expected
    number of the missed is at most q / p times that of users seen once; equal where each has a single unit.

    Args:
        n_seen: users with at least one kept unit.
        once: users with exactly one.
        rate: sampling rate p, above 0.

    Returns:
        The users seen more than once, and the upper limit of single-unit users of whom `once` were seen.
    """
    return n_seen - once + users_bounds(once, rate)[1]


def two_day_bounds(
    n_two_days: float, users: tuple[float, float], rate: float, share_limit: float | None
) -> tuple[float, float]:
    """Bound the share of visitors who clicked a review link on at least two separate days (T422024).

    Whoever was seen on two days did review on two days; and a user who did is seen on two days with probability
    `rate` squared at least. So with O2 users seen on two days

        lower = O2 / U_hi,    upper = min(share_limit, N_hi / U_lo),

    N_hi the largest number of users of whom so few might be seen, each with probability `rate` squared.

    Args:
        n_two_days: O2, visitors seen clicking a review link on two or more days.
        users: lower and upper limit of the number of visitors.
        rate: smallest sampling rate in the window.
        share_limit: upper limit of the share of visitors with two or more clicked units, None if there is none.

    Returns:
        Lower and upper bound, within 0..1.
    """
    users_lower, users_upper = users
    lower = n_two_days / users_upper if users_upper > 0 else 0.0
    upper = users_bounds(n_two_days, rate**2)[1] / users_lower if users_lower > 0 else 1.0
    if share_limit is not None:
        upper = min(upper, share_limit)
    return min(lower, 1.0), min(max(upper, lower), 1.0)
