"""What a sample that keeps whole users would tell of people: no fit, but the arithmetic of a sample of users.

An event is kept if its pageview's hash is below a rate or a keyed hash of its user below a user rate q. Of the users
below q everything is kept, on every page and day, so that a number of users is that of the kept ones over q, and a
share of users is the share among them. Clients cannot do this today.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from jobs.estimation.intervals import binomial_inversion, log_ratio_interval, wilson
from jobs.estimation.limits import DEFAULT_LIMITS, Interval, Limits, Verdict
from jobs.estimation.share_limits import share_verdict
from jobs.estimation.users_limits import bounds_verdict, width_verdict
from jobs.planning.scenario import USAGE, Expectation

Array = NDArray[np.float64]


class KeptUsers:
    """Expectations of the metrics of people where each user is kept whole with a probability.

    Args:
        users: how many there are.
        user_rate: the probability, in (0, 1).
        limits: thresholds of the people metrics.
    """

    def __init__(self, users: float, user_rate: float, limits: Limits = DEFAULT_LIMITS) -> None:
        self._users, self._rate, self._limits = users, user_rate, limits

    def count(self, metric: str, chance: Array, noun: str) -> Expectation:
        """Expect a number of users.

        Args:
            metric: its id.
            chance: of each of equally frequent kinds of users, the chance to be one of them.
            noun: what they are called, in the plural.
        """
        there = self._users * float(chance.mean())
        kept = there * self._rate
        lower, upper = (float(end[0]) for end in binomial_inversion([kept], [self._rate]))
        interval = Interval(there, lower, upper)
        what = f"The number of {noun}"
        verdict = self._few(kept, noun) or width_verdict(interval, what, self._limits)
        return _expectation(metric, USAGE, interval, bounds_verdict(verdict, lower, upper, what))

    def share(self, metric: str, both: Array, base: Array, stream: str = USAGE) -> Expectation:
        """Expect a share of users, with Wilson's interval among the kept ones.

        Args:
            metric: its id.
            both: of each kind of users, the chance to be in the numerator.
            base: the chance to be in the denominator.
            stream: the stream it is measured on.
        """
        share = float(both.mean() / base.mean())
        kept = self._users * self._rate * float(base.mean())
        lower, upper = (float(end[0]) for end in wilson([share * kept], [kept]))
        interval = Interval(share, lower, upper)
        few = self._few(kept, "users")
        verdict = Verdict("not_estimable", few.reason) if few else share_verdict(interval, self._limits)
        return _expectation(metric, stream, interval, verdict)

    def mean(self, metric: str, units: Array, chance: Array) -> Expectation:
        """Expect units per user, over those with any; a user of a kind has a Poisson number of them.

        Args:
            metric: its id.
            units: mean units of each kind of users.
            chance: the chance to have any.
        """
        among = float(chance.mean())
        kept = self._users * self._rate * among
        mean = float(units.mean()) / among
        variance = float((units + units**2).mean()) / among - mean**2
        error = np.sqrt((1 - self._rate) * variance / kept)
        lower, upper = (float(end[0]) for end in log_ratio_interval(mean, error))
        interval = Interval(mean, lower, upper)
        verdict = self._few(kept, "visitors") or width_verdict(interval, "The ratio", self._limits)
        return _expectation(metric, USAGE, interval, bounds_verdict(verdict, lower, upper, "The ratio"))

    def _few(self, kept: float, noun: str) -> Verdict | None:
        if kept >= self._limits.fewest_seen:
            return None
        reason = f"Only {kept:.0f} {noun} would be seen, fewer than the {self._limits.fewest_seen} an estimate needs."
        return Verdict("bounds_only", reason)


def _expectation(metric: str, stream: str, interval: Interval, verdict: Verdict) -> Expectation:
    is_shown = verdict.status in ("publish", "caution")
    half_width = interval.relative if is_shown else float("nan")
    return Expectation(metric, stream, "realised", half_width, verdict.status, verdict.reason or "")
