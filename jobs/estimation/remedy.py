"""What would make a number measurable: expected half-widths by sampling rate and number of users.

The map of half-widths (`identifiability.py`) is made by `benchmarks/identifiability.py` from expected data: the tables
a population would show on average, put through the fits themselves; of several shapes of visiting the widest counts.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from jobs.estimation.identifiability import HALF_WIDTHS, N_USERS, RATES
from jobs.estimation.limits import DEFAULT_LIMITS, Limits, percent, points

Family = Literal["users", "share"]

OFFERED_RATES = (0.25, 0.5, 0.75)
KEEP_USAGE = "Keep usage at 100 %"
ADVICE = f"{KEEP_USAGE} and sample only the menu link"
LINK_AS_WELL = "this rate needs the menu link whole as well"
AT_FULL_RATE = "at 100 %: exact"
BELOW_FULL_RATE = f"below that bounds at best; {AT_FULL_RATE}"  # where no other rate gives an estimate


def expected_half_width(family: Family, rate: float, n_users: float) -> float:
    """Read the map: half-width of the 95 % interval to expect.

    Args:
        family: `users` (relative to the number of users) or `share` (absolute).
        rate: sampling rate; for two windows the smaller one.
        n_users: users in the window, for a share in the denominator; seen or not.

    Returns:
        Half-width; 0 at rate 1. Between the map's points it is interpolated, beyond its ends held.
    """
    if rate >= 1:
        return 0.0
    table = np.log(np.asarray(HALF_WIDTHS[family]))
    log_users = np.log(np.asarray(N_USERS, dtype=np.float64))
    at_users = [float(np.interp(np.log(max(n_users, 1.0)), log_users, row)) for row in table]
    return float(np.exp(np.interp(rate, RATES, at_users)))


def remedy(family: Family, rate: float, n_users: float, limits: Limits = DEFAULT_LIMITS) -> str:
    """Say at which higher rates the number could be shown, and how precisely.

    Args:
        family: as in `expected_half_width`.
        rate: sampling rate in force.
        n_users: best guess of the users there are.
        limits: thresholds; rates that would leave less than `caution` are not offered.

    Returns:
        A phrase such as "Keep usage at 100 % and sample only the menu link; at 50 %: ±6 pp; at 100 %: exact".
    """
    widest = limits.users_caution if family == "users" else limits.share_caution
    parts = [ADVICE]
    for offered in OFFERED_RATES:
        width = expected_half_width(family, offered, n_users)
        if offered > rate and width <= widest:
            shown = percent(width) if family == "users" else points(width)
            parts.append(f"at {percent(offered)}: ±{shown}")
    return "; ".join([*parts, AT_FULL_RATE])


def without_menu_link(advice: str) -> str:
    """Give the same advice where no such link is measured any more."""
    return advice.replace(ADVICE, KEEP_USAGE).replace(LINK_AS_WELL, "this rate needs a link to it whole as well")
